/** The place in the log that a cursor `<epoch>.<position>` names. Comparable only between cursors of one log. */
export function positionOf(cursor: string): bigint {
  return BigInt(cursor.slice(cursor.lastIndexOf('.') + 1))
}
