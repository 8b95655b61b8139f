/** So many changes are decided or stored before others have their turn: some milliseconds of work. */
const SLICE = 100

/** Pieces of a list, in its order. */
export function slicesOf<T>(list: readonly T[]): (readonly T[])[] {
  if (list.length <= SLICE) return list.length === 0 ? [] : [list]
  const count = Math.ceil(list.length / SLICE)
  return Array.from({ length: count }, (_, n) => list.slice(n * SLICE, (n + 1) * SLICE))
}
