import type { SourceSpec, SourceTable } from './index.ts'

/** Whether an entry of spec.tables stands for every table that it matches. */
export const isPattern = (name: string): boolean => name.includes('*')

/** The entry of spec.tables that speaks of a table: the one with its very name, else the first whose pattern matches. */
export function entryOf(tables: SourceSpec['tables'], table: string): SourceTable | undefined {
  return (
    tables.find(({ name }) => name === table) ??
    tables.find(({ name }) => isPattern(name) && new RegExp(patternOf(name)).test(table))
  )
}

/** Whether an entry captures this column. */
export function takesColumn({ columns }: Pick<SourceTable, 'columns'>, column: string): boolean {
  return columns?.include ? columns.include.includes(column) : !columns?.exclude?.includes(column)
}

/** An entry as a regular expression that matches whole names; `*` stays within a name. JavaScript and PostgreSQL read it alike. */
export function patternOf(name: string): string {
  return `^${name.split('*').map(escaped).join('[^.]*')}$`
}

/** A name as a regular expression that matches nothing else. */
export const escaped = (name: string): string => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
