/** Runs JavaScript against what is built, in a process of its own that can be killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

/**
 * Brings `dist` of the core package up to date: a child process cannot run the TypeScript sources on Node 20.
 * Type errors do not keep the compiler from emitting, and the build reports them.
 */
export async function buildCore(): Promise<void> {
  const tsc = spawn(`${ROOT}node_modules/.bin/tsc`, ['-b', 'packages/core'], { cwd: ROOT })
  tsc.stdout.resume()
  await once(tsc, 'close')
}

export interface ScriptProcess {
  readonly pid: number
  /** Its standard output, line by line. */
  readonly lines: AsyncIterableIterator<string>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** Resolves with exit code and standard error when it is gone. */
  ended(): Promise<{ code: number | null; errors: string }>
}

/**
 * Starts an ES module from text. It imports `@potok/core/…` as it was built.
 * @param args its `process.argv` from index 1 on
 */
export function startScript(text: string, args: readonly string[] = []): ScriptProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', text, ...args], { cwd: ROOT })
  const { pid } = child
  if (pid === undefined) throw new Error('node could not be started')
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const closed = once(child, 'close')
  const onExit = (): void => void child.kill('SIGKILL')
  process.once('exit', onExit)
  child.once('exit', () => process.off('exit', onExit))
  return {
    pid,
    lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
    async ended() {
      await closed
      return { code: child.exitCode, errors }
    },
  }
}
