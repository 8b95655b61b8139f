import { spawn } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { root } from '../../scripts/system/root.ts'

/** A directory outside of the checkout where the packages of the checkout can be imported. */
export async function outsideWith(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'potok-client-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

/** Runs a program as somebody would who copied it from a page. @returns what it prints, line by line as it comes */
export async function runProgram(text: string): Promise<string[]> {
  const directory = await outsideWith({ 'client.mjs': text })
  const child = spawn(process.execPath, [join(directory, 'client.mjs')], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line))
  }
  return lines
}

/** The code blocks of a page in one language. */
export function blocks(page: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(?<code>[\\s\\S]*?)^\`\`\`$`, 'gmu')
  return [...page.matchAll(fence)].map(({ groups }) => groups?.['code'] ?? '')
}
