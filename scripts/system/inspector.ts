import { WebSocket } from 'undici'
import { createParser } from '@potok/core/validation'
import { Type } from '@sinclair/typebox'

const parseTargets = createParser(Type.Array(Type.Object({ webSocketDebuggerUrl: Type.String() })))
const parseAnswer = createParser(
  Type.Object({
    id: Type.Optional(Type.Integer()),
    result: Type.Optional(
      Type.Object({
        usedSize: Type.Optional(Type.Number()),
        result: Type.Optional(Type.Unknown()),
      }),
    ),
  }),
)

const MEBIBYTE = 1024 * 1024

/** Looks into a process whose inspector listens: started with `--inspect`, or told so by SIGUSR1. */
export async function openInspector(port: number) {
  const targets = parseTargets(await (await fetch(`http://127.0.0.1:${port}/json`)).json())
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '')
  await new Promise<void>((resolve) => {
    socket.addEventListener('open', () => resolve(), { once: true })
  })
  let last = 0

  async function ask(method: string) {
    last += 1
    const id = last
    const answer = new Promise<ReturnType<typeof parseAnswer>>((resolve) => {
      const listen = ({ data }: { data: unknown }): void => {
        const message = parseAnswer(JSON.parse(String(data)))
        if (message.id !== id) return
        socket.removeEventListener('message', listen)
        resolve(message)
      }
      socket.addEventListener('message', listen)
    })
    socket.send(JSON.stringify({ id, method }))
    return (await answer).result
  }

  return {
    /** What is alive after a garbage collection, MiB. */
    async heap(): Promise<number> {
      await ask('HeapProfiler.collectGarbage')
      return ((await ask('Runtime.getHeapUsage'))?.usedSize ?? 0) / MEBIBYTE
    },
    close: (): void => socket.close(),
  }
}
