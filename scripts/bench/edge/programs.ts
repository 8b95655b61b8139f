import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { findProgram } from '@potok/core/testing/programs'

/** A proxy under load: where it is, and the process whose CPU counts. */
export interface Subject {
  name: string
  url: string
  pid: number
  stop: () => Promise<unknown>
}

/** One process, no log, connections to the upstream kept alive: what the others do too. */
const PROGRAMS = {
  nginx: {
    args: (file: string) => ['-c', file],
    config: (port: number, upstream: URL) => `
daemon off; master_process off; pid ${port}.pid; error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream service { server ${upstream.host}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  },
  haproxy: {
    args: (file: string) => ['-db', '-f', file],
    config: (port: number, upstream: URL) => `
global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend edge
  bind 127.0.0.1:${port}
  default_backend service
backend service
  server one ${upstream.host}
`,
  },
}

/** Undefined where the program is not installed. */
export async function startProgram(
  name: keyof typeof PROGRAMS,
  port: number,
  upstream: string,
): Promise<Subject | undefined> {
  const program = findProgram(name)
  if (program === undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), `potok-${name}-`))
  const file = join(folder, `${name}.conf`)
  await writeFile(file, PROGRAMS[name].config(port, new URL(upstream)))
  const child = spawn(
    program,
    [...PROGRAMS[name].args(file), ...(name === 'nginx' ? ['-p', folder] : [])],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; !(await isUp(url)); tries += 1) {
    if (tries > 200 || child.exitCode !== null) throw new Error(`${name} did not come up`)
    await pause(25)
  }
  return {
    name,
    url,
    pid: child.pid ?? 0,
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function isUp(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/api/v1/tasks`)
    return answer.ok
  } catch {
    return false
  }
}
