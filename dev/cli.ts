import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { type BedAddresses, SERVER_NAMES } from './bed.ts'
import { bundle } from './bundle.ts'
import { runInCluster, runInSandbox } from './cluster-commands.ts'
import { describeServer, remoteServer } from './control.ts'
import { kafkaDistribution } from './data/distribution.ts'
import { productImage } from './image.ts'
import { corednsBinary, hyperkubeFolder, pauseImage } from './kubernetes/binaries.ts'
import type { CommandLine } from './kubernetes/cluster.ts'
import { helmFolder } from './kubernetes/helm.ts'
import { kind } from './kubernetes/kind.ts'
import { sandbox } from './kubernetes/sandbox/provider.ts'
import { cacheFolder } from './lib/cache.ts'
import { type Run, terminalProgress } from './lib/run.ts'
import { bringDown, bringUp, readStanding } from './standing.ts'

interface Options {
  readonly dir: string
}

interface SandboxOptions extends Options {
  readonly image?: readonly string[]
  readonly buildImage?: boolean
  readonly provider: string
}

function variablesOf(addresses: BedAddresses): string {
  const values = {
    KUBECONFIG: addresses.kubeconfig,
    PENSTOCK_KAFKA: addresses.bootstrapServers.join(','),
    PENSTOCK_CONNECT: addresses.connectUrl,
    PENSTOCK_SECRETS: addresses.secretsDir,
    PENSTOCK_POSTGRES: addresses.postgres.superuserUrl,
    PENSTOCK_KUBECTL: addresses.kubectl,
  }
  return Object.entries(values)
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join('')
}

async function requireStanding(dir: string) {
  const standing = await readStanding(resolve(dir))
  if (!standing) throw new Error(`no stack is up in ${resolve(dir)}: start it with "node dev/cli.ts up"`)
  return standing
}

async function up({ dir }: Options, signal: AbortSignal): Promise<void> {
  const { addresses } = await bringUp(resolve(dir), { progress: terminalProgress(), signal })
  process.stdout.write(variablesOf(addresses))
}

async function down({ dir }: Options): Promise<void> {
  const was = await bringDown(resolve(dir))
  process.stdout.write(was ? 'stopped; the data is kept\n' : 'no stack was up\n')
}

async function status({ dir }: Options, signal: AbortSignal): Promise<void> {
  const { keeper, addresses } = await requireStanding(dir)
  const servers = await Promise.all(
    SERVER_NAMES.map((name) => describeServer(addresses.controlSocket, name, signal)),
  )
  const lines = servers.map(
    ({ name, pid, log }) => `${name.padEnd(18)} ${String(pid ?? 'stopped').padEnd(8)} ${log}\n`,
  )
  process.stdout.write(`${'keeper'.padEnd(18)} ${keeper.pid}\n${lines.join('')}`)
}

async function drive(name: string, action: string, { dir }: Options, signal: AbortSignal): Promise<void> {
  const { addresses } = await requireStanding(dir)
  const server = SERVER_NAMES.find((known) => known === name)
  if (!server) throw new Error(`no server "${name}": it is one of ${SERVER_NAMES.join(', ')}`)
  const remote = remoteServer(addresses.controlSocket, server)
  if (action === 'start') return remote.start(signal)
  if (action === 'stop' || action === 'kill' || action === 'pause' || action === 'resume')
    return remote[action]()
  throw new Error(`cannot ${action} a server: only start, stop, kill, pause or resume it`)
}

function createProgram(signal: AbortSignal): Command {
  const program = new Command('dev').enablePositionalOptions().description('The local stack of Penstock')
  const standing = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('--dir <folder>', 'folder of its data and logs', join(cacheFolder(), 'standing'))
  standing('up', 'start PostgreSQL, Kafka, Connect and a Kubernetes API that stay').action(
    (options: Options) => up(options, signal),
  )
  standing('down', 'stop them and keep their data').action(down)
  standing('status', 'say which servers run').action((options: Options) => status(options, signal))
  standing('env', 'print their addresses for a shell').action(async ({ dir }: Options) => {
    process.stdout.write(variablesOf((await requireStanding(dir)).addresses))
  })
  standing('server <name> <action>', `${SERVER_NAMES.join(', ')}: start, stop, kill, pause, resume`).action(
    (name: string, action: string, options: Options) => drive(name, action, options, signal),
  )
  addClusterCommands(program, signal)
  program
    .command('image')
    .description('build the image and print its name and the path of its archive')
    .action(async () => {
      const { name, archive } = await productImage({ progress: terminalProgress(), signal })
      process.stdout.write(`${name} ${archive}\n`)
    })
  program
    .command('bundle <folder>')
    .description('bundle the program into a folder: the context of the Dockerfile')
    .action((folder: string) => bundle(resolve(folder), signal))
  program
    .command('prepare')
    .description('make all that is made once per machine: Kubernetes, Kafka, the base image')
    .action(() => prepare({ progress: terminalProgress(), signal }))
  return program
}

async function prepare(context: Run): Promise<void> {
  await kafkaDistribution(context)
  await hyperkubeFolder(context)
  await corednsBinary(context)
  await pauseImage(context)
  await helmFolder(context)
}

function addClusterCommands(program: Command, signal: AbortSignal): void {
  const dir = ['--dir <folder>', 'folder of its data and logs', join(cacheFolder(), 'sandbox')] as const
  program
    .command('sandbox <command...>')
    .description('make a cluster with a node, run the command in it, and delete it')
    .option(...dir)
    .option('--image <archive...>', 'image archives to load')
    .option('--build-image', 'build our image and load it too; PENSTOCK_IMAGE tells its name')
    .option('--provider <name>', 'sandbox or kind', 'sandbox')
    .passThroughOptions()
    .action(async (command: CommandLine, options: SandboxOptions) => {
      const provider = [sandbox, kind].find(({ name }) => name === options.provider)
      if (!provider) throw new Error(`no provider "${options.provider}": it is sandbox or kind`)
      const context = { progress: terminalProgress(), signal }
      const product = options.buildImage ? await productImage(context) : undefined
      const place = { dir: resolve(options.dir), images: options.image ?? [], product }
      process.exitCode = await runInCluster(provider, command, { ...context, ...place })
    })
  program
    .command('enter <command...>')
    .description('run a command in the cluster that "sandbox" made')
    .option(...dir)
    .passThroughOptions()
    .action(async (command: CommandLine, options: Options) => {
      process.exitCode = await runInSandbox(resolve(options.dir), command)
    })
}

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')))
try {
  await createProgram(interrupted.signal).parseAsync()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
