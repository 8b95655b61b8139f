import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
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

/** Reads the body and puts it back for the service behind: what was looked at is what is sent on. */
async function take(
  request: FastifyRequest,
  reply: Pick<FastifyReply, 'header' | 'removeHeader'>,
  limitBytes: number,
): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0)
  // Until all of it is here: who sends more than that is not listened to any longer.
  reply.header('connection', 'close')
  if (declared > limitBytes) throw new BodyTooLarge()
  const bytes = request.body instanceof Readable ? await read(request.body, limitBytes) : undefined
  reply.removeHeader('connection')
  if (bytes === undefined) return Buffer.alloc(0)
  request.headers['content-length'] = String(bytes.byteLength)
  request.body = Readable.from([bytes])
  return bytes
}

/**
 * Where a right depends on what the body is about, the body is judged before it is passed on.
 * @throws NotOwnPresence, NotOnlyTasks, BodyNotJson, BodyTypeRefused, BodyTooLarge
 */
export async function checkBody(
  request: FastifyRequest,
  reply: FastifyReply,
  limitBytes: number,
): Promise<void> {
  const { body: rule } = request.decision
  if (rule === undefined) return
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers
  if (!/^application\/json\s*(?:;|$)/iu.test(type) || encoding !== undefined) {
    throw new BodyTypeRefused()
  }
  check(rule, parsed(await take(request, reply, limitBytes)), request.principal.id)
}

/**
 * What the body says, for those who only want to know; undefined when it is no JSON, which the service behind will say.
 * @throws BodyTooLarge, BodyTypeRefused
 */
export async function peekBody(
  request: FastifyRequest,
  reply: FastifyReply,
  limitBytes: number,
): Promise<unknown> {
  if (request.headers['content-encoding'] !== undefined) throw new BodyTypeRefused()
  const bytes = await take(request, reply, limitBytes)
  try {
    return parsed(bytes)
  } catch {
    return undefined
  }
}
