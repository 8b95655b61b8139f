/**
 * Where measured deliveries go: answers at once, counts by path, and notes how long after the `timestamp` in its body
 * each came. Paths told to `POST /hang` are not answered until the next one.
 */
import { createServer, type IncomingMessage } from 'node:http'

const TIMESTAMP = /"timestamp":"(?<at>[^"]{20,30})"/u

let counts: Record<string, number> = {}
let delays: Record<string, number[]> = {}
let hanging = ''

const wallClock = (): number => performance.timeOrigin + performance.now()

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

function note(path: string, body: string): void {
  counts[path] = (counts[path] ?? 0) + 1
  const at = TIMESTAMP.exec(body)?.groups?.['at']
  if (at !== undefined) (delays[path] ??= []).push(wallClock() - Date.parse(at))
}

const server = createServer((request, response) => {
  const path = request.url ?? '/'
  void text(request).then((body) => {
    if (path === '/hang') hanging = body
    else if (path === '/reset') [counts, delays] = [{}, {}]
    else if (path === '/counts') return response.end(JSON.stringify(counts))
    else if (path === '/delays') return response.end(JSON.stringify(delays))
    else if (path === hanging) return undefined
    else if (request.method === 'POST') note(path, body)
    return response.end('{"ok":true}')
  })
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env['PORT']), '127.0.0.1')
