/** Thrown when Redis has not answered in time. The command may still have been carried out. */
export class DeadlineExceeded extends Error {
  override name = 'DeadlineExceeded'
}

/** The promise's outcome, or a rejection after the time. The promise itself goes on, unheard. */
export async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const fail = () => reject(new DeadlineExceeded(`no answer within ${ms} ms`))
    // When the event loop was late, the answer may lie unread in the socket: it gets one turn to be read.
    timer = setTimeout(() => setImmediate(fail), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
