import { bulkhead, handleAll, retry, timeout, TimeoutStrategy, wrap } from 'cockatiel'
import {
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  nat,
  oneof,
  record,
} from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Circuit, type CircuitState, type Verdict } from './circuit.ts'

const RESET_MS = 60_000

class Rejected extends Error {
  readonly retryAfterMs: number
  constructor(retryAfterMs: number) {
    super('rejected')
    this.retryAfterMs = retryAfterMs
  }
}

function build() {
  const clock = { now: 1_000_000 }
  const changes: [CircuitState, CircuitState][] = []
  const lines: Record<string, unknown>[] = []
  const circuit = new Circuit({
    name: 'state',
    log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    failureThreshold: 5,
    successThreshold: 2,
    resetMs: RESET_MS,
    ofResult: (result) => (result === 'neutral' ? 'neutral' : 'success'),
    ofError: (error) => (error instanceof RangeError ? 'neutral' : 'failure'),
    rejection: (retryAfterMs) => new Rejected(retryAfterMs),
    onStateChange: (state, previous) => changes.push([previous, state]),
    now: () => clock.now,
  })
  return { circuit, clock, changes, lines }
}

/** An attempt that is under way until told how it ends; undefined when it was not let through. */
async function start(circuit: Circuit) {
  let isAdmitted = false
  let end: ((verdict: Verdict) => void) | undefined
  const outcome = new Promise<Verdict>((resolve) => {
    end = resolve
  })
  const done = circuit
    .execute(async () => {
      isAdmitted = true
      const verdict = await outcome
      if (verdict === 'failure') throw new Error('upstream failed')
      if (verdict === 'neutral') throw new RangeError('the caller left')
      return 'answer'
    })
    .then(() => undefined)
    .catch((error: unknown) => error)
  if (!isAdmitted) {
    const error = await done
    if (error instanceof Rejected) return undefined
    throw error
  }
  return async (verdict: Verdict) => {
    end?.(verdict)
    await done
  }
}

async function attempt(circuit: Circuit, verdict: Verdict): Promise<boolean> {
  const finish = await start(circuit)
  await finish?.(verdict)
  return finish !== undefined
}

async function times(count: number, act: () => Promise<unknown>) {
  for (let done = 0; done < count; done += 1) await act()
}

test('five failures in a row open it, four do not, and a success starts the count again', async () => {
  const { circuit } = build()

  await times(4, () => attempt(circuit, 'failure'))
  await attempt(circuit, 'success')
  await times(4, () => attempt(circuit, 'failure'))
  expect(circuit.state).toBe('closed')
  await attempt(circuit, 'failure')

  expect(circuit.state).toBe('open')
})

test('an outcome that says nothing about the upstream neither counts nor interrupts the count', async () => {
  const { circuit } = build()

  await times(4, () => attempt(circuit, 'failure'))
  await times(20, () => attempt(circuit, 'neutral'))
  expect(circuit.snapshot()).toMatchObject({ state: 'closed', failures: 4 })
  await attempt(circuit, 'failure')

  expect(circuit.state).toBe('open')
})

test('an open circuit rejects without an attempt and says when to come back', async () => {
  const { circuit, clock } = build()
  await times(5, () => attempt(circuit, 'failure'))
  clock.now += 15_500

  const rejection = await circuit.execute(() => 'never').catch((error: unknown) => error)

  expect(rejection).toMatchObject({ retryAfterMs: 44_500 })
  expect(circuit.snapshot()).toEqual({
    state: 'open',
    failures: 5,
    successes: 0,
    openedAt: 1_000_000,
    held: false,
    retryAfterMs: 44_500,
  })
})

test('after its time two probes go through, one after the other, and nobody beside them', async () => {
  const { circuit, clock, changes } = build()
  await times(5, () => attempt(circuit, 'failure'))
  clock.now += RESET_MS

  const first = await start(circuit)
  const besideFirst = await start(circuit)
  await first?.('success')
  const second = await start(circuit)
  const besideSecond = await start(circuit)
  expect(circuit.snapshot()).toMatchObject({ state: 'half_open', successes: 1 })
  await second?.('success')

  expect([first, second].every((probe) => probe !== undefined)).toBe(true)
  expect([besideFirst, besideSecond]).toEqual([undefined, undefined])
  expect(changes).toEqual([
    ['closed', 'open'],
    ['open', 'half_open'],
    ['half_open', 'closed'],
  ])
})

