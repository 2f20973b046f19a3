import type { Backbone } from '../api/backbone.ts'
import type { Source } from '../api/source/index.ts'
import { connectorConfig } from '../external/connector.ts'
import type { ExternalResource } from '../external/contract.ts'
import { messageOf } from '../lib/verdict.ts'
import { type LookOptions, lookAtSources, type Opened } from './laptop.ts'
import { document } from './output.ts'

/** What would be made of one Source; secrets are references. */
interface Rendered {
  readonly source: string
  readonly topics: readonly {
    readonly name: string
    readonly partitions: number
    readonly replicationFactor?: number
    readonly config: Readonly<Record<string, string>>
  }[]
  readonly sql: readonly string[]
  readonly connector: { readonly name: string; readonly config: Readonly<Record<string, string>> }
  /** With `diff`: what is not so yet, by the system that was asked; or why it could not be. */
  readonly difference?: Readonly<Record<string, readonly string[] | string>>
}

/**
 * Prints what would be made of the Sources of files: topics, SQL and connectors; with `diff` also what of it is not so
 * yet. Writes nothing anywhere. The exit code: 0, or 2 when a system that `diff` needs could not be asked.
 */
export async function runRender(
  options: LookOptions & { readonly output: 'json' | 'yaml'; readonly diff: boolean },
  print: (text: string) => void,
  signal: AbortSignal,
): Promise<0 | 2> {
  const rendered = await lookAtSources(
    options,
    (source, opened) => Promise.resolve(render(source, opened)),
    signal,
    withReferences,
  )
  // What is compared has the values that are really put, and only the names of what differs are shown.
  const differences = options.diff
    ? await lookAtSources(options, (_source, opened) => differenceOf(opened, signal), signal)
    : []
  const all = rendered.map((one, index) => ({
    ...one,
    ...(differences[index] ? { difference: differences[index] } : {}),
  }))
  print(all.map((one) => document(one, options.output)).join(options.output === 'yaml' ? '---\n' : ''))
  const failed = differences.some((one) => Object.values(one).some((found) => typeof found === 'string'))
  return failed ? 2 : 0
}

/** A connector that has its secrets inline is shown with their names. */
function withReferences(backbone: Backbone): Backbone {
  const { connect } = backbone.spec
  if (connect?.external?.secrets.type !== 'Inline') return backbone
  const secrets = { type: 'Template', template: '<{key} of Secret {namespace}/{name}>' } as const
  return {
    ...backbone,
    spec: { ...backbone.spec, connect: { ...connect, external: { ...connect.external, secrets } } },
  }
}

function render({ metadata }: Source, { parts }: Opened): Rendered {
  const { name } = parts.connectorWish
  return {
    source: `${metadata.namespace}/${metadata.name}`,
    topics: parts.topicWishes.map(({ name: topic, partitions, replicationFactor, config }) => ({
      name: topic,
      partitions,
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
      config: sorted(config),
    })),
    sql: parts.plan.statements,
    connector: { name, config: sorted(connectorConfig(parts.connectorWish)) },
  }
}

async function differenceOf(
  { parts }: Opened,
  signal: AbortSignal,
): Promise<NonNullable<Rendered['difference']>> {
  const members: readonly ExternalResource[] = [
    parts.topics as ExternalResource,
    ...parts.plan.stages.flatMap((stage) => stage.members),
    parts.connector as ExternalResource,
  ]
  const found = await Promise.all(
    members.map(
      async (member) => [`${member.id.kind} ${member.id.name}`, await changesOf(member, signal)] as const,
    ),
  )
  return Object.fromEntries(found)
}

async function changesOf(member: ExternalResource, signal: AbortSignal): Promise<readonly string[] | string> {
  try {
    const observed = await member.observe(signal)
    if (observed === undefined) return ['would be created']
    return member
      .diff(observed)
      .map(({ what, refused }) => (refused ? `${what} (refused: ${refused.message})` : what))
  } catch (error) {
    signal.throwIfAborted()
    return `could not be asked: ${messageOf(error)}`
  }
}

const sorted = (config: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(config).toSorted(([a], [b]) => (a < b ? -1 : 1)))
