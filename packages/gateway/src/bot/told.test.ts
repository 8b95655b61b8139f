import { describe, expect, it } from 'vitest'
import type { EntityEvent } from '@potok/contracts/event'
import { noticesOf, type Before } from './told.ts'

type Given = Partial<EntityEvent['data']> & { by: string; assignee?: string }

function event(version: number, { by, assignee, ...data }: Given): EntityEvent {
  return {
    id: `e${version}`,
    event: 'entity.updated',
    timestamp: '2026-11-21T12:00:00.000Z',
    data: {
      entity: 'task',
      id: 't',
      previousStatus: 'created',
      newStatus: 'created',
      metadata: assignee === undefined ? {} : { assignee },
      version,
      actor: `user:${by}`,
      reason: null,
      correlationId: 'c',
      ...data,
    },
  }
}

const told = (events: EntityEvent[], before: Partial<Before> = {}, author = 'user:author') =>
  noticesOf({
    events,
    before: { status: 'created', assignee: undefined, ...before },
    author,
    title: 'Отчёт',
  }).map(({ userId, kind, actor, eventId }) => `${userId} ${kind} by ${actor} (${eventId})`)

describe('who is told what', () => {
  it('the assignee of an assignment, not who made it', () => {
    expect(told([event(2, { by: 'author', assignee: 'doer' })])).toEqual([
      'doer assigned by user:author (e2)',
    ])
    expect(told([event(2, { by: 'doer', assignee: 'doer' })], {}, 'service:task')).toEqual([])
  })

  it('a task that is created for somebody is an assignment', () => {
    const created = event(1, { by: 'author', assignee: 'doer', previousStatus: null })
    expect(told([created], { status: null })).toEqual(['doer assigned by user:author (e1)'])
  })

  it('nobody of what stays the same', () => {
    const events = [event(3, { by: 'author', assignee: 'doer' })]
    expect(told(events, { assignee: 'doer' })).toEqual([])
  })

  it('the author of a change of status, with who made the last one', () => {
    const events = [
      event(2, { by: 'doer', newStatus: 'in_progress' }),
      event(3, { by: 'boss', previousStatus: 'in_progress', newStatus: 'completed' }),
    ]
    expect(told(events)).toEqual(['author changed by user:boss (e3)'])
  })

  it('the author of another change as such, and when the status came back to where it was', () => {
    expect(told([event(2, { by: 'boss' })])).toEqual(['author edited by user:boss (e2)'])
    const there = event(2, { by: 'doer', newStatus: 'pending' })
    const back = event(3, { by: 'doer', previousStatus: 'pending', newStatus: 'created' })
    expect(told([there, back])).toEqual(['author edited by user:doer (e3)'])
  })

  it('author and assignee of a failure', () => {
    const failure = event(4, {
      by: 'boss',
      assignee: 'doer',
      previousStatus: 'in_progress',
      newStatus: 'failed',
    })
    expect(told([failure], { status: 'in_progress', assignee: 'doer' })).toEqual([
      'author failed by user:boss (e4)',
      'doer failed by user:boss (e4)',
    ])
  })

  it('a failure that is over again is no failure', () => {
    const failed = event(2, { by: 'doer', assignee: 'doer', newStatus: 'failed' })
    const again = event(3, {
      by: 'doer',
      assignee: 'doer',
      previousStatus: 'failed',
      newStatus: 'pending',
    })
    expect(told([failed, again], { assignee: 'doer' })).toEqual([
      'author changed by user:doer (e3)',
    ])
  })

  it('the last assignee of several', () => {
    const events = [
      event(2, { by: 'author', assignee: 'first' }),
      event(3, { by: 'author', assignee: 'second' }),
    ]
    expect(told(events)).toEqual(['second assigned by user:author (e3)'])
  })

  it('author and assignee of a deletion', () => {
    const deletion = event(3, { by: 'boss', newStatus: null })
    expect(told([deletion], { assignee: 'doer' })).toEqual([
      'author deleted by user:boss (e3)',
      'doer deleted by user:boss (e3)',
    ])
  })

  it('services and the system are nobody to be told, and somebody who acts', () => {
    const expired = event(2, { by: '', actor: 'system:ttl', newStatus: 'pending' })
    expect(told([expired])).toEqual(['author changed by system:ttl (e2)'])
    expect(told([expired], {}, 'service:gateway')).toEqual([])
  })
})
