import { median, quantile, rounded } from '../statistics.ts'
import type { Suite } from '../suite.ts'
import { openAudience, type Audience } from './audience.ts'
import { startSubjects, type Subject } from './subjects.ts'

interface Measured {
  /** Resident memory, KiB a socket. */
  kibPerSocket: number
  /** Per change, milliseconds from its sending: ours is committed and goes through the event log. */
  p50: number[]
  p99: number[]
  /** Per change, milliseconds from the first client's hearing to the last but one per cent: the telling alone. */
  spread: number[]
}

function row(
  base: Measured | undefined,
  own: Measured | undefined,
  of: (side: Measured) => number,
) {
  const figures = [own, base].map((side) => (side === undefined ? Number.NaN : of(side)))
  const [ours = Number.NaN, baseline = Number.NaN] = figures
  return {
    gateway: rounded(ours),
    'bare Socket.IO': rounded(baseline),
    ratio: rounded(ours / baseline),
  }
}

async function occupy(subject: Subject, size: number) {
  const before = await subject.memory()
  const audience = await openAudience(subject.url, subject.token, size)
  const kibPerSocket = ((await subject.memory()) - before) / size
  const measured: Measured = { kibPerSocket, p50: [], p99: [], spread: [] }
  return { subject, audience, measured }
}

async function fanOut(audience: Audience, subject: Subject, n: number, into: Measured) {
  const latencies = await audience.hear(() => subject.change(n))
  into.p50.push(quantile(latencies, 0.5))
  into.p99.push(quantile(latencies, 0.99))
  into.spread.push(quantile(latencies, 0.99) - (latencies[0] ?? 0))
}

/** Idle sockets in memory, and one change told to all of them, beside Socket.IO as it comes. */
export const benchSockets: Suite = async ({ quick, only, progress }) => {
  if (only !== undefined && !'sockets'.includes(only)) return undefined
  const size = quick ? 200 : 2000
  const changes = quick ? 5 : 40
  const subjects = await startSubjects()
  const audiences: Audience[] = []
  try {
    const sides = []
    for (const subject of [subjects.baseline, subjects.ours]) {
      progress(`sockets: ${size} clients of ${subject.name}`)
      const side = await occupy(subject, size)
      audiences.push(side.audience)
      sides.push(side)
    }
    for (let n = 0; n < changes; n += 1) {
      progress(`sockets: change ${n + 1}/${changes}`)
      for (const { audience, subject, measured } of sides)
        await fanOut(audience, subject, n, measured)
    }
    const [base, own] = sides.map(({ measured }) => measured)
    return {
      samples: sides.map(({ subject: { name }, measured }) => ({ name, measured })),
      table: {
        [`KiB a socket, ${size} idle`]: row(base, own, (side) => side.kibPerSocket),
        'fan-out p50, ms': row(base, own, (side) => median(side.p50)),
        'fan-out p99, ms': row(base, own, (side) => median(side.p99)),
        'first to p99, ms': row(base, own, (side) => median(side.spread)),
      },
    }
  } finally {
    for (const audience of audiences) audience.close()
    await subjects.stop()
  }
}
