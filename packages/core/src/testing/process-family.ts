/** Ends a server with everything that it started, as the death of a machine does. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const LOOK_AGAIN_MS = 2

interface Entry {
  pid: number
  parent: number
  /** `Z`: it is dead and waits for somebody to ask how it ended. */
  state: string
}

function entryOf(pid: number): Entry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before it may hold anything, brackets and blanks too.
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid, parent: Number(parent), state }
  } catch {
    // It went while we looked.
    return undefined
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const entry = /^\d+$/u.test(name) ? entryOf(Number(name)) : undefined
    return entry?.parent === pid ? [entry.pid] : []
  })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH'
    if (!isGone) throw error
  }
}

const isDead = (pid: number): boolean => (entryOf(pid)?.state ?? 'Z') === 'Z'

/**
 * SIGKILL for a process and its children, whatever groups they are in: each backend of PostgreSQL makes a session of its
 * own, answers for a moment after its server is dead, and holds the memory that the next one wants. Resolves when none of
 * them runs any more.
 */
export async function killFamily(pid: number): Promise<void> {
  // Stopped, it starts nobody while we look.
  signal(pid, 'SIGSTOP')
  const family = [...childrenOf(pid), pid]
  for (const member of family) signal(member, 'SIGKILL')
  while (!family.every(isDead)) await pause(LOOK_AGAIN_MS)
}
