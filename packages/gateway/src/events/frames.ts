/** One frame of a Server-Sent Events stream. `data` is undefined where the frame only moves the id or is a heartbeat. */
export interface Frame {
  id: string | undefined
  event: string
  data: string | undefined
}

/**
 * Cuts a Server-Sent Events stream into frames (WHATWG HTML §9.2.6, the fields we use). A library's parser hides frames
 * without data, and it is just those that say where an idle stream stands.
 * @param longest characters of one line; a longer one means that this is no event stream
 */
export function createFrames(onFrame: (frame: Frame) => void, longest = 4_000_000) {
  let rest = ''
  let id: string | undefined
  let event = ''
  let data: string[] = []

  function line(text: string): void {
    if (text === '') {
      onFrame({
        id,
        event: event === '' ? 'message' : event,
        data: data.length > 0 ? data.join('\n') : undefined,
      })
      id = undefined
      event = ''
      data = []
      return
    }
    const colon = text.indexOf(':')
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /u, '')
    if (field === 'id') id = value
    else if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }

  return {
    /** Takes the next piece of text, cut anywhere. @throws RangeError when a line is longer than `longest` */
    feed(text: string): void {
      const lines = (rest + text).split(/\r\n|\n|\r(?!$)/u)
      rest = lines.pop() ?? ''
      if (rest.length > longest) throw new RangeError('a line of the event stream is too long')
      for (const one of lines) line(one)
    },
  }
}
