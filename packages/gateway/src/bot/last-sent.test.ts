import { fmt } from '@maxhub/max-bot-api'
import { assert, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainTextOf, unrecordedIn } from './last-sent.ts'

const ours = (mid: string, text: string) => ({ sender: { user_id: 1 }, body: { mid, text } })
const theirs = (mid: string, text: string) => ({ sender: { user_id: 2 }, body: { mid, text } })
const look = { selfId: 1, content: { html: '<b>a</b> &lt;b&gt;' } }

describe('a message that was sent without our knowing', () => {
  it('is ours, has the text, and is newer than the last one that we know', () => {
    const listed = [
      theirs('m4', 'a <b>'),
      ours('m3', 'a <b>'),
      ours('m2', 'x'),
      ours('m1', 'a <b>'),
    ]
    expect(unrecordedIn(listed, { ...look, lastMid: 'm2' })).toBe('m3')
    expect(unrecordedIn(listed, { ...look, lastMid: 'm3' })).toBeUndefined()
    expect(unrecordedIn(listed, { ...look, lastMid: undefined })).toBe('m3')
  })
})

describe('text without markup', () => {
  it('is what was there before it was escaped', () => {
    assert(
      property(string({ unit: 'binary' }), (text) => {
        expect(plainTextOf(fmt.boldHtml(fmt.escapeHtml(text)))).toBe(text)
      }),
    )
  })
})
