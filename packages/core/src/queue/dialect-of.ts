import type { AnyDatabase } from '../database/index.ts'
import { postgresQueue } from './postgres-queue.ts'
import type { QueueDialect } from './queue-dialect.ts'
import { sqliteQueue } from './sqlite-queue.ts'

export const dialectOf = ({ dialect }: AnyDatabase): QueueDialect =>
  dialect === 'sqlite' ? sqliteQueue : postgresQueue
