import { Gauge, type Registry } from 'prom-client'

import type { AnyResource } from '../controllers/controller.ts'
import type { Board } from '../lag/board.ts'

/**
 * Registers the exact figures behind the steps in the statuses, read when they are scraped: one series an object and
 * figure, so their number is bounded by the number of objects and flows.
 */
export function registerObjectMetrics(
  registry: Registry,
  board: Board,
  objects: () => Iterable<{ readonly kind: string; readonly object: AnyResource }>,
): void {
  const registers = [registry]
  new Gauge({
    name: 'penstock_ready',
    help: 'Whether an object is Ready: 1, or 0.',
    labelNames: ['kind', 'namespace', 'name'],
    registers,
    collect() {
      this.reset()
      for (const { kind, object } of objects()) {
        const { namespace, name } = object.metadata
        const ready = object.status?.conditions?.some(
          ({ type, status }) => type === 'Ready' && status === 'True',
        )
        this.set({ kind, namespace, name }, ready ? 1 : 0)
      }
    },
  })
  for (const { name, help, figure } of FIGURES) {
    new Gauge({
      name,
      help,
      labelNames: ['kind', 'namespace', 'name', 'hop'],
      registers,
      collect() {
        this.reset()
        for (const sample of board.samples()) {
          const labels = figure(sample.figure)
          if (labels) this.set({ ...identity(sample.object), ...labels }, sample.value)
        }
      },
    })
  }
}

/** Figures on the board are `seconds`, `unconfirmedBytes`, …, or `<kind> <hop> seconds` for one hop of a Pipeline. */
const FIGURES: readonly {
  readonly name: string
  readonly help: string
  readonly figure: (figure: string) => { readonly hop: string } | undefined
}[] = [
  {
    name: 'penstock_lag_seconds',
    help: 'How late: a Source behind its database, a Pipeline on its worst path, one hop.',
    figure: hopOf('seconds'),
  },
  { name: 'penstock_lag_records', help: 'Records that wait before a hop.', figure: hopOf('records') },
  {
    name: 'penstock_source_unconfirmed_bytes',
    help: 'Log that a Source has not confirmed.',
    figure: hopOf('unconfirmedBytes'),
  },
  {
    name: 'penstock_source_safe_bytes',
    help: 'Log that may still be written before what a Source needs can be lost.',
    figure: hopOf('safeBytes'),
  },
  {
    name: 'penstock_source_catalog_age',
    help: 'Transactions whose catalogue rows a Source’s slot keeps from vacuum.',
    figure: hopOf('catalogAge'),
  },
  {
    name: 'penstock_source_confirmed_position',
    help: 'The position in the log, in bytes, that a Source has confirmed.',
    figure: hopOf('confirmedPosition'),
  },
  {
    name: 'penstock_source_rows_per_second',
    help: 'Records that a Source writes to its tables’ topics, a second, over the last two minutes.',
    figure: hopOf('rowsPerSecond'),
  },
  {
    name: 'penstock_source_last_event_timestamp_seconds',
    help: 'When a Source’s tables’ topics last got a record, since 1970; known once it was seen to happen.',
    figure: hopOf('lastEvent'),
  },
  {
    name: 'penstock_source_retained_bytes',
    help: 'Log that the database keeps for a Source.',
    figure: hopOf('retainedBytes'),
  },
]

function hopOf(unit: string): (figure: string) => { readonly hop: string } | undefined {
  return (figure) => {
    if (figure === unit) return { hop: '' }
    return figure.endsWith(` ${unit}`) ? { hop: figure.split(' ')[1] ?? '' } : undefined
  }
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
