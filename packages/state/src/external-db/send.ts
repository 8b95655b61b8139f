import { isUpstreamError } from '@potok/core/http-client'
import type { Job, Outcome } from '@potok/core/queue'
import { pauseMs } from './back-off.ts'
import type { Client } from './client.ts'
import { documentOf, pathOf } from './document.ts'
import type { Newest, NewestVersions } from './newest.ts'
import { NoPass, type Outage, type Pass } from './outage.ts'
import type { SyncJob } from './sync-job.ts'
import { verdictOf, type Verdict } from './verdict.ts'

/** What became of the newest version of an entity. */
export type Sent =
  | { kind: 'stored' | 'deleted' | 'outdated' | 'absent'; version: number }
  | { kind: 'refused'; version: number; status: number; detail: string }

export type SyncOutcome = Outcome<Sent>

export interface SendDeps {
  newest: Pick<NewestVersions, 'of'>
  client: Pick<Client, 'request'>
  outage: Outage
  /** How long a job waits while the external DB is away, before it lets another one wait. */
  waitMs: number
  count: (outcome: Sent['kind'] | 'later') => void
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** Brings the newest version of one entity to the external DB. */
export function createSend({ newest, client, outage, waitMs, count }: SendDeps) {
  async function exchange(row: Newest, signal: AbortSignal): Promise<Verdict> {
    const request = { path: pathOf(row.entity, row.entity_id), signal }
    const headers: Record<string, string> =
      row.correlation_id === null ? {} : { 'x-correlation-id': row.correlation_id }
    const method = row.deleted_at === null ? 'PUT' : 'DELETE'
    const {
      status,
      headers: told,
      body,
    } = await client.request(
      method === 'PUT'
        ? { ...request, method, body: documentOf(row), headers: { ...headers, ...JSON_TYPE } }
        : { ...request, method, query: { version: row.version }, headers },
    )
    return verdictOf(method, { status, retryAfter: told['retry-after'], text: body.text() })
  }

  /** @throws whatever is not the other side's fault */
  async function attempt(row: Newest, pass: Pass, signal: AbortSignal): Promise<Verdict> {
    try {
      const verdict = await exchange(row, signal)
      if (verdict.kind === 'later' && verdict.everything) outage.failed(pass, verdict.retryAfterMs)
      else outage.worked()
      return verdict
    } catch (error) {
      if (!isUpstreamError(error) || error.reason === 'client_abort') throw error
      outage.failed(pass)
      return { kind: 'later', everything: true, retryAfterMs: 0 }
    } finally {
      outage.giveBack(pass)
    }
  }

  function outcomeOf(row: Newest, verdict: Verdict, tries: number): SyncOutcome {
    const { version } = row
    if (verdict.kind === 'later') {
      count('later')
      // While the external DB is away nobody passes: whoever comes first when it is back may go at once.
      const delayMs = verdict.everything ? 0 : Math.max(verdict.retryAfterMs, pauseMs(tries))
      return { status: 'retry', delayMs }
    }
    const sent = sentOf(row, verdict, version)
    count(sent.kind)
    return { status: 'done', result: sent }
  }

  return async (job: Job<SyncJob>, { signal }: { signal: AbortSignal }): Promise<SyncOutcome> => {
    let pass: Pass
    try {
      pass = await outage.pass(waitMs)
    } catch (error) {
      if (error instanceof NoPass) return { status: 'retry', delayMs: 0 }
      throw error
    }
    const row = await newest.of(job.payload)
    if (row === undefined) {
      outage.giveBack(pass)
      // The store was put back to a time before it.
      return { status: 'done', result: { kind: 'absent', version: 0 } }
    }
    return outcomeOf(row, await attempt(row, pass, signal), job.attempt)
  }
}

function sentOf(row: Newest, verdict: Exclude<Verdict, { kind: 'later' }>, version: number): Sent {
  if (verdict.kind === 'refused') {
    const { status, detail } = verdict
    return { kind: 'refused', version, status, detail }
  }
  if (verdict.kind === 'outdated') return { kind: 'outdated', version }
  return { kind: row.deleted_at === null ? 'stored' : 'deleted', version }
}
