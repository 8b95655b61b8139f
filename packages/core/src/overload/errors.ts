import createError from '@fastify/error'
import type { ProblemSource } from '../problem/index.ts'

// Made at a high rate exactly when there is no time to waste: without a stack.
const Shed = createError(
  'OVERLOAD_SHED',
  'The service is busy; try again in a moment',
  503,
  Error,
  false,
)

export const shed = (retryAfterSeconds: number): ProblemSource =>
  Object.assign(new Shed(), { reason: 'overloaded', retryAfterSeconds, isRoutine: true })
