import { hash, verify, type Options } from '@node-rs/argon2'
import { randomBytes } from 'node:crypto'
import { createGate } from './gate.ts'

/** argon2id (the library's default) as OWASP's password storage cheat sheet has it: 19 MiB, 2 passes, 1 lane. */
const ARGON2: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

export interface PasswordsOptions {
  /** Hashes computed at once; each takes a thread of the pool and 19 MiB. */
  concurrency: number
  /** Hashes that may wait; above, `USERS_PASSWORDS_BUSY`. */
  queueLimit: number
}

export interface PasswordsDeps extends PasswordsOptions {
  /** Called for every hash that is computed. */
  onCompute?: () => void
}

export type Passwords = ReturnType<typeof createPasswords>

/** Turns passwords into hashes and compares them. Knows no people. */
export function createPasswords({ onCompute, ...bounds }: PasswordsDeps) {
  const gate = createGate(bounds)
  const compute = <T>(work: () => Promise<T>): Promise<T> =>
    gate(async () => {
      onCompute?.()
      return work()
    })
  // One letter can be typed as one code point or as two; both are the same password (NIST SP 800-63B, 3.1.1.2).
  const normal = (password: string): string => password.normalize('NFKC')

  /** What a name without a password is compared with, so that it takes as long as any other. */
  const nobody = hash(randomBytes(32), ARGON2)

  return {
    /** @throws PasswordsBusy */
    hash: (password: string): Promise<string> => compute(() => hash(normal(password), ARGON2)),
    /**
     * One computation whatever the answer.
     * @param stored undefined when there is nothing to compare with: then false
     * @throws PasswordsBusy
     */
    matches: (password: string, stored: string | undefined): Promise<boolean> =>
      compute(async () => {
        const same = await verify(stored ?? (await nobody), normal(password))
        return same && stored !== undefined
      }),
    /** How many wait for their turn. */
    waiting: (): number => gate.waiting(),
  }
}
