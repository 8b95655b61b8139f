import type { FieldError } from '@potok/contracts/problem'

/** A foreign value that its schema refuses. Carries every field error. */
export class ValueRefused extends Error {
  readonly code = 'VALUE_REFUSED'
  readonly statusCode = 400
  readonly errors: FieldError[]

  constructor(errors: FieldError[]) {
    super(errors.map(({ path, message }) => `${path} ${message}`).join('; '))
    this.name = 'ValueRefused'
    this.errors = errors
  }
}
