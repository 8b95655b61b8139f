import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { createParser } from '@potok/core/validation'
import {
  BodyNotJson,
  BodyTooLarge,
  BodyTypeRefused,
  NotOnlyTasks,
  NotOwnPresence,
} from './errors.ts'

type Rule = NonNullable<FastifyRequest['decision']['body']>

const isOwnPresence = createParser(Type.Object({ entityId: Type.String() }))
const isTaskBatch = createParser(
  Type.Object({ operations: Type.Array(Type.Object({ entity: Type.Literal('task') })) }),
)

async function read(body: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk)
    size += bytes.byteLength
    if (size > limitBytes) throw new BodyTooLarge()
    chunks.push(bytes)
  }
  return Buffer.concat(chunks, size)
}

function parsed(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new BodyNotJson()
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return value
  } catch {
    throw new BodyNotJson()
  }
}

function check(rule: Rule, value: unknown, userId: string): void {
  if (rule === 'task_batch' && !isTaskBatch.check(value)) throw new NotOnlyTasks()
  if (rule === 'own_presence' && !(isOwnPresence.check(value) && value.entityId === userId)) {
    throw new NotOwnPresence()
  }
}

/**
 * Where a right depends on what the body is about, the body is read, judged, and put back for the service behind.
 * @throws NotOwnPresence, NotOnlyTasks, BodyNotJson, BodyTypeRefused, BodyTooLarge
 */
export async function checkBody(request: FastifyRequest, limitBytes: number): Promise<void> {
  const { body: rule } = request.decision
  if (rule === undefined) return
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers
  if (!/^application\/json\s*(?:;|$)/iu.test(type) || encoding !== undefined) {
    throw new BodyTypeRefused()
  }
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > limitBytes) throw new BodyTooLarge()
  if (!(request.body instanceof Readable)) throw new BodyNotJson()
  const bytes = await read(request.body, limitBytes)
  check(rule, parsed(bytes), request.principal.id)
  // What was judged is what is sent on, whatever way it came.
  request.headers['content-length'] = String(bytes.byteLength)
  request.body = Readable.from([bytes])
}
