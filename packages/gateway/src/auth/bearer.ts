import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { guard } from '@potok/core/access'
import { addToLog } from '@potok/core/logging'
import { SessionEnded, TokenMissing } from './errors.ts'
import type { Revocations } from './revocations.ts'
import type { Principal, Tokens } from './tokens.ts'

/** RFC 6750 §2.1. */
const BEARER = /^Bearer +(?<token>[A-Za-z0-9._~+/-]+=*)$/iu

/** How to prove who one is. */
export const CHALLENGE = 'Bearer realm="potok"'

interface VerifyDeps {
  tokens: Pick<Tokens, 'verifyAccess'>
  revocations: Pick<Revocations, 'has'>
}

/** Signature, time and the life of the session behind it, without asking anybody. */
export function createVerify({ tokens, revocations }: VerifyDeps) {
  return (token: string): Principal => {
    const principal = tokens.verifyAccess(token)
    if (revocations.has(principal.sid)) throw new SessionEnded()
    return principal
  }
}

/** Sets `request.principal` to whom the access token stands for. @throws TokenMissing and what `verify` does */
export function createIdentify(verify: (token: string) => Principal) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.groups?.['token']
    try {
      if (token === undefined) throw new TokenMissing()
      request.principal = verify(token)
    } catch (error) {
      // RFC 9110 §11.6.1: a 401 says how to do it right.
      reply.header('www-authenticate', CHALLENGE)
      throw error
    }
    addToLog(request, { userId: request.principal.id })
  }
}

/** Lets through whoever sends a good access token. */
export const createBearerGuard = (identify: ReturnType<typeof createIdentify>) =>
  guard((request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    identify(request, reply)
    done()
  })
