import { fmt } from '@maxhub/max-bot-api'
import { describe, expect, test } from 'vitest'
import { parseHtml } from './html.ts'
import { parseMarkdown } from './markdown.ts'
import type { MarkedText } from './marked-text.ts'

/** `type:marked text` for each element. */
function marks({ text, markup }: MarkedText): string[] {
  return markup.map(({ type, from, length }) => `${type}:${text.slice(from, from + length)}`)
}

describe('markdown', () => {
  test.each([
    ['**b** and __c__', 'b and c', ['strong:b', 'strong:c']],
    ['*i* and _j_', 'i and j', ['emphasized:i', 'emphasized:j']],
    ['~~s~~ ++u++ ^^h^^', 's u h', ['strikethrough:s', 'underline:u', 'highlighted:h']],
    ['`a*b*` x', 'a*b* x', ['monospaced:a*b*']],
    ['**a _b_ c**', 'a b c', ['strong:a b c', 'emphasized:b']],
    ['***both***', 'both', ['strong:both', 'emphasized:both']],
    ['# Голова\nтело', 'Голова\nтело', ['heading:Голова']],
    ['> a\n> b\nc', 'a\nb\nc', ['quote:a\nb']],
    ['```js\nlet x = **1**\n```', 'let x = **1**', ['monospaced:let x = **1**']],
    ['[дока](https://dev.max.ru/)', 'дока', ['link:дока']],
    ['[Борис](max://user/42)', 'Борис', ['user_mention:Борис']],
    ['**over\nlines**', 'over\nlines', ['strong:over\nlines']],
  ])('%j is read', (source, text, expected) => {
    const parsed = parseMarkdown(source)
    expect(parsed.text).toBe(text)
    expect(marks(parsed)).toEqual(expected)
  })

  test.each([
    'task_123_x and a__b__c',
    '2 * 3 * 4 = 24',
    'C++ and more C++',
    '**never closed',
    '**not\n\nover paragraphs**',
    '[no url]()',
    '[open](https://a b)',
    '#hashtag',
    '```',
    '`',
    '',
  ])('%j is only text', (source) => {
    expect(parseMarkdown(source)).toEqual({ text: source, markup: [] })
  })

  test('links and mentions carry their targets', () => {
    expect(parseMarkdown('[a](https://e.org/x_\\(y\\))').markup).toEqual([
      { type: 'link', from: 0, length: 1, url: 'https://e.org/x_(y)' },
    ])
    expect(parseMarkdown('[a](max://user/42)').markup).toEqual([
      { type: 'user_mention', from: 0, length: 1, user_id: 42 },
    ])
  })

  test('whatever the client library escapes comes out as it was', () => {
    const nasty = '*_~`[]()<>#+-=|{}.!\\ **x** [a](b) # h\n> q\n```\n^^ ++u++ 1. - + привет 🙂'
    // The library leaves `^` alone, so the text has only an unclosed one.
    expect(parseMarkdown(fmt.escape(nasty))).toEqual({ text: nasty, markup: [] })
  })

  test('hostile input of the greatest length is read to its end', () => {
    for (const piece of ['*', '**', '_*', '[', '`', '[a](', '> ', '\\', '*a', '^^+', '``` ']) {
      const source = piece.repeat(4000 / piece.length)
      expect(parseMarkdown(source).text.length).toBeLessThanOrEqual(source.length)
    }
  })
})

describe('html', () => {
  test('known tags become markup, others vanish, entities are decoded', () => {
    const parsed = parseHtml(
      '<b>Жирный</b> <i>к<u>п</u></i> <script>x</script><a href="https://e.org/?a=1&amp;b=2">s</a> 1 &lt; 2 &#128512;',
    )
    expect(parsed.text).toBe('Жирный кп xs 1 < 2 😀')
    expect(marks(parsed)).toEqual(['strong:Жирный', 'emphasized:кп', 'underline:п', 'link:s'])
    expect(parsed.markup.at(-1)?.url).toBe('https://e.org/?a=1&b=2')
  })

  test('a tag that is never closed lasts to the end, one that was never opened is dropped', () => {
    expect(marks(parseHtml('<b>a <i>b</b> c</u>'))).toEqual(['strong:a b', 'emphasized:b'])
    expect(parseHtml('a < b > c').text).toBe('a < b > c')
    expect(parseHtml('<constructor>x</constructor> &constructor;').text).toBe('x &constructor;')
  })

  test('code in a pre is one piece', () => {
    expect(marks(parseHtml('<pre><code class="language-js">x</code></pre>'))).toEqual([
      'monospaced:x',
    ])
  })

  test('what the client library escapes comes out as it was', () => {
    const nasty = '<b>"x" & \'y\'</b> &lt; &amp;lt; <a href="javascript:1">'
    expect(parseHtml(fmt.escapeHtml(nasty))).toEqual({ text: nasty, markup: [] })
  })
})
