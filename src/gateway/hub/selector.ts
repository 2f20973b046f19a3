import type { Selector } from '@penstock/protocol'

import type { Row } from '../../contracts/row.ts'
import { hashOf } from '../../lib/json.ts'
import { indexText } from '../view/entry.ts'

/** What a subscription asks for, ready to be compared. */
export type Matcher =
  | { readonly type: 'Keys'; readonly keys: ReadonlySet<string> }
  /** Pairs of an indexed field and its value as an index writes it. */
  | { readonly type: 'Where'; readonly pairs: readonly (readonly [field: string, text: string])[] }
  | { readonly type: 'All' }

/** Reads a selector for a view with these indexed fields; a text is the sentence that says why it is refused. */
export function matcherOf(selector: Selector, index: readonly string[]): Matcher | string {
  if ('keys' in selector) return { type: 'Keys', keys: new Set(selector.keys) }
  if ('all' in selector) return { type: 'All' }
  const pairs = Object.entries(selector.where).map(([field, value]) => [field, indexText(value)] as const)
  const missing = pairs.find(([field]) => !index.includes(field))
  if (missing) {
    const names = index.length > 0 ? `only by ${index.join(', ')}` : 'by key or as a whole only'
    return `rows of this view can be selected ${names}, not by "${missing[0]}"`
  }
  return { type: 'Where', pairs: pairs.sort(([a], [b]) => (a < b ? -1 : 1)) }
}

/** Whether a row is one of those asked for; without a row it is not, but for its key. */
export function matches(matcher: Matcher, key: string, row: Row | undefined): boolean {
  switch (matcher.type) {
    case 'All':
      return true
    case 'Keys':
      return matcher.keys.has(key)
    case 'Where':
      return row !== undefined && matcher.pairs.every(([field, text]) => indexText(row[field]) === text)
  }
}

/** Sixteen hex digits that differ where tokens must not be carried over. */
export function matcherHash(matcher: Matcher): string {
  return hashOf(matcher.type === 'Keys' ? [...matcher.keys].sort() : matcher)
}
