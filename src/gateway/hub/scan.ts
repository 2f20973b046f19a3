import type { Table } from '../view/table.ts'
import type { Matcher } from './selector.ts'

/** Keys of a partition that a selector may match, cheapest way; may be walked while the table changes. */
export function candidates(table: Table, partition: number, matcher: Matcher): Iterator<string> {
  switch (matcher.type) {
    case 'All':
      return table.keys(partition)[Symbol.iterator]()
    case 'Keys':
      return matcher.keys.values()
    case 'Where': {
      const sets = matcher.pairs.map(([field, text]) => table.keysWhere(partition, field, text))
      const [smallest] = sets.sort((a, b) => a.size - b.size)
      return (smallest ?? new Set<string>()).values()
    }
  }
}