test('a failed probe opens it for the whole time again', async () => {
  const { circuit, clock } = build()
  await times(5, () => attempt(circuit, 'failure'))
  clock.now += RESET_MS
  await attempt(circuit, 'success')
  await attempt(circuit, 'failure')

  clock.now += RESET_MS - 1
  expect(circuit.state).toBe('open')
  clock.now += 1

  expect(circuit.snapshot()).toMatchObject({ state: 'half_open', successes: 0, retryAfterMs: 0 })
})

test('a probe whose caller left makes room for another', async () => {
  const { circuit, clock } = build()
  await times(5, () => attempt(circuit, 'failure'))
  clock.now += RESET_MS

  await attempt(circuit, 'neutral')

  expect(circuit.state).toBe('half_open')
  expect(await attempt(circuit, 'success')).toBe(true)
})

test('a probe that never ends loses its place, and its late end changes nothing', async () => {
  const { circuit, clock } = build()
  await times(5, () => attempt(circuit, 'failure'))
  clock.now += RESET_MS
  const lost = await start(circuit)
  clock.now += RESET_MS

  const next = await start(circuit)
  await lost?.('failure')

  expect(next).toBeDefined()
  expect(circuit.state).toBe('half_open')
})

test('attempts that began before the circuit opened do not decide over its probes', async () => {
  const { circuit, clock } = build()
  const slow = await Promise.all([start(circuit), start(circuit), start(circuit)])
  await times(5, () => attempt(circuit, 'failure'))
  clock.now += RESET_MS
  expect(circuit.state).toBe('half_open')

  await slow[0]?.('success')
  await slow[1]?.('success')
  await slow[2]?.('failure')

  expect(circuit.snapshot()).toMatchObject({ state: 'half_open', successes: 0 })
})

test('a clock that is set back does not keep it open for longer than its time', async () => {
  const { circuit, clock } = build()
  await times(5, () => attempt(circuit, 'failure'))

  clock.now -= 3_600_000
  expect(circuit.snapshot().retryAfterMs).toBe(RESET_MS)
  clock.now += RESET_MS

  expect(circuit.state).toBe('half_open')
})

test('opened by hand it stays open until somebody closes it', async () => {
  const { circuit, clock } = build()

  circuit.open()
  clock.now += 10 * RESET_MS
  expect(await attempt(circuit, 'success')).toBe(false)
  expect(circuit.snapshot()).toMatchObject({ state: 'open', held: true })
  circuit.close()

  expect(await attempt(circuit, 'success')).toBe(true)
})

test.each(['close', 'reset'] as const)('%s by hand forgets the failures', async (action) => {
  const { circuit } = build()
  await times(5, () => attempt(circuit, 'failure'))

  circuit[action]()
  await times(4, () => attempt(circuit, 'failure'))

  expect(circuit.snapshot()).toMatchObject({ state: 'closed', failures: 4, openedAt: null })
})

test('every transition is logged with its reason', async () => {
  const { circuit, clock, lines } = build()
  await times(5, () => attempt(circuit, 'failure'))
  clock.now += RESET_MS
  await times(2, () => attempt(circuit, 'success'))
  circuit.open()

  expect(lines).toMatchObject([
    { level: 40, upstream: 'state', from: 'closed', to: 'open', why: 'too many failures' },
    { level: 30, from: 'open', to: 'half_open', why: 'time over' },
    { level: 30, from: 'half_open', to: 'closed', why: 'probes succeeded' },
    { level: 40, from: 'closed', to: 'open', why: 'opened by hand' },
  ])
})

test('it composes with the policies of cockatiel', async () => {
  const { circuit } = build()
  const policy = wrap(
    retry(handleAll, { maxAttempts: 9 }),
    circuit,
    timeout(1000, TimeoutStrategy.Cooperative),
    bulkhead(1, 1),
  )
  const failures: boolean[] = []
  circuit.onFailure(({ handled }) => failures.push(handled))
  let attempts = 0

  const call = policy.execute(() => {
    attempts += 1
    throw new Error('upstream failed')
  })

  await expect(call).rejects.toBeInstanceOf(Rejected)
  expect(attempts).toBe(5)
  expect(failures).toEqual([true, true, true, true, true])
})

/** What the circuit promises, written down as plainly as can be; knows nothing of how it is done. */
class Model {
  state: CircuitState = 'closed'
  failures = 0
  successes = 0
  openedAt = 0
  held = false
  generation = 0
  probe: { id: number; startedAt: number } | undefined

  enter(state: CircuitState) {
    this.state = state
    this.generation += 1
    this.successes = 0
    this.probe = undefined
    this.held = false
  }

  tick(now: number) {
    if (this.state === 'open' && !this.held && now >= this.openedAt + RESET_MS) {
      this.enter('half_open')
    }
  }

