import { expect, test } from 'vitest'
import { createFrames, type Frame } from './frames.ts'

function read(...pieces: string[]): Frame[] {
  const frames: Frame[] = []
  const reader = createFrames((frame) => frames.push(frame))
  for (const piece of pieces) reader.feed(piece)
  return frames
}

test('a frame may be cut anywhere, and a frame without data still moves the id', () => {
  const text =
    'retry: 1000\nid: e.7\n\nid: e.8\nevent: entity.created\ndata: {"a":\ndata: 1}\n\n: heartbeat\n\n'

  const whole = read(text)

  expect(whole).toEqual([
    { id: 'e.7', event: 'message', data: undefined },
    { id: 'e.8', event: 'entity.created', data: '{"a":\n1}' },
    { id: undefined, event: 'message', data: undefined },
  ])
  for (let cut = 1; cut < text.length; cut += 1) {
    expect(read(text.slice(0, cut), text.slice(cut))).toEqual(whole)
  }
})

test('a line without end is refused instead of filling the memory', () => {
  const reader = createFrames(() => undefined, 100)

  expect(() => reader.feed('x'.repeat(101))).toThrow('too long')
})
