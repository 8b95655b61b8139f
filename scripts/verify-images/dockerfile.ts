import { readFileSync } from 'node:fs'

export type Instruction =
  | { kind: 'workdir'; path: string }
  | { kind: 'copy'; from: string | undefined; sources: string[]; target: string }
  | { kind: 'run'; command: string }

export interface Stage {
  name: string
  /** Another stage, or the name of an image. */
  base: string
  instructions: Instruction[]
}

export interface Dockerfile {
  /** The last one is what ships. */
  stages: Stage[]
  env: Record<string, string>
  user: string | undefined
  port: number
  healthcheck: string[]
  command: string[]
}

/** Instructions of one line each, without comments. */
function lines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/gu, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function copyOf(rest: string): Instruction {
  const words = rest.split(/\s+/u)
  const flags = words.filter((word) => word.startsWith('--'))
  const [target = '', ...sources] = words.filter((word) => !word.startsWith('--')).toReversed()
  const from = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length)
  return { kind: 'copy', from, sources: sources.toReversed(), target }
}

/**
 * Reads the instructions that our Dockerfiles use.
 * @throws Error for one that it does not know, so that nothing is passed over
 */
export function readDockerfile(path: string): Dockerfile {
  const found: Dockerfile = {
    stages: [],
    env: {},
    user: undefined,
    port: 0,
    healthcheck: [],
    command: [],
  }
  const stage = (): Stage => {
    const last = found.stages.at(-1)
    if (last === undefined) throw new Error(`${path}: an instruction before FROM`)
    return last
  }
  const read: Record<string, (rest: string) => void> = {
    FROM(rest) {
      const [base = '', , name = 'final'] = rest.split(/\s+/u)
      found.stages.push({ name, base, instructions: [] })
      found.env = {}
      found.user = undefined
    },
    WORKDIR: (rest) => stage().instructions.push({ kind: 'workdir', path: rest }),
    COPY: (rest) => stage().instructions.push(copyOf(rest)),
    RUN: (rest) => stage().instructions.push({ kind: 'run', command: rest }),
    ENV(rest) {
      for (const pair of rest.split(/\s+/u)) {
        const [name = '', value = ''] = pair.split('=')
        found.env[name] = value
      }
    },
    USER: (rest) => void (found.user = rest),
    EXPOSE: (rest) => void (found.port = Number(rest)),
    HEALTHCHECK: (rest) =>
      void (found.healthcheck = JSON.parse(rest.slice(rest.indexOf('['))) as string[]),
    CMD: (rest) => void (found.command = JSON.parse(rest) as string[]),
    VOLUME: () => undefined,
    STOPSIGNAL: () => undefined,
  }
  for (const line of lines(readFileSync(path, 'utf8'))) {
    const [word = ''] = line.split(/\s+/u, 1)
    const reader = read[word]
    if (reader === undefined) throw new Error(`${path}: ${word} is not known here`)
    reader(line.slice(word.length).trim())
  }
  return found
}
