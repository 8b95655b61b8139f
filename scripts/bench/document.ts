import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../system/root.ts'
import type { Table } from './suite.ts'

/** A cell stays empty where a row has no such figure. */
function markdown(table: Table): string {
  const columns = [...new Set(Object.values(table).flatMap((row) => Object.keys(row)))]
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  const rows = Object.entries(table).map(([name, row]) =>
    line([name, ...columns.map((column) => row[column] ?? '')]),
  )
  return [line(['', ...columns]), `|${'---|'.repeat(columns.length + 1)}`, ...rows].join('\n')
}

/**
 * Puts figures between `<!-- name -->` and `<!-- /name -->` of `docs/bench/<suite>.md`, so that a page says what the last
 * run said, and under which circumstances.
 * @throws Error when the page has no such place
 */
export async function writeFigures(
  suite: string,
  tables: Readonly<Record<string, Table>>,
  circumstances: string,
): Promise<void> {
  const file = join(root, 'docs/bench', `${suite}.md`)
  let page = await readFile(file, 'utf8')
  for (const [name, table] of Object.entries(tables)) {
    const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`]
    const [from, until] = [page.indexOf(begin), page.indexOf(end)]
    if (from < 0 || until < from) throw new Error(`${file} has no place for ${name}`)
    const text = `${markdown(table)}\n\n${circumstances}`
    page = `${page.slice(0, from + begin.length)}\n${text}\n\n${page.slice(until)}`
  }
  await writeFile(file, page)
}
