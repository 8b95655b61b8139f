import { ok } from 'node:assert/strict'
import { createConnection } from 'node:net'
import { once } from 'node:events'
import { Client } from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { postgresService, startPostgres } from './postgres-server.ts'
import { redisService, startRedis } from './redis-server.ts'
import { buildCore, startScript } from './script-process.ts'
import { describeService } from './services.ts'

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describeService(postgresService, 'the throw-away PostgreSQL', () => {
  test('keeps its rows over a restart and a crash, on the same port', async () => {
    const server = await startPostgres()
    ok(server)
    onTestFinished(() => server.stop())
    const query = async (text: string): Promise<unknown[]> => {
      const client = new Client(server.url)
      await client.connect()
      const { rows } = await client.query<object>(text)
      await client.end()
      return rows
    }
    await query('create table notes as select 1 as n')
    await server.restart()
    await query('insert into notes values (2)')
    await server.kill()
    await expect(query('select 1')).rejects.toThrow('ECONNREFUSED')
    await server.start()
    expect(await query('select n from notes order by n')).toEqual([{ n: 1 }, { n: 2 }])
  })
})

describeService(redisService, 'the throw-away Redis', () => {
  test('answers, hangs while paused, and goes on where it stood', async () => {
    const server = await startRedis()
    ok(server)
    onTestFinished(() => server.stop())
    const socket = createConnection(server.port, server.host)
    onTestFinished(() => void socket.destroy())
    let answers = ''
    socket.on('data', (chunk: Buffer) => (answers += chunk.toString()))
    socket.write('PING\r\n')
    await once(socket, 'data')
    server.pause()
    socket.write('PING\r\n')
    const early = once(socket, 'data', { signal: AbortSignal.timeout(100) })
    await expect(early).rejects.toThrow('aborted')
    const late = once(socket, 'data')
    server.resume()
    await late
    expect(answers).toBe('+PONG\r\n+PONG\r\n')
  })

  test('ends with the process that started it, even when that is killed', async () => {
    await buildCore()
    const parent = startScript(`
      import { startRedis } from '@potok/core/testing/redis-server'
      const server = await startRedis()
      console.log(server.pid)
      setInterval(() => {}, 1000)`)
    const { value } = await parent.lines.next()
    const pid = Number(value)
    expect(isAlive(pid)).toBe(true)
    await parent.kill()
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000)
  })
})
