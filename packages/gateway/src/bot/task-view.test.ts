import { describe, expect, it } from 'vitest'
import type { State } from '@potok/contracts/state'
import { actionsOf, mayChange, viewOf } from './task-view.ts'

const state = (metadata: Record<string, unknown>): State => ({
  entity: 'task',
  entityId: 't1',
  status: 'created',
  version: 1,
  metadata,
  createdAt: '2026-01-01T00:00:00.000Z',
  createdBy: 'user:author',
  updatedAt: '2026-01-01T00:00:00.000Z',
  updatedBy: 'user:author',
})

describe('a task as it is shown', () => {
  it('survives any metadata', () => {
    expect(viewOf(state({}))).toMatchObject({ title: 't1', tags: [], dueAt: undefined })
    const odd = { title: 7, priority: 'mad', dueAt: 'soon', assignee: '', tags: [1, 'a'] }
    expect(viewOf(state(odd))).toMatchObject({
      title: 't1',
      priority: undefined,
      dueAt: undefined,
      assignee: undefined,
      tags: ['a'],
    })
  })

  it('offers what status and machine allow', () => {
    expect(actionsOf('created', ['pending', 'in_progress', 'failed'])).toEqual([
      'take',
      'start',
      'fail',
    ])
    expect(actionsOf('in_progress', ['completed', 'failed', 'pending', 'created'])).toEqual([
      'done',
      'fail',
      'postpone',
    ])
    expect(actionsOf('completed', ['in_progress'])).toEqual(['reopen'])
    expect(actionsOf('failed', ['created', 'pending', 'in_progress'])).toEqual([
      'take',
      'start',
      'reopen',
    ])
    expect(actionsOf('in_progress', [])).toEqual([])
    expect(actionsOf(undefined, ['completed'])).toEqual([])
  })

  it('may be changed by managers, its author and its assignee', () => {
    const task = { author: 'user:author', assignee: 'doer' }
    const may = (userId: string, isManager = false) => mayChange(task, { userId, isManager })
    expect([may('author'), may('doer'), may('other'), may('other', true)]).toEqual([
      true,
      true,
      false,
      true,
    ])
  })
})
