/** Finds installed servers, for tests and for scripts. Knows no test runner. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

/** A server that a suite needs. */
export interface OptionalService {
  name: string
  /** How to get it. */
  install: string
  isInstalled: () => boolean
}

/** Absolute path of an installed program, also from the directories that distributions keep out of the path. */
export function findProgram(program: string): string | undefined {
  try {
    const found = execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' })
    return found.trim()
  } catch {
    return versionedDirectories()
      .map((directory) => `${directory}/${program}`)
      .find((path) => isProgram(path))
  }
}

/** Debian keeps the server's programs out of the path. The newest version first. */
function versionedDirectories(): string[] {
  const root = '/usr/lib/postgresql'
  try {
    return readdirSync(root)
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => `${root}/${version}/bin`)
  } catch {
    return []
  }
}

function isProgram(path: string): boolean {
  try {
    execFileSync('/usr/bin/test', ['-x', path])
    return true
  } catch {
    return false
  }
}
