import type { Step } from './steps.ts'

const SHOWN = 5

/** Names for a person: the first five. */
export function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return `${names.slice(0, SHOWN).join(', ')}${more}`
}

/** What is about to be done, one sentence a kind of step. */
export function sentencesOf(steps: readonly Step[]): readonly string[] {
  const byType = Map.groupBy(steps, ({ type }) => type)
  return [...byType.values()].map(
    (same) => `${WORDS[same[0]?.type ?? 'Adopt']}: ${listed(same.flatMap(namesOf))}`,
  )
}

const WORDS: Readonly<Record<Step['type'], string>> = {
  Adopt: 'captured before records began',
  Extend: 'noted as it is now',
  Begin: 'to be copied again',
  Signal: 'copying',
  Settle: 'copied',
  Retry: 'to be tried again',
}

function namesOf(step: Step): readonly string[] {
  switch (step.type) {
    case 'Adopt':
      return [step.table]
    case 'Begin':
      return [`${step.table} (${step.why})`]
    case 'Signal':
      return step.records.map(({ table }) => table)
    case 'Retry':
      return [`${step.record.table} (${step.status})`]
    case 'Extend':
    case 'Settle':
      return [step.record.table]
  }
}
