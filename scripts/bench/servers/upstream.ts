/**
 * The service behind the proxies that are compared: one fixed answer, of the size and with the headers of a state.
 */
import { createServer } from 'node:http'

const body = Buffer.from(
  JSON.stringify({
    entity: 'task',
    entityId: 'task_1',
    status: 'in_progress',
    version: 7,
    metadata: { assignee: 'user_789', priority: 'high', title: 'Подготовить отчёт' },
    createdAt: '2025-11-10T10:00:00.000Z',
    createdBy: 'service:gateway',
    updatedAt: '2025-11-10T10:00:00.000Z',
    updatedBy: 'service:gateway',
  }),
)
const server = createServer((_request, response) => {
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    etag: '"7"',
  })
  response.end(body)
})
server.listen(Number(process.env['PORT']), '127.0.0.1')
