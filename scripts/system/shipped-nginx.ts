import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from '@potok/core/testing/programs'
import { startServerProcess } from '@potok/core/testing/server-process'
import { freePorts } from './ports.ts'
import { root } from './root.ts'

const run = promisify(execFile)

/** A certificate that lives as long as the test. */
async function makeCertificate(directory: string): Promise<void> {
  await mkdir(directory)
  await run('openssl', [
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1'.split(' '),
    '-keyout',
    join(directory, 'tls.key'),
    '-out',
    join(directory, 'tls.crt'),
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ])
}

export interface ShippedNginxOptions {
  /** Ports of the gateways and of the state services, two of each. */
  gateways: readonly number[]
  states: readonly number[]
  /** In place of what one address may ask for; for those who measure from one address. */
  requestsPerSecond?: number
}

/**
 * The shipped configuration in a folder of its own. What is changed is what two of them on one machine cannot share:
 * ports, the pid file and the log folder.
 */
async function lay(
  ports: Record<number, number>,
  { gateways, states, requestsPerSecond }: ShippedNginxOptions,
) {
  const directory = await mkdtemp(join(tmpdir(), 'potok-shipped-nginx-'))
  await cp(join(root, 'deploy/nginx'), directory, { recursive: true })
  await makeCertificate(join(directory, 'tls'))
  const edit = async (file: string, change: (text: string) => string): Promise<void> => {
    const path = join(directory, file)
    await writeFile(path, change(await readFile(path, 'utf8')))
  }
  const move = (text: string): string =>
    text.replace(
      /^(\s*listen )(?:127\.0\.0\.1:)?(\d+)/gmu,
      (_all, listen: string, port: string) => `${listen}127.0.0.1:${String(ports[Number(port)])}`,
    )
  const point = (text: string, targets: readonly number[]): string =>
    targets.reduce(
      (moved, target) =>
        moved.replace(/server 127\.0\.0\.1:30[12][12] /u, `server 127.0.0.1:${target} `),
      text,
    )
  await edit('nginx.conf', (text) =>
    move(text)
      .replaceAll('/var/log/nginx/', `${directory}/`)
      .replaceAll('/run/', `${directory}/`)
      .replace(/(?<= rate=)\d+(?=r\/s)/u, (rate) => String(requestsPerSecond ?? rate)),
  )
  await edit('potok/site.conf', (text) => point(move(text), gateways))
  await edit('potok/inside.conf', (text) => point(move(text), states))
  return directory
}

/** `nginx -t` on a folder with a configuration. Rejects with what nginx says. */
export async function checkNginx(directory: string): Promise<string> {
  const { stderr } = await run(String(findProgram('nginx')), [
    '-t',
    '-p',
    directory,
    '-c',
    join(directory, 'nginx.conf'),
  ])
  return stderr
}

/** The real nginx with the shipped configuration in front of gateways and states. */
export async function startShippedNginx(options: ShippedNginxOptions) {
  const [plain = 0, tls = 0, operator = 0, state = 0, internal = 0] = await freePorts(5)
  const ports = { 80: plain, 443: tls, 3001: operator, 3002: state, 3008: internal }
  const directory = await lay(ports, options)
  const checked = await checkNginx(directory)
  const server = await startServerProcess({
    program: String(findProgram('nginx')),
    args: [
      '-p',
      directory,
      '-c',
      join(directory, 'nginx.conf'),
      '-g',
      'daemon off; error_log stderr notice;',
    ],
    readyLine: /start worker process/u,
  })
  return {
    /** What `nginx -t` said. */
    checked,
    directory,
    plain: `http://127.0.0.1:${plain}`,
    tls: `https://127.0.0.1:${tls}`,
    operator: `http://127.0.0.1:${operator}`,
    state: `http://127.0.0.1:${state}`,
    internal: `http://127.0.0.1:${internal}`,
    certificate: await readFile(join(directory, 'tls/tls.crt'), 'utf8'),
    /** The access log so far, one object a line. */
    async accessLog(): Promise<Record<string, unknown>[]> {
      const text = await readFile(join(directory, 'access.log'), 'utf8')
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const parsed: Record<string, unknown> = JSON.parse(line)
          return parsed
        })
    },
    async stop(): Promise<void> {
      await server.end('SIGTERM')
      await rm(directory, { recursive: true, force: true })
    },
  }
}
