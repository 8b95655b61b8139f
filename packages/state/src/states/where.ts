import {
  fieldOf,
  refuse,
  scalarOf,
  type Comparison,
  type Condition,
  type Field,
} from './condition.ts'

const COMPARISONS: readonly string[] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'startsWith']
const isComparison = (name: string): name is Comparison => COMPARISONS.includes(name)
const ORDERED = new Set<Comparison>(['gt', 'gte', 'lt', 'lte'])

const DEPTH_LIMIT = 8
const COMPARISON_LIMIT = 64
const IN_LIMIT = 100

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** How much of a query is left to read; shared by all of its parts. */
interface Budget {
  comparisons: number
}

function spend(budget: Budget, path: string): void {
  budget.comparisons -= 1
  if (budget.comparisons < 0) refuse(path, `more than ${COMPARISON_LIMIT} comparisons`)
}

const and = (of: Condition[]): Condition => {
  const [only] = of
  return of.length === 1 && only !== undefined ? only : { kind: 'and', of }
}

function compare(field: Field, operator: Comparison, given: unknown, path: string): Condition {
  const value = scalarOf(field, given, path)
  if (operator === 'startsWith' && typeof value !== 'string') refuse(path, 'must be a text')
  if (typeof value === 'boolean' && ORDERED.has(operator)) refuse(path, 'has no order')
  return { kind: 'compare', field, operator, value }
}

function operatorOf(field: Field, name: string, given: unknown, path: string): Condition {
  if (name === 'exists') {
    return typeof given === 'boolean'
      ? { kind: 'exists', field, value: given }
      : refuse(path, 'must be true or false')
  }
  if (name === 'in') {
    if (!Array.isArray(given) || given.length === 0 || given.length > IN_LIMIT) {
      return refuse(path, `must be a list of 1 to ${IN_LIMIT} values`)
    }
    const values = given.map((value: unknown, index) => scalarOf(field, value, `${path}/${index}`))
    return { kind: 'in', field, values }
  }
  if (isComparison(name)) return compare(field, name, given, path)
  return refuse(path, `is no operator; known: ${COMPARISONS.join(', ')}, in, exists`)
}

function fieldConditions(name: string, given: unknown, path: string, budget: Budget): Condition[] {
  const field = fieldOf(name, path)
  if (!isObject(given)) {
    spend(budget, path)
    return [compare(field, 'eq', given, path)]
  }
  const operators = Object.entries(given)
  if (operators.length === 0) refuse(path, 'must name an operator')
  return operators.map(([operator, value]) => {
    spend(budget, path)
    return operatorOf(field, operator, value, `${path}/${operator}`)
  })
}

function listOf(given: unknown, path: string, depth: number, budget: Budget): Condition[] {
  if (!Array.isArray(given) || given.length === 0)
    return refuse(path, 'must be a list of conditions')
  return given.map((one: unknown, index) => read(one, `${path}/${index}`, depth + 1, budget))
}

function read(given: unknown, path: string, depth: number, budget: Budget): Condition {
  if (depth > DEPTH_LIMIT) refuse(path, `is nested deeper than ${DEPTH_LIMIT} levels`)
  if (!isObject(given)) return refuse(path, 'must be an object')
  const conditions = Object.entries(given).flatMap(([name, value]): Condition[] => {
    const at = `${path}/${name}`
    if (name === 'and' || name === 'or') {
      return [{ kind: name, of: listOf(value, at, depth, budget) }]
    }
    if (name === 'not') return [{ kind: 'not', of: read(value, at, depth + 1, budget) }]
    return fieldConditions(name, value, at, budget)
  })
  return and(conditions)
}

/**
 * Reads the `where` of a query: `{"status": {"in": ["pending"]}, "not": {"metadata.priority": "low"}}`. Members of one
 * object are and-ed.
 * @throws ValueRefused (400) with the place of what is wrong
 */
export function parseWhere(where: unknown, path = '/body/where'): Condition {
  return read(where, path, 0, { comparisons: COMPARISON_LIMIT })
}
