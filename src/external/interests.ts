/** What somebody wants to know. */
export interface Interest<V> {
  readonly names: readonly string[]
  /** What the one who asks sees of an answer: a change of it wakes that user, and no other. Called with every answer. */
  readonly fingerprint: (found: ReadonlyMap<string, V>) => string
}

/** An interest with whose it is. */
export interface HeldInterest<V> extends Interest<V> {
  readonly user: string
  at: number
  /** The look in which its user has read last. */
  look: number
  /** What its user saw last; undefined while it is looking. */
  seen: string | undefined
}

/** Interests, found by what they are about; as many as their users hold. */
export function createInterests<V>() {
  const byId = new Map<string, HeldInterest<V>>()
  const byName = new Map<string, Set<HeldInterest<V>>>()
  const byUser = new Map<string, Set<string>>()
  const drop = (id: string): readonly HeldInterest<V>[] => {
    const interest = byId.get(id)
    if (!interest) return []
    byId.delete(id)
    for (const name of interest.names) take(byName, name, interest)
    take(byUser, interest.user, id)
    return [interest]
  }
  return {
    get: (id: string) => byId.get(id),
    put: (id: string, interest: HeldInterest<V>) => {
      drop(id)
      byId.set(id, interest)
      for (const name of interest.names) put(byName, name, interest)
      put(byUser, interest.user, id)
    },
    size: () => byId.size,
    wanted: () => byName.keys(),
    isWanted: (name: string) => byName.has(name),
    inAnyOf: (names: readonly string[]) => new Set(names.flatMap((name) => [...(byName.get(name) ?? [])])),
    dropBefore: (time: number) => {
      for (const [id, { at }] of byId) if (at < time) drop(id)
    },
    /** What this user wanted to know. */
    dropOf: (user: string) => [...(byUser.get(user) ?? [])].flatMap(drop),
    /** What this user has not asked for since that look began; whether it still wants to know anything. */
    dropUnread: (user: string, look: number) => {
      for (const id of byUser.get(user) ?? []) if ((byId.get(id)?.look ?? look) < look) drop(id)
      return byUser.has(user)
    },
    clear: () => {
      byId.clear()
      byName.clear()
      byUser.clear()
    },
  }
}

function put<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  sets.set(key, (sets.get(key) ?? new Set<T>()).add(value))
}

function take<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key)
  set?.delete(value)
  if (set?.size === 0) sets.delete(key)
}
