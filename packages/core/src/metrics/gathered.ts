type Label = string | number

interface Gathered<Labels> {
  labels: Labels
  values: number[]
}

/** Written down when there are so many with the same labels, or when somebody looks. */
const MOST = 128

/**
 * What is to be written into metrics, kept until there is more of it. prom-client checks labels and puts them together to
 * a key at every call, which in the middle of a request costs several times as much as in a row.
 * @param write is given what came with the same labels, in its order; to be called by the metric's `collect` too
 */
export function createGathered<Labels extends readonly Label[]>(
  write: (labels: Labels, values: readonly number[]) => void,
) {
  interface Branch {
    next: Map<Label, Branch>
    gathered: Gathered<Labels> | undefined
  }
  const branch = (): Branch => ({ next: new Map(), gathered: undefined })
  const root = branch()
  const all: Gathered<Labels>[] = []

  function gatheredOf(labels: Labels): Gathered<Labels> {
    let at = root
    for (const label of labels) {
      let next = at.next.get(label)
      if (next === undefined) at.next.set(label, (next = branch()))
      at = next
    }
    if (at.gathered === undefined) all.push((at.gathered = { labels, values: [] }))
    return at.gathered
  }

  function put({ labels, values }: Gathered<Labels>): void {
    if (values.length === 0) return
    write(labels, values)
    values.length = 0
  }

  return {
    add(value: number, ...labels: Labels): void {
      const gathered = gatheredOf(labels)
      gathered.values.push(value)
      if (gathered.values.length >= MOST) put(gathered)
    },
    /** Writes everything down. */
    flush: (): void => all.forEach(put),
  }
}
