/**
 * A parameter whose value is asked for when the statement is bound, not when it is built: compiled and cached
 * statements stay valid while the value changes.
 */
export class LateValue {
  readonly #value: () => number

  constructor(value: () => number) {
    this.#value = value
  }

  read(): number {
    return this.#value()
  }
}

/** A parameter as both drivers take it. */
export function bindable(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof LateValue) return value.read()
  return value === undefined ? null : value
}

/** For a SQLite that takes every number for a real: `5` would come out of a text column as `5.0`. */
export function bindableAsInteger(value: unknown): unknown {
  const plain = bindable(value)
  return Number.isSafeInteger(plain) ? BigInt(Number(plain)) : plain
}
