import type { Machine } from '@potok/contracts/machine'

/** Draws a machine as a Mermaid state diagram. Status names are safe there by their pattern. */
export function toMermaid({ initial, transitions, expiry = {}, statuses }: Machine): string {
  const lines = ['stateDiagram-v2']
  for (const status of initial) lines.push(`  [*] --> ${status}`)
  for (const from of statuses) {
    for (const to of transitions[from] ?? []) lines.push(`  ${from} --> ${to}`)
    const expired = expiry[from]
    if (expired !== undefined) {
      lines.push(`  ${from} --> ${expired.to}: after ${expired.afterSeconds} s`)
    }
    if ((transitions[from] ?? []).length === 0 && expired === undefined) {
      lines.push(`  ${from} --> [*]`)
    }
  }
  return `${lines.join('\n')}\n`
}
