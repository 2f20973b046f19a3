/** JSON of a value in which Maps and bigints are marked. */
export function toWire(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Map) return { $map: [...item] }
    return typeof item === 'bigint' ? { $big: String(item) } : item
  })
}

/** The value behind {@link toWire}. What has no mark costs no more than JSON: what is measured must not be this. */
export function fromWire(json: string): unknown {
  const value: unknown = JSON.parse(json)
  return json.includes('"$') ? unmarked(value) : value
}

function unmarked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unmarked)
  if ('$map' in value)
    return new Map((value.$map as [unknown, unknown][]).map(([key, item]) => [key, unmarked(item)]))
  if ('$big' in value) return BigInt(String(value.$big))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unmarked(item)]))
}
