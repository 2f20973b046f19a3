/** Fresh: somebody waits for it. Background: start-up and resync, which give way to everything fresh. */
export type Urgency = 'Fresh' | 'Background'

/**
 * A queue of keys: a key is in it at most once and worked on by at most one worker; what is added while it is
 * worked on comes again afterwards. Its length is bounded by the number of objects.
 */
export interface KeyedQueue {
  /** Adds a key now; one that waits in the background becomes fresh when it is added as fresh. */
  add(key: string, urgency?: Urgency): void
  /** Adds a key after `ms` milliseconds; an earlier wish for the same key wins. */
  addAfter(key: string, ms: number, urgency?: Urgency): void
  /** The next key; undefined when the queue is closed. Every key taken must be handed back with `done`. */
  take(): Promise<string | undefined>
  done(key: string): void
  /** A key that was taken is left to itself until its `done`, and does not count as being worked on. */
  abandon(key: string): void
  /** Forgets a key that waits for its time. */
  forget(key: string): void
  close(): void
  readonly depth: number
  /** Keys of the background that wait for a worker. */
  readonly backlog: number
}

/** What a queue tells while it works; times are in milliseconds. */
export interface QueueObserver {
  added(): void
  /** A key was taken after it had waited this long. */
  waited(ms: number): void
}

/** How many fresh keys are taken in a row before one of the background gets its turn. */
const FRESH_IN_A_ROW = 100

/**
 * An empty queue; of the background, so many keys are worked on at once: whoever takes the rest waits for something fresh.
 * How many that is is asked whenever a key comes or ends.
 */
export function createQueue(
  observer: QueueObserver = SILENT,
  backgroundAtOnce: () => number = () => Number.POSITIVE_INFINITY,
): KeyedQueue {
  // Keys that are ready, by urgency, with the time at which they became so.
  const ready = { Fresh: new Map<string, number>(), Background: new Map<string, number>() }
  const active = new Map<string, Urgency>()
  let background = 0
  const again = new Map<string, Urgency>()
  const timers = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>()
  const takers: ((key: string | undefined) => void)[] = []
  let freshInARow = 0
  let closed = false

  const forget = (key: string) => {
    clearTimeout(timers.get(key)?.timer)
    timers.delete(key)
  }
  const add = (key: string, urgency: Urgency = 'Fresh') => {
    if (closed) return
    forget(key)
    if (active.has(key)) {
      if (again.get(key) !== 'Fresh') again.set(key, urgency)
      return
    }
    if (ready.Fresh.has(key) || (urgency === 'Background' && ready.Background.has(key))) return
    observer.added()
    ready[urgency].set(key, ready.Background.get(key) ?? performance.now())
    if (urgency === 'Fresh') ready.Background.delete(key)
    serve()
  }
  const nextUrgency = (): Urgency | undefined => {
    const mayRest = ready.Background.size > 0 && background < backgroundAtOnce()
    if (ready.Fresh.size > 0 && !(mayRest && freshInARow >= FRESH_IN_A_ROW)) return 'Fresh'
    return mayRest ? 'Background' : undefined
  }
  const serve = () => {
    while (takers.length > 0) {
      const urgency = nextUrgency()
      const next = urgency && ready[urgency].entries().next()
      if (!next || next.done) return
      const [key, since] = next.value
      ready[urgency].delete(key)
      active.set(key, urgency)
      freshInARow = urgency === 'Fresh' ? freshInARow + 1 : 0
      if (urgency === 'Background') background++
      observer.waited(performance.now() - since)
      takers.shift()?.(key)
    }
  }

  const abandon = (key: string) => {
    if (active.get(key) !== 'Background') return
    active.set(key, 'Fresh')
    background--
    serve()
  }

  return {
    add,
    addAfter: (key, ms, urgency) => {
      if (closed) return
      const at = Date.now() + ms
      const waiting = timers.get(key)
      if (waiting && waiting.at <= at) return
      forget(key)
      timers.set(key, { at, timer: setTimeout(() => add(key, urgency), ms) })
    },
    take: () =>
      closed
        ? Promise.resolve(undefined)
        : new Promise((resolve) => {
            takers.push(resolve)
            serve()
          }),
    abandon,
    done: (key) => {
      abandon(key)
      active.delete(key)
      const urgency = again.get(key)
      again.delete(key)
      if (urgency) add(key, urgency)
    },
    forget,
    close: () => {
      closed = true
      for (const key of [...timers.keys()]) forget(key)
      for (const taker of takers.splice(0)) taker(undefined)
    },
    get depth() {
      return ready.Fresh.size + ready.Background.size
    },
    get backlog() {
      return ready.Background.size
    },
  }
}

const SILENT: QueueObserver = { added: () => undefined, waited: () => undefined }
