/** JSON of a value in which Maps and bigints are marked. */
export function toWire(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Map) return { $map: [...item] }
    return typeof item === 'bigint' ? { $big: String(item) } : item
  })
}

/** The value behind {@link toWire}. */
export function fromWire(json: string): unknown {
  return JSON.parse(json, (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null) return item
    if ('$map' in item) return new Map(item.$map as [unknown, unknown][])
    return '$big' in item ? BigInt(String(item.$big)) : item
  })
}
