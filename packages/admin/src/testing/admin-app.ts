import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll } from 'vitest'
import { readConfig } from '@potok/core/config'
import { createLogger } from '@potok/core/logging'
import { describeDatabases } from '@potok/core/testing/databases'
import { buildApp } from '../app.ts'
import { Config } from '../config.ts'

const KEY = { 'x-api-key': 'gateway-service-key' }

export type AdminApp = Awaited<ReturnType<typeof buildAdmin>>

/**
 * The admin process without its socket, on a store of its own.
 * @param env what differs from the development defaults
 */
export async function buildAdmin(env: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'potok-admin-'))
  const config = readConfig(Config, { POTOK_DATA_DIR: directory, LOG_FORMAT: 'json', ...env })
  const lines: string[] = []
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  const app = await buildApp(config, createLogger(config, destination))
  await app.ready()
  return {
    app,
    /** `POTOK_DATA_DIR`. */
    directory: config.POTOK_DATA_DIR,
    /** Everything that was logged. */
    lines,
    /** A request as the gateway sends it. */
    async call(
      method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
      url: string,
      { headers, ...more }: Pick<InjectOptions, 'body' | 'headers'> = {},
    ) {
      return app.inject({ method, url, headers: { ...KEY, ...headers }, ...more })
    },
    async close() {
      await app.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/**
 * Runs a suite over the admin process on SQLite and on PostgreSQL. Its tests share the process and its store.
 * @param suite gets a function that answers the process, from the first test on
 */
export function describeAdmin(title: string, suite: (admin: () => AdminApp) => void): void {
  describeDatabases(title, (store) => {
    let admin: AdminApp | undefined
    beforeAll(async () => {
      const url = store.dialect === 'postgres' ? { DATABASE_URL: store.server().url } : {}
      admin = await buildAdmin({ ...url, LOG_LEVEL: 'debug' })
    })
    afterAll(async () => {
      await admin?.close()
    })
    suite(() => {
      if (admin === undefined) throw new Error('The process is there in tests only')
      return admin
    })
  })
}

/** A name that nobody else uses, for suites that share a store. */
export const freshName = (prefix: string): string => `${prefix}-${randomBytes(6).toString('hex')}`
