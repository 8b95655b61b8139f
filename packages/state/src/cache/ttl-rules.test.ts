import { expect, test } from 'vitest'
import { createParser } from '@potok/core/validation'
import { Type } from '@sinclair/typebox'
import { matcherOf, redisPatternOf } from './key-pattern.ts'
import { TTL_RULES } from './schemas.ts'
import { createTimeToLive } from './ttl-rules.ts'

test('states live 300 s and lists 60 s when nothing is said', () => {
  const ttl = createTimeToLive()

  expect(ttl('state:task:t1')).toBe(300_000)
  expect(ttl('state:list:task:abc')).toBe(60_000)
})

test('the longest pattern that fits decides, wherever it stands', () => {
  const ttl = createTimeToLive('state:task:vip-*=10,state:task:*=20,state:*:x*=0')

  expect(ttl('state:task:vip-1')).toBe(10_000)
  expect(ttl('state:task:t1')).toBe(20_000)
  expect(ttl('state:user:x1')).toBe(0)
  expect(ttl('state:user:u1')).toBe(300_000)
})

test('a given pattern replaces the same one of the defaults', () => {
  expect(createTimeToLive('state:*=7')('state:task:t1')).toBe(7000)
})

test('what is no rule is refused before it is read', () => {
  const { check } = createParser(Type.String({ pattern: TTL_RULES }))

  expect(check('state:user:*=30,state:task:vip-*=0')).toBe(true)
  const wrong = ['', 'state:*', 'state:*=x', 'task:*=5', 'state:*=5;state:a=1', 'state:*=5,']
  expect(wrong.filter((rules) => check(rules))).toEqual([])
})

test('in a pattern only the star is special', () => {
  expect(matcherOf('state:task:a.b*')('state:task:a.b1')).toBe(true)
  expect(matcherOf('state:task:a.b*')('state:task:axb1')).toBe(false)
  expect(matcherOf('state:task:t1')('state:task:t11')).toBe(false)
  expect(redisPatternOf('state:my-type:*')).toBe(String.raw`state:my\-type:*`)
})
