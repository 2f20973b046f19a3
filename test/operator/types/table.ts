import { SPECIMENS } from './specimens.ts'

/** The table of docs/postgres-types.md: what a test has seen arrive. */
export function typesTable(): string {
  const rows = SPECIMENS.map(({ type, arrives }) => `| \`${type}\` | ${arrives} |`)
  return ['| Type | How it arrives |', '| --- | --- |', ...rows].join('\n')
}
