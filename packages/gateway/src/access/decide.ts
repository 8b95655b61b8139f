import type { Role } from '@potok/contracts/user'
import { METHODS, RULES, type Right, type Rule } from './table.ts'

interface Subject {
  id: string
  roles: readonly Role[]
}

interface Wanted {
  method: string
  /** Decoded once, without the query. */
  path: string
}

export type Decision =
  | {
      allow: true
      /** The service behind must refuse what is not the caller's. */
      scopeOwn: boolean
      /** What the body must be about; undefined: anything. */
      body?: 'own_presence' | 'task_batch'
    }
  | {
      allow: false
      /** No rule knows this method on this path: for nobody is there anything. */
      unknown: boolean
    }

type Match = (segment: string, subject: Subject) => boolean

interface Compiled {
  rule: Rule
  segments: readonly Match[]
  /** Ends in `**`. */
  open: boolean
}

/** Widest first: with several roles the widest right counts. */
const WIDEST: readonly Right[] = ['yes', 'task_batch', 'own_presence', 'own']

const split = (path: string): string[] => path.split('/').slice(1)

function matcher(segment: string): Match {
  if (segment === ':self') return (given, { id }) => given === id
  // A parameter is never empty: `/states/task/` is not `/states/task/:id`.
  if (segment.startsWith(':')) return (given) => given !== ''
  if (segment.startsWith('{')) {
    const choices = new Set(segment.slice(1, -1).split(','))
    return (given) => choices.has(given)
  }
  return (given) => given === segment
}

function compile(rule: Rule): Compiled {
  const segments = split(rule.path)
  const open = segments.at(-1) === '**'
  return { rule, open, segments: (open ? segments.slice(0, -1) : segments).map(matcher) }
}

function matches(
  { segments, open }: Compiled,
  given: readonly string[],
  subject: Subject,
): boolean {
  if (open ? given.length < segments.length : given.length !== segments.length) return false
  return segments.every((match, index) => match(given[index] ?? '', subject))
}

const compiled = RULES.map(compile)
const byMethod = new Map<string, readonly Compiled[]>(
  METHODS.map((method) => [
    method,
    compiled.filter(({ rule }) => rule.methods.some((known) => known === method)),
  ]),
)

/** Whether the roles table lets somebody do something, and with which strings attached. */
export function decide(subject: Subject, { method, path }: Wanted): Decision {
  const given = split(path)
  const found = byMethod.get(method)?.find((candidate) => matches(candidate, given, subject))
  if (found === undefined) return { allow: false, unknown: true }
  const rights = new Set(subject.roles.map((role) => found.rule.rights[role]))
  const right = WIDEST.find((candidate) => rights.has(candidate))
  switch (right) {
    case undefined:
      return { allow: false, unknown: false }
    case 'yes':
      return { allow: true, scopeOwn: false }
    case 'own':
      return { allow: true, scopeOwn: true }
    case 'own_presence':
    case 'task_batch':
      return { allow: true, scopeOwn: false, body: right }
  }
}
