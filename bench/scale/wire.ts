/** JSON of a value in which Maps become marked lists of pairs. */
export function toWire(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (item instanceof Map ? { $map: [...item] } : item))
}

/** The value behind {@link toWire}. */
export function fromWire(json: string): unknown {
  return JSON.parse(json, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && '$map' in item
      ? new Map(item.$map as [unknown, unknown][])
      : item,
  )
}
