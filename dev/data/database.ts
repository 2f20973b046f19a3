import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { exists } from '../lib/cache.ts'
import { run, succeeds } from '../lib/command.ts'
import { ensureInstalled } from '../lib/packages.ts'
import type { Run } from '../lib/run.ts'
import { createServer, type Server } from '../lib/server.ts'

const DEBIAN_BINARIES = '/usr/lib/postgresql'

/** A PostgreSQL server and the folder that its data is in. */
export interface Database {
  readonly server: Server
  readonly data: string
}

/** Where a PostgreSQL server listens and has its files. */
export interface DatabasePlace {
  readonly dir: string
  readonly listenHost: string
  readonly port: number
  /** The port of the running server that it follows until it is promoted; its data is a copy of that one's. */
  readonly primaryPort?: number
}

/** A PostgreSQL server with logical decoding, its data folder made; not started yet. */
export async function createDatabase(where: DatabasePlace, context: Run): Promise<Database> {
  const bin = await postgresBinaries(context)
  const user = await accountFor(context.signal)
  const home = await databaseHome(where.dir, user)
  const data = join(home, 'data')
  if (!(await exists(join(data, 'PG_VERSION'))))
    await (where.primaryPort === undefined ? initialise : copyOf(where.primaryPort))(
      { bin, home, data, user },
      context.signal,
    )
  await writeFile(join(data, 'penstock.conf'), settings(where.listenHost, where.port))
  const server = createServer({
    name: 'database',
    command: [join(bin, 'postgres'), '-D', data],
    cwd: home,
    env: { HOME: home },
    user: user?.name,
    log: join(where.dir, 'database.log'),
    ready: {
      withinMs: 60_000,
      probe: (_log, signal) =>
        succeeds([join(bin, 'pg_isready'), '-q', '-h', '127.0.0.1', '-p', String(where.port)], signal),
    },
    // SIGINT: do not wait for clients to leave.
    stop: { signal: 'SIGINT', withinMs: 20_000 },
    // A killed server leaves it, and its number may be another process's by now. The folder is ours alone.
    prepare: () => rm(join(data, 'postmaster.pid'), { force: true }),
  })
  return { server, data: home }
}

async function postgresBinaries(context: Run): Promise<string> {
  await ensureInstalled(
    [{ package: 'postgresql', isPresent: async () => (await findBinaries()) !== undefined }],
    context,
  )
  const found = await findBinaries()
  if (found === undefined) throw new Error(`the package postgresql left no server below ${DEBIAN_BINARIES}`)
  return found
}

async function findBinaries(): Promise<string | undefined> {
  const versions = (await readdir(DEBIAN_BINARIES).catch(() => [])).sort((a, b) => Number(b) - Number(a))
  const folders = versions.map((version) => join(DEBIAN_BINARIES, version, 'bin'))
  const present = await Promise.all(folders.map((folder) => exists(join(folder, 'initdb'))))
  return folders.find((_, index) => present[index])
}

interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

// PostgreSQL refuses to run as root.
async function accountFor(signal: AbortSignal): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const name = 'postgres'
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (what) => Number(await run(['id', what, name], { withinMs: 10_000, signal }))),
  )
  if (uid === undefined || gid === undefined) throw new Error(`there is no system user ${name}`)
  return { name, uid, gid }
}

// The postgres user cannot reach a folder below root's home, so such a folder's data goes elsewhere.
async function databaseHome(dir: string, user: Account | undefined): Promise<string> {
  const reachable = user === undefined || (await isReachable(dir))
  const elsewhere = `penstock-postgres-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`
  const home = reachable ? join(dir, 'postgres') : join(tmpdir(), elsewhere)
  await mkdir(home, { recursive: true })
  if (user) await chown(home, user.uid, user.gid)
  return home
}

async function isReachable(dir: string): Promise<boolean> {
  if (((await stat(dir)).mode & 0o001) === 0) return false
  return dir === dirname(dir) || isReachable(dirname(dir))
}

interface DataFolder {
  readonly bin: string
  readonly home: string
  readonly data: string
  readonly user: Account | undefined
}

async function initialise(folder: DataFolder, signal: AbortSignal): Promise<void> {
  const { data } = folder
  await fill(
    folder,
    ['initdb', '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    signal,
  )
  const hba = join(data, 'pg_hba.conf')
  // A password for everyone but the superuser, so that a wrong one can be tested.
  await writeFile(hba, 'host all,replication postgres 127.0.0.1/32 trust\nhost all all all scram-sha-256\n')
  const own = join(data, 'penstock.conf')
  await writeFile(own, '')
  await chmod(own, 0o644)
  await writeFile(join(data, 'postgresql.conf'), "include 'penstock.conf'\n", { flag: 'a' })
}

const copyOf = (port: number) => (folder: DataFolder, signal: AbortSignal) =>
  fill(
    folder,
    ['pg_basebackup', '-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', '-R', '-c', 'fast', '--no-sync'],
    signal,
  )

/** Runs a program of PostgreSQL that makes a data folder, as the user to whom it will belong. */
async function fill(
  { bin, home, data, user }: DataFolder,
  [program = '', ...flags]: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await rm(data, { recursive: true, force: true })
  const as = user ? ['setpriv', `--reuid=${user.name}`, `--regid=${user.name}`, '--init-groups'] : []
  const [file = '', ...args] = [...as, join(bin, program), '-D', data, ...flags]
  await run([file, ...args], { cwd: home, env: { HOME: home }, withinMs: 60_000, signal })
}

function settings(listenHost: string, port: number): string {
  return `listen_addresses='${listenHost}'
port=${port}
unix_socket_directories=''
wal_level=logical
max_connections=200
max_wal_senders=64
max_replication_slots=64
shared_buffers=64MB
max_wal_size=512MB
# Nothing here must survive the machine, only the process.
fsync=off
full_page_writes=off
`
}
