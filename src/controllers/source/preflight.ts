import type { ConfigError } from '../../clients/connect.ts'
import { connectorConfig, connectorsPoll, connectVerdict } from '../../external/connector.ts'
import type { Finding } from '../../sources/preflight.ts'
import { workerPoll } from '../backbone.ts'
import { configFinding, validated } from './config.ts'
import type { OpenSource, SourceServices } from './open.ts'
import type { SourceParts } from './parts.ts'
import { pluginFindings } from './plugins.ts'

/** One of the systems that preflight asks. */
export interface Side {
  /** As in "the database could not be asked". */
  readonly what: string
  /** Throws a verdict when it does not answer. */
  look(signal: AbortSignal): Promise<readonly Finding[]>
}

/** Whom preflight asks about a Source: each side alone can be out of reach, as from a laptop. */
export function preflightSides(
  services: SourceServices,
  open: OpenSource,
  parts: SourceParts,
): { readonly database: Side; readonly others: readonly Side[] } {
  return {
    database: { what: 'the database', look: (signal) => open.database.preflight(signal) },
    others: [
      { what: 'Kafka', look: (signal) => topicFindings(open, parts, signal) },
      { what: 'Kafka Connect', look: (signal) => connectFindings(services, open, parts, signal) },
    ],
  }
}

/** What of the topics that exist cannot become as it is wanted, or would be changed under somebody. */
async function topicFindings(
  { source, topicPrefix }: OpenSource,
  { topics }: SourceParts,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const observed = await topics.observe(signal)
  if (!observed) return []
  const changes = topics.diff(observed).filter(({ member = '' }) => observed.has(member))
  return [...Map.groupBy(changes, ({ member = '' }) => member)].flatMap(
    ([topic, own]): readonly Finding[] => {
      const table = topic.slice(topicPrefix.length + 1)
      const refused = own.find((change) => change.refused)?.refused
      if (refused) {
        const [found = '', remedy = ''] = splitSentence(refused.message)
        return [{ check: refused.reason, level: 'Error', table, found, remedy, needsSpec: true }]
      }
      // Once it is ours, a setting that strayed is put back without a word here.
      if (source.status?.identity) return []
      const found = `topic ${topic} exists, and its settings would be changed: ${own.map(({ what }) => what.slice(topic.length + 1)).join(', ')}`
      const remedy =
        'leave it so if it is for this Source; else set another topics.prefix, or topics.unmanagedConfig'
      return [{ check: 'TopicExists', level: 'Warning', table, found, remedy }]
    },
  )
}

/** Sentences of a refusal are "what is so: what to do". */
const splitSentence = (message: string): readonly string[] => {
  const at = message.lastIndexOf(': ')
  return at < 0 ? [message, ''] : [message.slice(0, at), message.slice(at + 2)]
}

async function connectFindings(
  services: SourceServices,
  open: OpenSource,
  parts: SourceParts,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { connect, user } = open
  const { polls } = services
  const verdict = connectVerdict(connect.url)
  const { plugins } = await polls.read(workerPoll(connect.url, connect.client), user, signal).catch(verdict)
  const { plan } = parts
  const wanted = { plugin: plan.settings['connector.class'] ?? '', oldest: plan.oldestPlugin }
  const plugin = pluginFindings(wanted, plugins)
  if (plugin.some(({ level }) => level === 'Error')) return plugin
  const { name } = parts.connectorWish
  const known = await polls
    .read(connectorsPoll(connect.url, connect.client, name), user, signal)
    .catch(verdict)
  // One that runs tells by itself what is wrong with it.
  if (known.has(name)) return plugin
  const config = connectorConfig(parts.connectorWish)
  const errors = await validated(polls, user, connect, config, signal).catch(verdict)
  return [...plugin, ...(await configFindings(open, parts, errors, signal))]
}

async function configFindings(
  { database }: OpenSource,
  { plan }: SourceParts,
  errors: readonly ConfigError[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (errors.length === 0) return []
  const loggedIn = await database.identity(signal).then(
    () => true,
    () => false,
  )
  return [configFinding(plan, errors, loggedIn)]
}