  admits(id: number, now: number): boolean {
    if (this.state === 'closed') return true
    if (this.state === 'open') return false
    if (this.probe !== undefined && now < this.probe.startedAt + RESET_MS) return false
    this.probe = { id, startedAt: now }
    return true
  }

  end(id: number, generation: number, verdict: Verdict, now: number) {
    if (generation !== this.generation) return
    if (this.state === 'half_open') {
      if (this.probe?.id !== id) return
      this.probe = undefined
      if (verdict === 'success') this.successes += 1
    }
    if (verdict === 'failure') this.failures += 1
    const trips = this.state === 'half_open' ? verdict === 'failure' : this.failures >= 5
    if (trips) {
      this.enter('open')
      this.openedAt = now
    } else if (this.state === 'closed' && verdict === 'success') {
      this.failures = 0
    } else if (this.successes === 2) {
      this.failures = 0
      this.enter('closed')
    }
  }
}

const step = oneof(
  { weight: 6, arbitrary: record({ do: constant('start' as const) }) },
  {
    weight: 8,
    arbitrary: record({
      do: constant('end' as const),
      which: nat(7),
      verdict: constantFrom<Verdict>('success', 'failure', 'failure', 'neutral'),
    }),
  },
  {
    weight: 3,
    arbitrary: record({
      do: constant('wait' as const),
      ms: constantFrom(1, 1000, RESET_MS - 1, RESET_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      do: constant('hand' as const),
      action: constantFrom('open', 'close', 'reset'),
    }),
  },
)

test('it agrees with a plain model on any trace, and no trace leaves it stuck', async () => {
  await assert(
    asyncProperty(array(step, { maxLength: 80 }), async (steps) => {
      const { circuit, clock } = build()
      const model = new Model()
      const running: { id: number; generation: number; end: (v: Verdict) => Promise<void> }[] = []
      let ids = 0

      for (const action of steps) {
        const admitted = { expected: false, actual: false }
        model.tick(clock.now)
        if (action.do === 'start') {
          ids += 1
          admitted.expected = model.admits(ids, clock.now)
          const end = await start(circuit)
          admitted.actual = end !== undefined
          if (end) running.push({ id: ids, generation: model.generation, end })
        } else if (action.do === 'end') {
          const [call] = running.splice(action.which % Math.max(1, running.length), 1)
          if (call === undefined) continue
          model.end(call.id, call.generation, action.verdict, clock.now)
          await call.end(action.verdict)
        } else if (action.do === 'wait') {
          clock.now += action.ms
          model.tick(clock.now)
        } else if (action.action === 'open') {
          circuit.open()
          model.enter('open')
          Object.assign(model, { openedAt: clock.now, held: true })
        } else {
          if (action.action === 'close') circuit.close()
          else circuit.reset()
          model.enter('closed')
          model.failures = 0
        }
        const { state, failures, successes, held } = circuit.snapshot()
        expect({ admitted: admitted.actual, state, failures, successes, held }).toEqual({
          admitted: admitted.expected,
          state: model.state,
          failures: model.failures,
          successes: model.successes,
          held: model.held,
        })
      }

      // Whatever happened, and with everything that was under way lost for ever: it closes again.
      if (circuit.snapshot().held) circuit.close()
      clock.now += 2 * RESET_MS
      await times(2, async () => expect(await attempt(circuit, 'success')).toBe(true))
      expect(circuit.state).toBe('closed')
    }),
    { numRuns: 2000 },
  )
})

test('whatever happened before, a half-open circuit lets two probes through and never two at once', async () => {
  await assert(
    asyncProperty(
      array(constantFrom<'start' | Verdict>('start', 'start', 'success', 'neutral'), {
        maxLength: 40,
      }),
      async (steps) => {
        const { circuit, clock } = build()
        await times(5, () => attempt(circuit, 'failure'))
        clock.now += RESET_MS
        const probes: ((verdict: Verdict) => Promise<void>)[] = []
        let mostAtOnce = 0
        let succeeded = 0

        for (const action of steps) {
          if (circuit.state !== 'half_open') break
          if (action === 'start') {
            const probe = await start(circuit)
            if (probe) probes.push(probe)
            mostAtOnce = Math.max(mostAtOnce, probes.length)
          } else {
            const probe = probes.pop()
            if (probe && action === 'success') succeeded += 1
            await probe?.(action)
          }
        }

        expect(mostAtOnce).toBeLessThanOrEqual(1)
        expect(circuit.state).toBe(succeeded === 2 ? 'closed' : 'half_open')
      },
    ),
    { numRuns: 1000 },
  )
})
