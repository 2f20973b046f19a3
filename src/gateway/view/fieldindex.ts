import type { Row } from '../../contracts/row.ts'
import { indexText } from './entry.ts'

/** Keys by the value of some fields. */
export interface FieldIndex {
  /** Takes a key from where its old row stood to where its new row stands; undefined: nowhere. */
  move(key: string, before: Row | undefined, after: Row | undefined): void
  keys(field: string, text: string): ReadonlySet<string>
}

const NONE: ReadonlySet<string> = new Set()

/** An index of these fields. */
export function createFieldIndex(fields: readonly string[]): FieldIndex {
  const byField = new Map(fields.map((field) => [field, new Map<string, Set<string>>()]))

  return {
    move(key, before, after) {
      for (const [field, byText] of byField) {
        const from = before && indexText(before[field])
        const to = after && indexText(after[field])
        if (from === to) continue
        if (from !== undefined) {
          const keys = byText.get(from)
          keys?.delete(key)
          if (keys?.size === 0) byText.delete(from)
        }
        if (to !== undefined) {
          const keys = byText.get(to) ?? new Set()
          byText.set(to, keys.add(key))
        }
      }
    },
    keys: (field, text) => byField.get(field)?.get(text) ?? NONE,
  }
}
