/**
 * A worker thread that runs long reads over the SQLite file with a connection of its own, one after another.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { loadSqlite } from '@potok/core/database'
import { Type } from '@sinclair/typebox'
import { createParser } from '@potok/core/validation'
import { ReadRequest, type ReadOutcome, type ReadTask } from './read-task.ts'

const parseData = createParser(Type.Object({ file: Type.String() }))
const parseRequest = createParser(ReadRequest)

/** SQLite checks this often, in rows, whether the time is up. */
const CHECK_EVERY = 256

if (parentPort === null) throw new Error('read-worker runs in a worker thread only')
const port = parentPort
const { file } = parseData(workerData)
const sqlite = await loadSqlite()
const database = new sqlite.DatabaseSync(file, { readOnly: true })

let deadline = 0
let rows = 0
database.function('still_in_time', () => {
  rows += 1
  if (rows % CHECK_EVERY === 0 && Date.now() > deadline) throw new Error('Time is up')
  return 1
})

function run({ sql, parameters, limitMs }: ReadTask): ReadOutcome {
  deadline = Date.now() + limitMs
  try {
    return { rows: database.prepare(sql).all(...parameters) }
  } catch (error) {
    if (Date.now() > deadline) return { expired: true }
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

port.on('message', (message: unknown) => {
  const request = parseRequest(message)
  if (request !== 'close') return port.postMessage(run(request))
  database.close()
  return port.close()
})
port.postMessage('ready')
