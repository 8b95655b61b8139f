import { expect, test } from 'vitest'
import { createGathered } from './gathered.ts'

function record() {
  const written: { labels: readonly string[]; values: number[] }[] = []
  const gathered = createGathered<[route: string, method: string]>((labels, values) => {
    written.push({ labels, values: [...values] })
  })
  return { gathered, written }
}

test('what came with the same labels is written together, in its order, when somebody looks', () => {
  const { gathered, written } = record()
  gathered.add(1, '/a', 'GET')
  gathered.add(2, '/b', 'GET')
  gathered.add(3, '/a', 'POST')
  gathered.add(4, '/a', 'GET')
  expect(written).toEqual([])

  gathered.flush()

  expect(written).toEqual([
    { labels: ['/a', 'GET'], values: [1, 4] },
    { labels: ['/b', 'GET'], values: [2] },
    { labels: ['/a', 'POST'], values: [3] },
  ])
})

test('nothing is written twice', () => {
  const { gathered, written } = record()
  gathered.add(1, '/a', 'GET')
  gathered.flush()
  gathered.flush()

  gathered.add(2, '/a', 'GET')
  gathered.flush()

  expect(written.map(({ values }) => values)).toEqual([[1], [2]])
})

test('what nobody looks at does not pile up', () => {
  const { gathered, written } = record()

  for (let n = 0; n < 1000; n += 1) gathered.add(n, '/a', 'GET')

  const values = written.flatMap((one) => one.values)
  expect(values).toEqual(Array.from({ length: values.length }, (_one, n) => n))
  expect(values.length).toBeGreaterThan(800)
})
