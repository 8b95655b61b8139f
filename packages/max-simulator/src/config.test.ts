import { describe, expect, test } from 'vitest'
import { readConfig } from './config.ts'

describe('configuration', () => {
  test('an empty environment gives a simulator on loopback port 3010', () => {
    expect(readConfig({})).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 3010,
      MAX_SIMULATOR_TOKEN: 'simulator-token',
      TIME_SCALE: 1,
    })
  })

  test('what is set is read, an empty value is unset, other variables are none of its business', () => {
    const env = { PORT: '0', TIME_SCALE: '3600', MAX_SIMULATOR_TOKEN: '', PATH: '/bin' }
    expect(readConfig(env)).toEqual({
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: 0,
      MAX_SIMULATOR_TOKEN: 'simulator-token',
      TIME_SCALE: 3600,
    })
  })

  test('in production it refuses to run, whatever else is wrong', () => {
    expect(() => readConfig({ NODE_ENV: 'production', PORT: 'x' })).toThrow(
      /^The MAX simulator is a development tool and refuses to run with NODE_ENV=production$/u,
    )
  })

  test('every bad variable is named in one line', () => {
    expect(() => readConfig({ PORT: 'abc', TIME_SCALE: '0' })).toThrow(
      /^Invalid environment: PORT .*; TIME_SCALE .*$/u,
    )
  })

  test.each(['0.0.0.0', '192.168.1.5', '::', 'example.com'])('%s is not loopback', (HOST) => {
    expect(() => readConfig({ HOST })).toThrow(/HOST .* is not a loopback address/u)
  })

  test.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('%s is loopback', (HOST) => {
    expect(readConfig({ HOST }).HOST).toBe(HOST)
  })
})
