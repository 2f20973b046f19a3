import { databaseObjectName } from '../../src/api/names.ts'
import type { Recorder } from './recorder.ts'
import type { World } from './world.ts'

/**
 * Compares what is outside, and what Kafka Connect was told, with the Sources that there are: everything that is missing,
 * there without a Source, or made more than once, each as a sentence.
 */
export async function doubled(
  world: World,
  recorder: Recorder,
  sources: readonly string[],
): Promise<readonly string[]> {
  const { namespace, database, connect, kafka, sql } = world
  const limit = AbortSignal.timeout(20_000)
  const connectors = sources.map((name) => `${namespace}.${name}`)
  const names = sources.map((name) => databaseObjectName({ namespace, name }))
  const ofUs = (all: Iterable<string>) => [...all].filter((name) => name.startsWith(`${namespace}.`))
  const column = async (statement: string) => (await sql(statement)).map(({ name }) => String(name))
  const topics = new Set(await kafka.listTopics(limit))
  const made = connectors.map((name) => `POST /connectors ${name}`)
  const calls = recorder.writes.filter((call) => connectors.some((name) => call.includes(name)))
  return [
    ...differences('connector', connectors, ofUs((await connect.connectors(limit)).keys())),
    ...differences(
      'slot',
      names,
      await column(`select slot_name as name from pg_replication_slots where database = '${database}'`),
    ),
    ...differences('publication', names, await column('select pubname as name from pg_publication')),
    ...connectors
      .map((name) => `${name}.public.orders`)
      .filter((topic) => !topics.has(topic))
      .map((topic) => `topic ${topic} is missing`),
    ...differences('call', [...new Set([...made, ...calls])], calls),
  ]
}

function differences(what: string, wanted: readonly string[], found: readonly string[]): readonly string[] {
  const missing = wanted.filter((name) => !found.includes(name))
  const tooMany = found.filter((name, at) => !wanted.includes(name) || found.indexOf(name) !== at)
  return [
    ...missing.map((name) => `${what} ${name} is missing`),
    ...tooMany.map((name) => `${what} ${name} is one too many`),
  ]
}
