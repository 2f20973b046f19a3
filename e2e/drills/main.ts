/**
 * Drills on real servers: every failure is caused, read from the status, and repaired as its message says.
 * `node e2e/drills/main.ts [number …]`, by default all of them (15 minutes at most).
 */
import { terminalProgress } from '../../dev/lib/run.ts'
import { type BedAddresses, startTestBed } from '../../dev/testing.ts'
import { installKinds } from '../../test/bed.ts'
import { type OperatorProcess, startOperator } from '../../test/operator/process.ts'
import { createWorldOn } from '../../test/operator/world.ts'
import type { Drill, OwnDrill } from './drill.ts'
import { DRILLS, NOT_HERE } from './index.ts'
import { begin, type Result, runDrill } from './run.ts'
import { type Row, tableOf } from './table.ts'

const RUN_LIMIT_MS = 15 * 60_000
const AT_ONCE = 3

const numbers = process.argv.slice(2).map(Number)
const isWanted = ({ number }: { readonly number: number }) => numbers.length === 0 || numbers.includes(number)
const progress = terminalProgress()
const signal = AbortSignal.timeout(RUN_LIMIT_MS)

async function rowOf(drill: Drill | OwnDrill, bed: BedAddresses, operator: OperatorProcess): Promise<Row> {
  const { number, failure } = drill
  if (signal.aborted) return { type: 'Failed', number, failure, why: 'the run took too long' }
  try {
    const begun = await begin(drill, bed)
    try {
      const result = await inWorld(begun, operator)
      progress(`${number} ${failure}: healed`)
      return { type: 'Healed', number, failure, ...result }
    } finally {
      await begun.close()
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    progress(`${number} ${failure}: ${why}`)
    return { type: 'Failed', number, failure, why }
  }
}

async function inWorld(
  { drill, bed }: Awaited<ReturnType<typeof begin>>,
  operator: OperatorProcess,
): Promise<Result> {
  const { number } = drill
  // The operator is everybody's, and ends with the run.
  const world = await createWorldOn(bed, `drill${number}`, async () => ({
    ...operator,
    stop: async () => {},
  }))
  try {
    return await runDrill(drill, world)
  } finally {
    await world.close().catch((error: unknown) => progress(`${number} left something behind: ${error}`))
  }
}

/** Those that harm only themselves first, a few at a time; the others one after the other. */
async function runAll(
  drills: readonly (Drill | OwnDrill)[],
  bed: BedAddresses,
  operator: OperatorProcess,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  const work = async (queue: (Drill | OwnDrill)[]) => {
    for (let next = queue.shift(); next; next = queue.shift()) rows.push(await rowOf(next, bed, operator))
  }
  const together = drills.filter(({ beside }) => beside === 'Others')
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(together)))
  await work(drills.filter(({ beside }) => beside === 'Nobody'))
  return rows
}

const drills = DRILLS.filter(isWanted)
const bed = await startTestBed({ progress, signal })
try {
  await installKinds(bed.addresses)
  const operator = await startOperator(bed.addresses.kubeconfig)
  try {
    const rows = await runAll(drills, bed.addresses, operator)
    const absent = NOT_HERE.filter(isWanted).map((one) => ({ type: 'NotHere', ...one }) as const)
    process.stdout.write(tableOf([...rows, ...absent]))
    if (rows.some(({ type }) => type === 'Failed') || rows.length + absent.length === 0) process.exitCode = 1
  } finally {
    await operator.stop()
  }
} finally {
  await bed.discard()
}
