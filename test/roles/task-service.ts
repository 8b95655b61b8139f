import { createServer, type IncomingHttpHeaders } from 'node:http'

const answered = {
  200: {
    description: 'Done',
    content: { 'application/json': { schema: { type: 'object' } } },
  },
}
const document = {
  openapi: '3.1.0',
  info: { title: 'Stands for the task service' },
  paths: {
    '/api/v1/tasks/{id}': { get: { responses: answered } },
    '/api/v1/tasks/{id}/assign': { post: { responses: answered } },
    '/api/v1/distribution/run': { post: { responses: answered } },
    '/api/v1/analytics/summary': { get: { responses: answered } },
  },
}

/** Stands for the task service: has a document, and does whatever it is asked to do. */
export async function startTaskService() {
  const asked: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    const isOperation = request.url?.startsWith('/api/v1/') === true
    if (isOperation) asked.push(request.headers)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.url === '/api-docs/json' ? document : {}))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    /** Headers of the operations that were asked for, newest last. */
    asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
