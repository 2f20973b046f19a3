import type { NotHere } from './drill.ts'
import type { Result } from './run.ts'

/** What one line of the table is about. */
export type Row =
  | ({ readonly type: 'Healed'; readonly number: number; readonly failure: string } & Result)
  | { readonly type: 'Failed'; readonly number: number; readonly failure: string; readonly why: string }
  | ({ readonly type: 'NotHere' } & NotHere)

const HEAD = ['#', 'failure', 'condition', 'reason', 'seen s', 'healed s', 'rows equal']

/** The rows as text, by number, in columns as wide as they must be. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.toSorted((a, b) => a.number - b.number).map(cellsOf)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n')
}

function cellsOf(row: Row): readonly string[] {
  const start = [String(row.number), row.failure]
  switch (row.type) {
    case 'Healed':
      return [
        ...start,
        ...[row.condition, row.reason],
        ...[row.seenSeconds.toFixed(1), row.healedSeconds.toFixed(1), 'yes'],
      ]
    case 'Failed':
      return [...start, 'FAILED', row.why.split('\n')[0]?.slice(0, 100) ?? '', '-', '-', 'no']
    case 'NotHere':
      return [...start, 'not here', row.why, '-', '-', '-']
  }
}
