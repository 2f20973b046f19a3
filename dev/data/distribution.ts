import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../lib/cache.ts'
import { run } from '../lib/command.ts'
import { hashOf } from '../lib/files.ts'
import { commandFrom, ensureInstalled } from '../lib/packages.ts'
import type { Run } from '../lib/run.ts'

const POM = join(import.meta.dirname, 'pom.xml')

/** Kafka, Connect and the connector plugins as files. */
export interface Distribution {
  /** Changes with the versions in it. */
  readonly key: string
  readonly classPath: string
  readonly plugins: string
}

/** The distribution that pom.xml describes, fetched by Maven once per machine (107 MB, about 20 s). */
export async function kafkaDistribution(context: Run): Promise<Distribution> {
  const key = `kafka-${await hashOf([POM])}`
  const folder = await cached({ key, what: 'Kafka, Connect and Debezium', make: fetchDistribution }, context)
  return { key, classPath: join(folder, 'lib', '*'), plugins: join(folder, 'plugins') }
}

async function fetchDistribution(folder: string, context: Run): Promise<void> {
  await ensureInstalled([commandFrom('mvn', 'maven')], context)
  const { signal } = context
  await copyFile(POM, join(folder, 'pom.xml'))
  await run(['mvn', '-B', '-q', 'package'], { cwd: folder, withinMs: 900_000, signal })
  const archives = join(folder, 'archives')
  const plugins = join(folder, 'plugins')
  await mkdir(plugins)
  for (const archive of await readdir(archives)) {
    await run(['tar', 'xzf', join(archives, archive), '-C', plugins], { withinMs: 60_000, signal })
  }
  await rm(archives, { recursive: true })
}
