import type { AnyResource } from '../controllers/controller.ts'
import type { Board } from '../lag/board.ts'

/**
 * The exact figures behind the steps in the statuses, in Prometheus's text format 0.0.4: one series an object and figure,
 * so their number is bounded by the number of objects and flows. Written out here, in one go over the board: as gauges of a
 * registry, those of 6,000 objects held everything else up for more than half a second at each scrape.
 */
export function objectMetrics(
  board: Board,
  objects: Iterable<{ readonly kind: string; readonly object: AnyResource }>,
): string {
  const samples = new Map<string, string[]>(FIGURES.map(({ unit }) => [unit, []]))
  for (const { object, figure, value } of board.samples()) {
    const [unit, hop] = unitOf(figure)
    const { kind, namespace, name } = identity(object)
    samples.get(unit)?.push(`${labels({ kind, namespace, name, hop })} ${value}`)
  }
  const ready = [...objects].map(({ kind, object }) => {
    const { namespace, name } = object.metadata
    const is = object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    return `${labels({ kind, namespace, name })} ${is ? 1 : 0}`
  })
  return [
    family('penstock_ready', 'Whether an object is Ready: 1, or 0.', ready),
    ...FIGURES.map(({ name, help, unit }) => family(name, help, samples.get(unit) ?? [])),
  ].join('')
}

const family = (name: string, help: string, samples: readonly string[]): string =>
  [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples.map((sample) => `${name}${sample}`), ''].join(
    '\n',
  )

function labels(values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(([label, value]) => `${label}="${escaped(value)}"`)
  return `{${pairs.join()}}`
}

const escaped = (value: string): string =>
  /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value

/** Figures on the board are `seconds`, `unconfirmedBytes`, …, or `<kind> <hop> seconds` for one hop of a Pipeline. */
const FIGURES: readonly {
  readonly name: string
  readonly help: string
  readonly unit: string
}[] = [
  {
    name: 'penstock_lag_seconds',
    help: 'How late: a Source behind its database, a Pipeline on its worst path, one hop.',
    unit: 'seconds',
  },
  { name: 'penstock_lag_records', help: 'Records that wait before a hop.', unit: 'records' },
  {
    name: 'penstock_source_unconfirmed_bytes',
    help: 'Log that a Source has not confirmed.',
    unit: 'unconfirmedBytes',
  },
  {
    name: 'penstock_source_safe_bytes',
    help: 'Log that may still be written before what a Source needs can be lost.',
    unit: 'safeBytes',
  },
  {
    name: 'penstock_source_catalog_age',
    help: 'Transactions whose catalogue rows a Source’s slot keeps from vacuum.',
    unit: 'catalogAge',
  },
  {
    name: 'penstock_source_confirmed_position',
    help: 'The position in the log, in bytes, that a Source has confirmed.',
    unit: 'confirmedPosition',
  },
  {
    name: 'penstock_source_rows_per_second',
    help: 'Records that a Source writes to its tables’ topics, a second, over the last two minutes.',
    unit: 'rowsPerSecond',
  },
  {
    name: 'penstock_source_last_event_timestamp_seconds',
    help: 'When a Source’s tables’ topics last got a record, since 1970; known once it was seen to happen.',
    unit: 'lastEvent',
  },
  {
    name: 'penstock_source_retained_bytes',
    help: 'Log that the database keeps for a Source.',
    unit: 'retainedBytes',
  },
]

/** Of `seconds` the unit alone, of `Flow paid seconds` also the hop. */
function unitOf(figure: string): readonly [unit: string, hop: string] {
  const [first = '', hop = '', unit] = figure.split(' ')
  return unit === undefined ? [first, ''] : [unit, hop]
}

function identity(user: string): {
  readonly kind: string
  readonly namespace: string
  readonly name: string
} {
  const [kind = '', key = ''] = user.split(':')
  const [namespace = '', name = ''] = key.split('/')
  return { kind, namespace, name }
}
