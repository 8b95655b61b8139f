const PREFIX = /^\/api\/v\d+\//u

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** `get`, `/api/v1/states/:entity/:id` (or `{entity}`) → `getStatesByEntityById`: stable, and unique as the pair is. */
export function operationId(method: string, path: string): string {
  const words = path
    .replace(PREFIX, '/')
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => {
      const parameter = /^(?::|\{)(?<name>\w+)\}?$/u.exec(segment)?.groups?.['name']
      const name = (parameter ?? segment).split(/[^A-Za-z0-9]+/u).map(capital)
      return (parameter === undefined ? '' : 'By') + name.join('')
    })
  return method.toLowerCase() + words.join('')
}
