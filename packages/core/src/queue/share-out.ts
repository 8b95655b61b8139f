import type { Pick } from './queue-dialect.ts'

/** Gives `free` places to lanes in turns of one, so that no lane takes all because it was asked first. */
export function shareOut(lanes: readonly Pick[], free: number): Pick[] {
  const shares = lanes.map(({ lane, room }) => ({ lane, most: room, room: 0 }))
  let left = free
  for (let given = true; given && left > 0;) {
    given = false
    for (const share of shares) {
      if (left === 0) break
      if (share.room >= share.most) continue
      share.room += 1
      left -= 1
      given = true
    }
  }
  return shares.filter(({ room }) => room > 0).map(({ lane, room }) => ({ lane, room }))
}
