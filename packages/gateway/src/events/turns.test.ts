import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

test('so many run at once, the others in their order, and a failure gives its place on', async () => {
  const turns = new Turns(2)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const all = [0, 1, 2, 3].map((n) =>
    turns.run(async () => {
      begun.push(n)
      await new Promise<void>((resolve, reject) => {
        ends[n] = n === 0 ? () => reject(new Error('failed')) : resolve
      })
    }),
  )
  const outcomes = Promise.allSettled(all)
  expect(begun).toEqual([0, 1])

  ends[0]?.()
  await expect(all[0]).rejects.toThrow('failed')
  await expect.poll(() => begun).toEqual([0, 1, 2])
  ends[1]?.()
  ends[2]?.()
  await expect.poll(() => begun).toEqual([0, 1, 2, 3])
  ends[3]?.()

  expect((await outcomes).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ])
})
