import type { Entry } from './entry.ts'

/** Entries of one partition in the order of their last change, so that "changed since offset X" is a search and a walk. */
export interface ChangeOrder {
  /** Puts an entry at the end; its offset must not be below the last one's. */
  append(entry: Entry): void
  remove(entry: Entry): void
  /** Entries whose offset is at least `offset`, oldest first; the order must not change during the walk. */
  since(offset: number): IterableIterator<Entry>
}

/** Holes beyond this many, and beyond half of the list, are closed. */
const MIN_HOLES = 1_024

/** A list by offset with holes where entries left; closing them costs O(1) a change on average. */
export function createChangeOrder(): ChangeOrder {
  let offsets: number[] = []
  let entries: (Entry | undefined)[] = []
  let first = 0
  let holes = 0

  function close(): void {
    const kept = entries.filter((entry) => entry !== undefined)
    entries = kept
    offsets = kept.map(({ offset }) => offset)
    first = 0
    holes = 0
  }

  /** The first place whose offset is at least this. */
  function find(offset: number): number {
    let low = first
    let high = offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((offsets[middle] ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    append(entry) {
      entries.push(entry)
      offsets.push(entry.offset)
    },
    remove(entry) {
      // Several entries may share an offset: those that retention removed stand at the end of the log, see table.ts.
      for (let at = find(entry.offset); offsets[at] === entry.offset; at += 1) {
        if (entries[at] !== entry) continue
        entries[at] = undefined
        holes += 1
        break
      }
      while (first < entries.length && entries[first] === undefined) first += 1
      if (holes > MIN_HOLES && holes > entries.length / 2) close()
    },
    *since(offset) {
      for (let at = find(offset); at < entries.length; at += 1) {
        const entry = entries[at]
        if (entry) yield entry
      }
    },
  }
}
