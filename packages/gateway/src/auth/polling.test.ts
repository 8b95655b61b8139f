import { expect, onTestFinished, test, vi } from 'vitest'
import { createPolling } from './polling.ts'

test('asked while it is at work it does it once more at once, however often it was asked', async () => {
  const finish: (() => void)[] = []
  const work = () => new Promise<void>((resolve) => void finish.push(resolve))
  const polling = createPolling(work, 3_600_000)
  onTestFinished(() => polling.stop())
  polling.now()
  await vi.waitFor(() => expect(finish).toHaveLength(1))

  polling.now()
  polling.now()
  finish[0]?.()

  await vi.waitFor(() => expect(finish).toHaveLength(2))
})
