import type { Service } from '../system/services.ts'

/** The table that a newcomer reads first: what runs where, how to log in, where the pages are. */
export function banner(services: readonly Service[], seconds: number, account: string): string {
  const rows = services.map(({ title, port }) => [title, `http://localhost:${port}`])
  const gateway = services.find(({ name }) => name === 'gateway')?.port
  const state = services.find(({ name }) => name === 'state')?.port
  const simulator = services.find(({ name }) => name === 'simulator')?.port
  const pages = [
    ...(simulator === undefined ? [] : [['Chat with the bot', `http://localhost:${simulator}/`]]),
    ['API docs (gateway)', `http://localhost:${gateway}/api/docs`],
    ['API docs (state)', `http://localhost:${state}/api-docs`],
    ['Health', `http://localhost:${gateway}/api/v1/health`],
    ['Log in as', account],
  ]
  const all = [...rows, ...pages]
  const width = Math.max(...all.map(([name = '']) => name.length))
  const line = ([name = '', value = '']: string[]): string => `  ${name.padEnd(width)}   ${value}`
  return [
    '',
    `  Potok runs (${seconds.toFixed(1)} s to start). Ctrl-C stops it.`,
    '',
    ...rows.map(line),
    '',
    ...pages.map(line),
    '',
  ].join('\n')
}
