import { stringify } from 'yaml'

/** How a command prints what it found. */
export type Output = 'table' | 'json' | 'yaml'

/** Columns aligned with two spaces between them, as kubectl prints them; the last is as long as it is. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return `${all.map(line).join('\n')}\n`
}

/** JSON or YAML of a value. */
export function document(value: unknown, as: Exclude<Output, 'table'>): string {
  return as === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { lineWidth: 0 })
}
