import { expect, test } from 'vitest'
import { createPasswords } from './passwords.ts'

function build() {
  let computed = 0
  const passwords = createPasswords({ concurrency: 2, queueLimit: 8, onCompute: () => computed++ })
  return { passwords, computed: () => computed }
}

test('a hash is argon2id with the parameters of OWASP and a salt of its own', async () => {
  const { passwords } = build()

  const [one, two] = await Promise.all([passwords.hash('secret'), passwords.hash('secret')])

  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/u)
  expect(one).not.toBe(two)
})

test('the same letters typed in another way are the same password', async () => {
  const { passwords } = build()
  const stored = await passwords.hash('Пароль й'.normalize('NFC'))

  expect(await passwords.matches('Пароль й'.normalize('NFD'), stored)).toBe(true)
  expect(await passwords.matches('Пароль и', stored)).toBe(false)
})

test('with nothing to compare with, the answer is no, after the same one computation', async () => {
  const { passwords, computed } = build()
  const stored = await passwords.hash('secret')
  const count = async (given: string, hash: string | undefined) => {
    const before = computed()
    const answer = await passwords.matches(given, hash)
    return { answer, computations: computed() - before }
  }

  expect(await count('secret', stored)).toEqual({ answer: true, computations: 1 })
  expect(await count('wrong', stored)).toEqual({ answer: false, computations: 1 })
  expect(await count('secret', undefined)).toEqual({ answer: false, computations: 1 })
})
