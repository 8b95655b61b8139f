import { performance } from 'node:perf_hooks'
import { io, type Socket } from 'socket.io-client'

/** Handshakes that may be open at once: a backlog of thousands would measure the backlog. */
const AT_ONCE = 50

/** Many clients of one server, all of whom follow the tasks. */
export async function openAudience(url: string, token: string, size: number) {
  const sockets: Socket[] = []
  let heard: number[] = []
  let complete: () => void = () => undefined

  async function join(): Promise<void> {
    const socket = io(url, {
      path: '/api/v1/socket.io',
      transports: ['websocket'],
      forceNew: true,
      auth: { token },
    })
    sockets.push(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    const answer: { ok: boolean } = await socket.emitWithAck('subscribe', { channel: 'tasks' })
    if (!answer.ok) throw new Error(`${url}: a subscription was refused`)
    const listen = (): void => {
      heard.push(performance.now())
      if (heard.length === size) complete()
    }
    socket.on('task:updated', listen)
    socket.on('task:created', listen)
  }

  for (let n = 0; n < size; n += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, size - n) }, join))
  }
  return {
    /** Sends one change. @returns milliseconds from the sending until each of them heard of it, ascending */
    async hear(send: () => Promise<void>): Promise<number[]> {
      heard = []
      const everybody = new Promise<void>((resolve) => (complete = resolve))
      const from = performance.now()
      await Promise.all([send(), everybody])
      return heard.map((at) => at - from).toSorted((a, b) => a - b)
    },
    close: (): void => sockets.forEach((socket) => void socket.close()),
  }
}

export type Audience = Awaited<ReturnType<typeof openAudience>>
