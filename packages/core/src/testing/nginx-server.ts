/** An nginx of its own for a test file, from the installed binary. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, type OptionalService } from './programs.ts'
import { freePort, startServerProcess } from './server-process.ts'

export const nginxService: OptionalService = {
  name: 'nginx',
  install: 'apt-get install nginx-light',
  isInstalled: () => findProgram('nginx') !== undefined,
}

export interface NginxServer {
  readonly port: number
  /** `http://127.0.0.1:…` of {@link port}. */
  readonly url: string
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

export interface NginxOptions {
  /** What stands in the `http` block, given the port to listen on and a directory of its own. */
  http: (place: { port: number; directory: string }) => string
}

/** All that nginx writes goes into its own directory, and what it says to its standard error. */
const configuration = (directory: string, http: string): string => `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr notice;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  ${http}
}
`

/** Starts an nginx on a free port of the loopback, or answers undefined where none is installed. */
export async function startNginx({ http }: NginxOptions): Promise<NginxServer | undefined> {
  const program = findProgram('nginx')
  if (program === undefined) return undefined
  const directory = await mkdtemp(join(tmpdir(), 'potok-nginx-'))
  const port = await freePort()
  const file = join(directory, 'nginx.conf')
  await writeFile(file, configuration(directory, http({ port, directory })))
  const server = await startServerProcess({
    program,
    args: ['-p', directory, '-c', file],
    readyLine: /start worker process/,
  })
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await server.end('SIGTERM')
      await rm(directory, { recursive: true, force: true })
    },
  }
}
