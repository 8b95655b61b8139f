import { execFile } from 'node:child_process'
import { cp, mkdir } from 'node:fs/promises'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../system/root.ts'
import type { Dockerfile, Instruction, Stage } from './dockerfile.ts'

const run = promisify(execFile)

export interface LayersOptions {
  /** An empty folder; every stage becomes a file system below it. */
  workshop: string
  /** Take what the checkout has installed and compiled where a Dockerfile says `npm ci` and `tsc -b`. */
  reuse: boolean
}

/** What `docker build` would send: tracked and new files that `.dockerignore` lets through. */
async function makeContext(workshop: string): Promise<string> {
  const ignore = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
  const allowed = new Set(
    ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1)),
  )
  const { stdout } = await run('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  })
  const context = join(workshop, 'context')
  const files = stdout
    .split('\0')
    .filter((file) => allowed.has(file.split('/')[0] ?? '') && existsSync(join(root, file)))
  for (const file of files) await cp(join(root, file), join(context, file))
  return context
}

const inside = (system: string, directory: string, path: string): string =>
  join(system, isAbsolute(path) ? path : join(directory, path))

/** Links what the checkout has already. @returns what is left to do of the command */
async function taken(command: string, cwd: string): Promise<string> {
  if (command === 'npm ci') {
    await run('cp', ['-al', join(root, 'node_modules'), cwd])
    return ''
  }
  const compiled = /^npx tsc -b (?<package>packages\/[a-z]+) && /u.exec(command)
  if (compiled === null) return command
  const own = compiled.groups?.['package'] ?? ''
  for (const folder of ['packages/contracts', 'packages/core', own]) {
    await run('cp', ['-al', join(root, folder, 'dist'), join(cwd, folder)])
  }
  return command.slice(compiled[0].length)
}

/** In the stage's folder; an absolute path would be one of this machine. */
async function perform(command: string, cwd: string, reuse: boolean): Promise<void> {
  if (/(?:^|[\s=])\//u.test(command)) throw new Error(`RUN with an absolute path: ${command}`)
  const from = performance.now()
  const rest = reuse ? await taken(command, cwd) : command
  if (rest !== '') await run('/bin/sh', ['-c', rest], { cwd, maxBuffer: 64 * 1024 * 1024 })
  console.log(`${((performance.now() - from) / 1000).toFixed(1).padStart(6)} s  ${command}`)
}

/** Builds stages as folders, each chain of equal instructions once, as Docker's layers are. */
export async function createLayers({ workshop, reuse }: LayersOptions) {
  const context = await makeContext(workshop)
  const built = new Map<string, string>()

  async function copy(
    { sources, target, from }: Extract<Instruction, { kind: 'copy' }>,
    system: string,
    directory: string,
    stages: Map<string, string>,
  ): Promise<void> {
    const origin = from === undefined ? context : stages.get(from)
    if (origin === undefined) throw new Error(`There is no stage ${String(from)}`)
    const to = inside(system, directory, target)
    for (const source of sources) {
      const whole = join(origin, source)
      // A folder's content goes into the target, a file below it when the target is a folder.
      const isFile = statSync(whole).isFile()
      const place = isFile && target.endsWith('/') ? join(to, basename(source)) : to
      await mkdir(isFile ? join(place, '..') : place, { recursive: true })
      await run('cp', ['-a', ...(isFile ? [whole, place] : [`${whole}/.`, place])])
    }
  }

  async function build(stage: Stage, stages: Map<string, string>, key: string): Promise<string> {
    const base = stages.get(stage.base)
    const system = join(workshop, `layer-${built.size}`)
    await (base === undefined ? mkdir(system) : run('cp', ['-al', base, system]))
    built.set(key, system)
    let directory = '/app'
    for (const instruction of stage.instructions) {
      if (instruction.kind === 'workdir') {
        directory = instruction.path
        await mkdir(join(system, directory), { recursive: true })
      } else if (instruction.kind === 'run') {
        await perform(instruction.command, join(system, directory), reuse)
      } else await copy(instruction, system, directory, stages)
    }
    return system
  }

  return {
    /** @returns the folder that is the file system of the last stage */
    async image({ stages }: Dockerfile): Promise<string> {
      const folders = new Map<string, string>()
      const keys = new Map<string, string>()
      let last = ''
      for (const stage of stages) {
        const origins = stage.instructions.map((one) =>
          one.kind === 'copy' && one.from !== undefined ? keys.get(one.from) : one,
        )
        const key = JSON.stringify([
          keys.get(stage.base) ?? stage.base,
          stage.instructions,
          origins,
        ])
        last = built.get(key) ?? (await build(stage, folders, key))
        folders.set(stage.name, last)
        keys.set(stage.name, key)
      }
      return last
    },
  }
}
