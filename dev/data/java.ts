import { copyFile, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheFolder, exists } from '../lib/cache.ts'
import { run } from '../lib/command.ts'
import { ensureInstalled } from '../lib/packages.ts'
import type { Run } from '../lib/run.ts'
import type { Properties } from './properties.ts'

const OLDEST_JAVA = 17

/** How a Java server is tuned: to be ready soon and use little, or to move many records. */
export type JavaTuning = 'QuickStart' | 'Throughput'

/** The version of the Java on the PATH, installed if there is none; throws when it is too old for Kafka. */
export async function requireJava(context: Run): Promise<string> {
  const version = () => javaVersion(context.signal)
  const isPresent = async () => (await version()) !== undefined
  await ensureInstalled([{ package: 'default-jre-headless', isPresent }], context)
  const found = (await version()) ?? 'none'
  if (Number.parseInt(found, 10) >= OLDEST_JAVA) return found
  throw new Error(
    `Kafka needs Java ${OLDEST_JAVA} or newer and "java" here is ${found}: put a newer one first on PATH`,
  )
}

async function javaVersion(signal: AbortSignal): Promise<string | undefined> {
  const text = await run(['sh', '-c', 'java -version 2>&1'], { withinMs: 20_000, signal }).catch(() => '')
  return /version "([^"]+)"/.exec(text)?.[1]
}

/** One Java server's archive of loaded classes, which makes later starts three times as fast. */
export interface ClassArchive {
  /** The JVM's flags: use the archive, or record one while it runs. */
  readonly flags: readonly string[]
  /** Whether this run records, so that only an orderly stop completes it. */
  readonly records: boolean
  /** Puts a recorded archive where later runs find it. */
  keep(): Promise<void>
}

/** The archive for a program of a distribution, for the Java version that it would be ignored without. */
export async function classArchive(
  program: string,
  distribution: string,
  java: string,
  dir: string,
): Promise<ClassArchive> {
  const kept = join(cacheFolder(), 'classes', `${program}-${java}-${distribution.split('-').at(-1)}.jsa`)
  if (await exists(kept)) {
    return { flags: [`-XX:SharedArchiveFile=${kept}`], records: false, keep: async () => undefined }
  }
  // Each run records into its own folder and renames: two runs at once cannot spoil each other's archive.
  const recorded = join(dir, `${program}.jsa`)
  const keep = async () => {
    if (!(await exists(recorded)) || (await exists(kept))) return
    const fresh = `${kept}.${process.pid}.tmp`
    await mkdir(dirname(kept), { recursive: true })
    await copyFile(recorded, fresh)
    await rename(fresh, kept)
  }
  return { flags: [`-XX:ArchiveClassesAtExit=${recorded}`], records: true, keep }
}

/** What the Java servers of one stack share, and what is their own. */
export interface JavaProgram {
  /** Folder of the server's files. */
  readonly dir: string
  readonly classPath: string
  readonly archive: ClassArchive
  readonly tuning: JavaTuning
  /** The log4j2 configuration's path. */
  readonly logging: string
  /** Settings that go before our own. */
  readonly extra: Properties
  readonly signal: AbortSignal
}

/** The JVM's flags for a server with so many megabytes of heap. */
export function javaFlags(tuning: JavaTuning, heapMegabytes: number, logging: string): readonly string[] {
  // The first compiler alone halves the CPU time of a start and is slower in the long run.
  const compiler = tuning === 'QuickStart' ? ['-XX:TieredStopAtLevel=1'] : []
  const memory = ['-Xms64m', `-Xmx${heapMegabytes}m`, '-XX:+UseSerialGC']
  return [...memory, ...compiler, '-Xshare:auto', `-Dlog4j2.configurationFile=file:${logging}`]
}

/** The text of a log4j2 configuration that writes to standard output what helps to see why a test failed. */
export const LOGGING = `status=error
appender.console.type=Console
appender.console.name=Console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1} - %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=Console
logger.broker.name=kafka.server
logger.broker.level=info
logger.connect.name=org.apache.kafka.connect.runtime
logger.connect.level=info
logger.debezium.name=io.debezium
logger.debezium.level=info
`
