/** A listening simulator for one test. */
import { buildSimulator, type Simulator, type SimulatorOptions } from '../app.ts'

export const TOKEN = 'test-token'

export interface RunningSimulator extends Simulator {
  readonly url: string
  /** The Bot API or the control API with the token and JSON. */
  call(method: string, path: string, body?: unknown): Promise<Response>
}

/** What an answer says, for tests that look into it. */
export async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  const body: unknown = await response.json()
  if (typeof body === 'object' && body !== null) return { ...body }
  throw new Error('not an object')
}

/** Without limits unless asked for: most tests are faster than a platform allows. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const simulator = await buildSimulator({ token: TOKEN, rateLimits: false, ...options })
  const url = await simulator.app.listen({ host: '127.0.0.1', port: 0 })
  return {
    ...simulator,
    url,
    call: (method, path, body) =>
      fetch(url + path, {
        method,
        headers: {
          authorization: TOKEN,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  }
}
