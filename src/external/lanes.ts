/** Calls that follow one another. */
interface Lane {
  running: Promise<void> | undefined
  next: { readonly names: Set<string>; readonly done: Promise<void> } | undefined
}

/** Lanes of calls about names; lanes know nothing of each other, and one exists for as long as there is a call in it. */
export interface Lanes {
  /** Calls about these names after now, together with whoever else waits in this lane; resolves when that call has ended. */
  add(lane: string, names: Iterable<string>): Promise<void>
  /** The call that is on its way in this lane. */
  running(lane: string): Promise<void> | undefined
}

/** No lanes yet; `call` must not reject. */
export function createLanes(call: (names: readonly string[]) => Promise<void>): Lanes {
  const lanes = new Map<string, Lane>()
  const begin = (key: string, lane: Lane): NonNullable<Lane['next']> => {
    const names = new Set<string>()
    const done = (lane.running ?? Promise.resolve()).then(async () => {
      lane.next = undefined
      lane.running = call([...names])
      await lane.running
      lane.running = undefined
      if (!lane.next) lanes.delete(key)
    })
    return { names, done }
  }
  return {
    running: (key) => lanes.get(key)?.running,
    add: (key, names) => {
      const lane = lanes.get(key) ?? { running: undefined, next: undefined }
      lanes.set(key, lane)
      lane.next ??= begin(key, lane)
      for (const name of names) lane.next.names.add(name)
      return lane.next.done
    },
  }
}
