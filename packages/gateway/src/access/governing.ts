import { RULES, type Rule } from './table.ts'

type Fit = 'always' | 'sometimes' | 'never'

const isParameter = (segment: string): boolean => /^\{\w+\}$/u.test(segment)

/** Whether a rule's segment takes what a template's segment may stand for. */
function fitOf(rule: string, template: string): Fit {
  if (rule.startsWith(':')) return rule === ':self' ? 'sometimes' : 'always'
  if (isParameter(template)) return 'sometimes'
  const choices = rule.startsWith('{') ? rule.slice(1, -1).split(',') : [rule]
  return choices.includes(template) ? 'always' : 'never'
}

function fitOfPath(rule: string, template: string): Fit {
  const open = rule.endsWith('/**')
  const wanted = (open ? rule.slice(0, -3) : rule).split('/')
  const given = template.split('/')
  if (open ? given.length < wanted.length : given.length !== wanted.length) return 'never'
  const fits = new Set(wanted.map((segment, index) => fitOf(segment, given[index] ?? '')))
  if (fits.has('never')) return 'never'
  return fits.has('sometimes') ? 'sometimes' : 'always'
}

/**
 * The rules that may decide about an operation, in the order in which they are asked; the last one decides about
 * everything that is left, when it always fits.
 * @param template as in OpenAPI: `/api/v1/states/{entity}/{id}`
 * @param templates all that there are: a rule for one of them says nothing about the others
 */
export function governing(
  method: string,
  template: string,
  templates: ReadonlySet<string> = new Set(),
): Rule[] {
  const found: Rule[] = []
  for (const rule of RULES) {
    if (!rule.methods.some((known) => known === method)) continue
    const fit = fitOfPath(rule.path, template)
    if (fit === 'never' || (fit === 'sometimes' && templates.has(rule.path))) continue
    found.push(rule)
    if (fit === 'always') break
  }
  return found
}
