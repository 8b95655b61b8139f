import { Type } from '@sinclair/typebox'
import type { FastifyBaseLogger } from 'fastify'
import { EventLogItem } from '@potok/contracts/event'
import { createParser, ValueRefused } from '@potok/core/validation'

const parseItem = createParser(EventLogItem)
const parsePage = createParser(Type.Object({ items: Type.Array(Type.Unknown()) }))
const parsePlace = createParser(Type.Object({ cursor: Type.String() }))

export type ItemReader = ReturnType<typeof createItemReader>

/**
 * Reads what the state service says. An item that this release does not understand is left out and told in the log:
 * stopping at it would stop everything behind it for ever.
 */
export function createItemReader(log: Pick<FastifyBaseLogger, 'error'>) {
  function item(value: unknown): EventLogItem | undefined {
    try {
      return parseItem(value)
    } catch (error) {
      if (!(error instanceof ValueRefused)) throw error
      log.error({ err: error }, 'an event of the log is not understood and left out')
      return undefined
    }
  }
  return {
    item,
    /** The items of a page, and the cursor of the last one; undefined when there is none. */
    page(value: unknown): { items: EventLogItem[]; last: string | undefined } {
      const { items } = parsePage(value)
      const last = items.length === 0 ? undefined : parsePlace(items.at(-1)).cursor
      return { items: items.map(item).filter((one) => one !== undefined), last }
    },
  }
}
