import { Type } from '@sinclair/typebox'
import { EventLogItem } from '@potok/contracts/event'
import { createParser } from '@potok/core/validation'
import type { HttpClient } from '@potok/core/http-client'

const Page = Type.Object({
  items: Type.Array(EventLogItem),
  nextCursor: Type.Optional(Type.String()),
})
const parsePage = createParser(Page)

const PAGE_SIZE = 500

export interface EventLog {
  /**
   * The events after a cursor, in log order.
   * @returns undefined when the cursor cannot be continued, or when more than `most` were missed
   */
  missed: (since: string, most: number) => Promise<EventLogItem[] | undefined>
}

/** Reads the state service's event log. A cursor that it refuses (410) means: reload. */
export function createEventLog(state: Pick<HttpClient, 'request'>): EventLog {
  return {
    async missed(since, most) {
      const items: EventLogItem[] = []
      let after = since
      while (items.length <= most) {
        const answer = await state.request({
          method: 'GET',
          path: '/api/v1/events',
          query: { after, limit: String(PAGE_SIZE) },
        })
        if (answer.status === 410) return undefined
        if (answer.status !== 200) throw new Error(`the event log answered ${answer.status}`)
        const page = parsePage(answer.body.json())
        items.push(...page.items)
        const last = page.items.at(-1)
        if (last === undefined || page.items.length < PAGE_SIZE)
          return items.length > most ? undefined : items
        after = last.cursor
      }
      return undefined
    },
  }
}
