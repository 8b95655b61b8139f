import type { Right, Rule } from '../access/index.ts'

const STRINGS: Record<Right, string> = {
  yes: '',
  own: ' (own only)',
  own_presence: ' (own presence only)',
  task_batch: ' (tasks only)',
}

function rolesOf({ rights }: Rule): string {
  const roles = Object.entries(rights).map(([role, right]) => role + STRINGS[right])
  return roles.length === 0 ? 'nobody' : roles.join(', ')
}

/** The roles table's word on an operation, in words. */
export function whoMay(rules: readonly Rule[]): string {
  const [only, ...more] = rules
  if (only !== undefined && more.length === 0) return `**Who may:** ${rolesOf(only)}.`
  const lines = rules.map((rule) => `* \`${rule.path}\` – ${rolesOf(rule)}`)
  return `**Who may**, by the first line that fits:\n\n${lines.join('\n')}`
}
