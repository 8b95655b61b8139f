import { expect, test } from 'vitest'
import { createKeys } from './keys.ts'

test('named and bare keys are told apart, base64 padding is part of a bare key', () => {
  const keys = createKeys('gateway=one, gateway=two ,Zm9vYmFyYmF6cXV4MTIzNA==,task=a=b')

  expect(keys.identify('one')).toBe('gateway')
  expect(keys.identify('two')).toBe('gateway')
  expect(keys.identify('Zm9vYmFyYmF6cXV4MTIzNA==')).toBe('unnamed')
  expect(keys.identify('a=b')).toBe('task')
  expect(keys.identify('=')).toBeUndefined()
  expect(keys.identify('')).toBeUndefined()
})

test('no key at all is no configuration', () => {
  expect(() => createKeys(' , ')).toThrow('API_KEYS holds no key')
  // What a script leaves whose variable was not set; it must not become a key of that text.
  expect(() => createKeys('gateway=,state=k')).toThrow('API_KEYS has no key for gateway')
})
