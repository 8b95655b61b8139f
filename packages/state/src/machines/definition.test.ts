import { expect, test } from 'vitest'
import { builtInMachines, builtInRules } from './built-in.ts'
import { definitionErrors } from './definition.ts'
import { createRules } from './rules.ts'

test('the built-in rules obey the rules for rules', () => {
  expect(builtInMachines.flatMap(definitionErrors)).toEqual([])
})

test('a status that nothing leads to is named', () => {
  const errors = definitionErrors({
    statuses: ['draft', 'sent', 'lost'],
    initial: ['draft'],
    transitions: { draft: ['draft'], sent: ['lost'] },
  })

  expect(errors).toEqual([
    { path: '/body/statuses/1', message: 'sent can never be reached from the initial statuses' },
    { path: '/body/statuses/2', message: 'lost can never be reached from the initial statuses' },
  ])
})

test('an expiry leads somewhere too', () => {
  const errors = definitionErrors({
    statuses: ['draft', 'lost'],
    initial: ['draft'],
    transitions: {},
    expiry: { draft: { afterSeconds: 60, to: 'lost' } },
  })

  expect(errors).toEqual([])
})

test('a task moves as the contract says', () => {
  const rules = builtInRules.get('task')
  const moves = rules?.statuses.map((from) => [
    from,
    rules.statuses.filter((to) => rules.allows(from, to)),
  ])

  expect(Object.fromEntries(moves ?? [])).toEqual({
    created: ['pending', 'in_progress', 'failed'],
    pending: ['created', 'in_progress', 'failed'],
    in_progress: ['created', 'pending', 'completed', 'failed'],
    completed: ['in_progress'],
    failed: ['created', 'pending', 'in_progress'],
  })
  expect(rules?.after(null)).toEqual(['created', 'pending', 'in_progress'])
})

test('a status that the rules forgot leads back to the beginning', () => {
  const rules = createRules({
    entity: 'order',
    version: 2,
    builtIn: false,
    statuses: ['draft', 'sent'],
    initial: ['draft'],
    transitions: { draft: ['sent'] },
  })

  expect(rules.after('forgotten')).toEqual(['draft'])
  expect(rules.allows('forgotten', 'draft')).toBe(true)
  expect(rules.allows('forgotten', 'sent')).toBe(false)
})
