/** What a table is made of: when it changes, rows are other rows and no change of them is in the log. */
export interface Relation {
  /** Of the table itself: another one after DROP and CREATE. */
  readonly oid: string
  /** Of its storage: another one after TRUNCATE, and after whatever writes every row anew. */
  readonly file: string
  /** Names of columns by their numbers, which are never used again. */
  readonly columns: Readonly<Record<string, string>>
  /** Numbers of columns that rows older than the column have a value for: added with a default. */
  readonly filled: readonly string[]
  /** Of its place in the publication: another one after it was taken out and put back. Absent: none had been seen yet. */
  readonly membership?: string
}

/** What became of a table since it was copied. */
export type RelationChange =
  | { readonly type: 'Same' }
  /** New columns that are null in every row that is older, or a first place in the publication: the topic says the same. */
  | { readonly type: 'Extended' }
  /** What the topic says of its rows is no longer so. */
  | { readonly type: 'Changed'; readonly why: string }

/** Compares a table with what was copied. Pure. */
export function relationChange(copied: Relation, now: Relation): RelationChange {
  const changed = (why: string): RelationChange => ({ type: 'Changed', why })
  if (copied.oid !== now.oid) return changed('it was dropped and made again')
  if (copied.file !== now.file) return changed('it was truncated or written anew')
  const { membership = now.membership } = copied
  // While it has no place, nothing could be copied without losing what changes meanwhile.
  if (now.membership && membership !== now.membership)
    return changed('it had been taken out of the publication')
  for (const [number, name] of Object.entries(copied.columns)) {
    const present = now.columns[number]
    if (present === undefined) return changed(`column ${name} was dropped`)
    if (present !== name) return changed(`column ${name} was renamed to ${present}`)
  }
  const added = Object.keys(now.columns).filter((number) => !(number in copied.columns))
  const filled = added.find((number) => now.filled.includes(number))
  if (filled !== undefined) return changed(`column ${now.columns[filled]} was added with a default`)
  return { type: added.length > 0 || copied.membership !== membership ? 'Extended' : 'Same' }
}
