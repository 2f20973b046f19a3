import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from '../../dev/lib/command.ts'
import { createPartitionReader } from '../../src/clients/kafka/reader.ts'
import { quantile } from '../lib/report.ts'
import { type Place, until } from './place.ts'
import type { Subject } from './subjects.ts'

/** How much is measured. */
export interface Size {
  /** Rows of the snapshot; a multiple of 100,000, which is pgbench's unit. */
  readonly rows: number
  /** Transactions of pgbench, each of four changed rows. */
  readonly transactions: number
  /** Single rows of which the time from the commit to the topic is taken. */
  readonly commits: number
}

/** Values of one subject, by the figure's name. */
export type Measured = Readonly<Record<string, number>>

/** pgbench's tables, and one of ours for single rows. */
export const TABLES = [
  ...['public.pgbench_accounts', 'public.pgbench_branches', 'public.pgbench_tellers'],
  ...['public.pgbench_history', 'public.commits'],
] as const

const CLIENTS = 4
const COMMITS_PER_SECOND = 50
/** Until the last of them must have come, beside the time that writing them takes. */
const COMMITS_LATE_MS = 120_000
const TICKS_PER_SECOND = 100

/** Fills the place's database. */
export async function fill(place: Place, { rows }: Size): Promise<void> {
  await pgbench(place, '-i', '-q', '-s', String(rows / 100_000))
  await place.sql('CREATE TABLE public.commits (id bigserial primary key, at timestamptz)')
  // It has no key; without this its application could not update it once it is published.
  await place.sql('ALTER TABLE public.pgbench_history REPLICA IDENTITY FULL')
  for (const table of TABLES) await place.sql(`ALTER TABLE ${table} OWNER TO ${place.login.username}`)
}

/** One subject: its snapshot, its latency on a calm database, and what it has missed while it was stopped. */
export async function measureSubject(
  place: Place,
  connectPid: number,
  subject: Subject,
  size: Size,
  progress: (line: string) => void,
): Promise<Measured> {
  const topics = TABLES.map((table) => subject.topic(table))
  const ends = async () => {
    const found = await place.kafka.written(topics, place.signal)
    return [...found.values()].reduce((sum, end) => sum + Number(end), 0)
  }
  const rows = await countRows(place)
  await subject.start()
  const snapshot = await drain(place, connectPid, ends, 0, rows)
  progress(`${subject.name}: the snapshot is done`)
  await subject.streaming()
  const latencies = await commitToTopic(place, subject, size.commits)
  await until(
    'the single rows are there',
    60,
    place.signal,
    async () => (await ends()) >= rows + size.commits,
  )
  progress(`${subject.name}: ${size.commits} single rows have come`)
  await subject.stop()
  const transactions = String(Math.ceil(size.transactions / CLIENTS))
  await pgbench(place, '-n', '-c', String(CLIENTS), '-j', '2', '-t', transactions)
  const missed = Number(transactions) * CLIENTS * 4
  const before = await ends()
  await subject.resume()
  const stream = await drain(place, connectPid, ends, before, missed)
  progress(`${subject.name}: what it had missed has come`)
  await subject.remove()
  return {
    snapshotRowsPerSecond: snapshot.rowsPerSecond,
    snapshotCpuSecondsPerMillionRows: snapshot.cpuSecondsPerMillionRows,
    streamRowsPerSecond: stream.rowsPerSecond,
    streamCpuSecondsPerMillionRows: stream.cpuSecondsPerMillionRows,
    commitToTopicP50Ms: quantile(latencies, 0.5),
    commitToTopicP99Ms: quantile(latencies, 0.99),
  }
}

/** From the last look before the first of these rows was in the topics to the last row. */
async function drain(
  { signal }: Place,
  connectPid: number,
  ends: () => Promise<number>,
  before: number,
  rows: number,
): Promise<{ readonly rowsPerSecond: number; readonly cpuSecondsPerMillionRows: number }> {
  const empty = { at: performance.now(), cpu: await cpuSeconds(connectPid) }
  await until('the first row is there', 120, signal, async () => {
    const now = { at: performance.now(), cpu: await cpuSeconds(connectPid) }
    if ((await ends()) > before) return true
    Object.assign(empty, now)
    return false
  })
  await until(`all ${rows} rows are there`, 300, signal, async () => (await ends()) >= before + rows)
  return {
    rowsPerSecond: rows / ((performance.now() - empty.at) / 1_000),
    cpuSecondsPerMillionRows: ((await cpuSeconds(connectPid)) - empty.cpu) / (rows / 1e6),
  }
}

/** Commits single rows and gives, for each, the milliseconds from the answer to its COMMIT until a reader has its record. */
async function commitToTopic(place: Place, subject: Subject, count: number): Promise<readonly number[]> {
  const topic = subject.topic('public.commits')
  const reader = createPartitionReader({ bootstrapServers: place.bed.bootstrapServers, clientId: 'bench' })
  const arrived: number[] = []
  const end = (await place.kafka.written([topic], place.signal)).get(topic) ?? 0n
  reader.seek(topic, 0, end)
  const limit = AbortSignal.timeout((count / COMMITS_PER_SECOND) * 1_000 + COMMITS_LATE_MS)
  const signal = AbortSignal.any([place.signal, limit])
  const reading = (async () => {
    while (arrived.length < count) {
      for (const { records } of await reader.poll(signal)) {
        const at = performance.now()
        arrived.push(...records.map(() => at))
      }
    }
  })()
  reading.catch(() => undefined)
  const committed: number[] = []
  for (let n = 0; n < count; n++) {
    await place.sql('INSERT INTO public.commits (at) VALUES (now())')
    committed.push(performance.now())
    await delay(1_000 / COMMITS_PER_SECOND)
  }
  try {
    await reading
  } finally {
    await reader.close()
  }
  // One writer, one partition: records come in the order of their commits.
  return committed.map((at, n) => Math.max(0, (arrived[n] ?? Number.NaN) - at))
}

async function countRows({ sql }: Place): Promise<number> {
  const counts = TABLES.map((table) => `(select count(*) from ${table})`).join(' + ')
  const [row] = await sql(`select ${counts} as rows`)
  return Number(row?.['rows'])
}

async function pgbench({ bed, database, signal }: Place, ...args: readonly string[]): Promise<void> {
  const { host, port } = bed.postgres
  const where = ['-h', host, '-p', String(port), '-U', 'postgres', database]
  await run(['pgbench', ...args, ...where], { withinMs: 300_000, signal })
}

/** Processor time that a process has used, in seconds. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // After the name, which may hold blanks, utime and stime are the 12th and 13th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
