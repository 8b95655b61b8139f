const NEWLINE = 0x0a

/**
 * The lines of a text, without their ends and without blank ones. By bytes: what reads lines for people also ends one at
 * U+2028, which JSON may hold as it is.
 */
export async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let rest: Buffer[] = []
  for await (const chunk of source) {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, to)])
      if (line.length > 0) yield line
      rest = []
      from = to + 1
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
  }
  if (rest.length > 0) yield Buffer.concat(rest)
}

const KINDS = ['header', 'machine', 'state', 'history', 'end'] as const
export type Kind = (typeof KINDS)[number]

/** What an export writes first in every line. */
const PREFIXES = KINDS.map((kind) => ({ kind, prefix: Buffer.from(`{"type":"${kind}"`) }))

/** The kind of a line, without parsing it; undefined: none that an export has. */
export function kindOf(line: Buffer): Kind | undefined {
  return PREFIXES.find(({ prefix }) => line.subarray(0, prefix.length).equals(prefix))?.kind
}

/** How many there were of each kind that an export's end counts. */
export interface Totals {
  machines: number
  states: number
  history: number
}

const COUNTED = { machine: 'machines', state: 'states', history: 'history' } as const

export function countInto(totals: Totals, kind: Kind | undefined): void {
  if (kind === 'machine' || kind === 'state' || kind === 'history') totals[COUNTED[kind]] += 1
}

export const noTotals = (): Totals => ({ machines: 0, states: 0, history: 0 })

/** Does this last line count what came before it? */
export function isEndOf(line: Buffer | undefined, { machines, states, history }: Totals): boolean {
  const end = JSON.stringify({ type: 'end', machines, states, history })
  return line?.toString('utf8') === end
}
