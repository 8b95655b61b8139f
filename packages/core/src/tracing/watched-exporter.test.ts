import { ExportResultCode, type ExportResult } from '@opentelemetry/core'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { watchedExporter } from './watched-exporter.ts'

const MINUTE_MS = 60_000

/** An exporter that does as it is told, and what the log says of it. */
function stage() {
  let time = 0
  let result: ExportResult = { code: ExportResultCode.SUCCESS }
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const exporter = watchedExporter(
    { export: (_spans, done) => done(result), shutdown: async () => undefined },
    log,
    () => time,
  )
  const send = (): ExportResult[] => {
    const results: ExportResult[] = []
    exporter.export([], (one) => results.push(one))
    return results
  }
  return {
    lines,
    send,
    fail: (): void => {
      result = { code: ExportResultCode.FAILED, error: new Error('nobody listens') }
    },
    work: (): void => {
      result = { code: ExportResultCode.SUCCESS }
    },
    pass: (ms: number): void => {
      time += ms
    },
  }
}

test('a collector that is away is told of once, then once a minute, and once when it is back', () => {
  const { lines, send, fail, work, pass } = stage()
  send()
  expect(lines).toEqual([])

  fail()
  for (let count = 0; count < 100; count += 1) send()
  expect(lines).toMatchObject([{ level: 40, err: { message: 'nobody listens' } }])
  pass(MINUTE_MS)
  for (let count = 0; count < 100; count += 1) send()
  expect(lines).toHaveLength(2)

  work()
  send()
  send()
  expect(lines.slice(2)).toMatchObject([{ level: 30, msg: 'traces can be sent again' }])
})

test('one that comes and goes is told of once a minute too', () => {
  const { lines, send, fail, work, pass } = stage()
  for (let count = 0; count < 50; count += 1) {
    fail()
    send()
    work()
    send()
    pass(1000)
  }
  expect(lines).toHaveLength(2)
})

test('the queue goes on whatever became of a batch', () => {
  const { send, fail } = stage()
  fail()
  expect(send()).toEqual([{ code: ExportResultCode.SUCCESS }])
})
