import { expect, test } from 'vitest'
import { newNames, referencedBy, renameReferences } from './references.ts'

const refer = (name: string) => ({ $ref: `#/components/schemas/${name}` })

test('what is referred to is found through whatever refers to it, and nothing else', () => {
  const schemas = {
    Page: { properties: { items: { items: refer('User') } } },
    User: { properties: { boss: refer('User'), role: refer('Role') } },
    Role: { type: 'string' },
    Unused: { type: 'null' },
  }

  expect(Object.keys(referencedBy({ responses: [refer('Page')] }, schemas)).toSorted()).toEqual([
    'Page',
    'Role',
    'User',
  ])
})

test('one name for two shapes is two names; the same shape keeps its name', () => {
  const taken = { Page: { type: 'object' }, Problem: { type: 'object' } }
  const given = { Page: { type: 'array' }, Problem: { type: 'object' }, Own: { type: 'string' } }

  expect([...newNames(taken, given, 'State')]).toEqual([['Page', 'StatePage']])
})

test('a schema that looks the same but refers to another shape is another schema', () => {
  const taken = { Page: { items: refer('Item') }, Item: { type: 'string' } }
  const given = { Page: { items: refer('Item') }, Item: { type: 'number' } }

  const names = newNames(taken, given, 'Task')

  expect(Object.fromEntries(names)).toEqual({ Item: 'TaskItem', Page: 'TaskPage' })
  expect(renameReferences(given.Page, names)).toEqual({ items: refer('TaskItem') })
})

test('a new name is never one that somebody has', () => {
  const taken = { Page: { a: 1 }, StatePage: { b: 1 } }
  const given = { Page: { a: 2 }, StatePage2: { c: 1 } }

  expect([...newNames(taken, given, 'State')]).toEqual([['Page', 'StatePage3']])
})
