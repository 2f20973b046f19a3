/**
 * A queue of keys: a key is in it at most once and worked on by at most one worker; what is added while it is
 * worked on comes again afterwards. Its length is bounded by the number of objects.
 */
export interface KeyedQueue {
  /** Adds a key now. */
  add(key: string): void
  /** Adds a key after `ms` milliseconds; an earlier wish for the same key wins. */
  addAfter(key: string, ms: number): void
  /** The next key; undefined when the queue is closed. Every key taken must be handed back with `done`. */
  take(): Promise<string | undefined>
  done(key: string): void
  /** Forgets a key that waits for its time. */
  forget(key: string): void
  close(): void
  readonly depth: number
}

/** An empty queue. */
export function createQueue(): KeyedQueue {
  const ready = new Set<string>()
  const active = new Set<string>()
  const again = new Set<string>()
  const timers = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>()
  const takers: ((key: string | undefined) => void)[] = []
  let closed = false

  const forget = (key: string) => {
    clearTimeout(timers.get(key)?.timer)
    timers.delete(key)
  }
  const add = (key: string) => {
    if (closed) return
    forget(key)
    if (active.has(key)) again.add(key)
    else {
      ready.add(key)
      serve()
    }
  }
  const serve = () => {
    for (const key of ready) {
      const taker = takers.shift()
      if (!taker) return
      ready.delete(key)
      active.add(key)
      taker(key)
    }
  }

  return {
    add,
    addAfter: (key, ms) => {
      if (closed) return
      const at = Date.now() + ms
      const waiting = timers.get(key)
      if (waiting && waiting.at <= at) return
      forget(key)
      timers.set(key, { at, timer: setTimeout(() => add(key), ms) })
    },
    take: () =>
      closed
        ? Promise.resolve(undefined)
        : new Promise((resolve) => {
            takers.push(resolve)
            serve()
          }),
    done: (key) => {
      active.delete(key)
      if (again.delete(key)) add(key)
    },
    forget,
    close: () => {
      closed = true
      for (const key of [...timers.keys()]) forget(key)
      for (const taker of takers.splice(0)) taker(undefined)
    },
    get depth() {
      return ready.size
    },
  }
}
