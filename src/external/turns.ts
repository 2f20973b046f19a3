/** Names that are asked about one by one, so many at once; each for itself: one that takes long holds up no other. */
export interface Turns {
  /** A name that has its turn already, or waits for it, does not get another. */
  add(names: Iterable<string>): void
  has(name: string): boolean
  /** Names that wait for their turn. */
  readonly waiting: number
  /** Whoever waits does so no more. */
  clear(): void
}

/** No names yet; `ask` must not reject. */
export function createTurns(atOnce: number, ask: (name: string) => Promise<unknown>): Turns {
  const waiting = new Set<string>()
  const asking = new Set<string>()
  const begin = (name: string) => {
    waiting.delete(name)
    asking.add(name)
    void ask(name).then(() => {
      asking.delete(name)
      serve()
    })
  }
  const serve = () => {
    for (const name of waiting) {
      if (asking.size >= atOnce) return
      begin(name)
    }
  }
  return {
    add: (names) => {
      for (const name of names) if (!asking.has(name)) waiting.add(name)
      serve()
    },
    has: (name) => waiting.has(name) || asking.has(name),
    get waiting() {
      return waiting.size
    },
    clear: () => waiting.clear(),
  }
}
