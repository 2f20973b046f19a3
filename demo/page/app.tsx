import { createClient, type Entry } from '@penstock/client'
import { useRows, useStatus, useSubscription } from '@penstock/client/react'
import { type JSX, useEffect, useMemo, useState } from 'react'
import { createRoot } from 'react-dom/client'

import { type Freshness, measureFreshness } from './freshness.ts'

const STATUSES = ['new', 'paid', 'packed', 'shipped', 'delivered'] as const
const ROWS = 14

const gateway = new URLSearchParams(location.search).get('gateway') ?? location.origin
const client = createClient({ url: gateway })

function App(): JSX.Element {
  const orders = useSubscription(client, 'orders')
  const viewed = useSubscription(client, 'last-viewed')
  const rows = useRows(orders)
  const [freshness, setFreshness] = useState<Freshness>({
    p50: undefined,
    p99: undefined,
    changesPerSecond: 0,
  })
  useEffect(() => measureFreshness([orders, viewed], setFreshness), [orders, viewed])
  const { state } = useStatus(client)
  return (
    <main>
      <header>
        <h1>Shop, live</h1>
        <span className={`state ${state === 'Live' ? 'live' : ''}`} data-testid="state">
          {state === 'Live' ? 'live' : state.toLowerCase()}
        </span>
        <span className="path">PostgreSQL → Kafka Connect → Kafka → processor → gateway → here</span>
      </header>
      <section className="card figures">
        <Figure name="p50" label="commit → screen, median" value={milliseconds(freshness.p50)} />
        <Figure name="p99" label="commit → screen, 99 %" value={milliseconds(freshness.p99)} />
        <Figure name="rate" label="changes a second" value={freshness.changesPerSecond.toFixed(1)} />
        <Figure name="orders" label="orders" value={String(rows.length)} />
      </section>
      <section className="card">
        <h2>Orders by status</h2>
        <Bars rows={rows} />
      </section>
      <div className="columns">
        <section className="card">
          <h2>Latest orders</h2>
          <Orders rows={rows} />
        </section>
        <section className="card">
          <h2>What each customer looked at last</h2>
          <Viewed rows={useRows(viewed)} />
        </section>
      </div>
    </main>
  )
}

const milliseconds = (value: number | undefined): string =>
  value === undefined ? '–' : `${Math.round(value)} ms`

function Figure({
  name,
  label,
  value,
}: {
  readonly name: string
  readonly label: string
  readonly value: string
}): JSX.Element {
  return (
    <div className="figure">
      <strong data-testid={name}>{value}</strong>
      <span>{label}</span>
    </div>
  )
}

function Bars({ rows }: { readonly rows: readonly Entry[] }): JSX.Element {
  const counts = STATUSES.map((status) => rows.filter(({ row }) => row['status'] === status).length)
  const most = Math.max(1, ...counts)
  return (
    <div className="bars">
      {STATUSES.map((status, index) => (
        <div className="bar" key={status}>
          <span>{status}</span>
          <i style={{ width: `${((counts[index] ?? 0) / most) * 100}%`, background: `var(--${status})` }} />
          <b data-testid={`count-${status}`}>{counts[index]}</b>
        </div>
      ))}
    </div>
  )
}

/** The rows that changed last come first. */
function latest(rows: readonly Entry[]): readonly Entry[] {
  return rows.toSorted((a, b) => b.ts - a.ts).slice(0, ROWS)
}

function Orders({ rows }: { readonly rows: readonly Entry[] }): JSX.Element {
  const shown = useMemo(() => latest(rows), [rows])
  return (
    <table data-testid="orders-table">
      <thead>
        <tr>
          <th>Order</th>
          <th>Customer</th>
          <th>Status</th>
          <th className="number">Total</th>
        </tr>
      </thead>
      <tbody>
        {shown.map(({ key, row, ts }) => (
          // A row that changed is another element, so that it lights up again.
          <tr key={`${key} ${ts}`} className="fresh">
            <td>#{key}</td>
            <td>{String(row['customer'])}</td>
            <td>
              <span className="chip" style={{ background: `var(--${row['status']})` }}>
                {String(row['status'])}
              </span>
            </td>
            <td className="number">{String(row['total'])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Viewed({ rows }: { readonly rows: readonly Entry[] }): JSX.Element {
  const shown = useMemo(() => latest(rows), [rows])
  return (
    <table>
      <thead>
        <tr>
          <th>Customer</th>
          <th className="number">Product</th>
        </tr>
      </thead>
      <tbody>
        {shown.map(({ key, row, ts }) => (
          <tr key={`${key} ${ts}`} className="fresh">
            <td>{key}</td>
            <td className="number">{String(row['product'])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
