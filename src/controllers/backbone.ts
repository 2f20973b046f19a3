import { type Backbone, type BackboneStatus, backboneKind } from '../api/backbone.ts'
import type { ConnectClient } from '../clients/connect.ts'
import type { KafkaAdmin } from '../clients/kafka/types.ts'
import { check } from '../external/check.ts'
import { connectVerdict } from '../external/connector.ts'
import { resource } from '../external/contract.ts'
import type { Poll } from '../external/polls.ts'
import { kafkaVerdict } from '../external/topics.ts'
import { type Controller, RESYNC_EVERY_MS } from './controller.ts'
import { keyOf, openConnect, openKafka, type Services, secretsCondition, userOf } from './services.ts'

const EVERY_MS = 5_000

/** A Kafka cluster's identity and size: one question for all objects on it. */
export const clusterPoll = (
  address: string,
  admin: KafkaAdmin,
): Poll<{ readonly clusterId: string; readonly brokers: number }> => ({
  key: `kafka ${address}`,
  everyMs: EVERY_MS,
  ask: (signal) => admin.cluster(signal),
  fingerprint: ({ clusterId, brokers }) => `${clusterId} ${brokers}`,
})

/** A Connect cluster's version, and its plugins with theirs. */
interface Worker {
  readonly version: string
  readonly plugins: readonly string[]
}

/** What a Connect cluster runs. */
export const workerPoll = (url: string, client: ConnectClient): Poll<Worker> => ({
  key: `connect ${url}`,
  everyMs: EVERY_MS,
  ask: async (signal) => ({
    version: (await client.version(signal)).version,
    plugins: (await client.plugins(signal)).map((plugin) => `${plugin.class} ${plugin.version}`).sort(),
  }),
  fingerprint: ({ version, plugins }) => [version, ...plugins].join(' '),
})

/** Backbones: whether their Kafka and Connect can be reached. Nothing is made; one that is in use stays. */
export function backboneController(
  services: Services,
  users: (key: string) => readonly string[],
): Controller<Backbone> {
  return {
    definition: backboneKind,
    conditions: ['KafkaReachable', 'ConnectReachable'],
    references: () => [],
    refresh: (key) => services.polls.release(userOf('Backbone', key)),
    look: (key) => services.polls.look(userOf('Backbone', key)),
    forget: (key) => services.polls.release(userOf('Backbone', key)),
    heldBy: (backbone) => {
      const using = users(keyOf(backbone))
      return using.length > 0
        ? `${using.slice(0, 5).join(', ')} still stands on it: delete that first`
        : undefined
    },
    prepare: async (backbone, signal) => {
      const user = userOf('Backbone', keyOf(backbone))
      const kafka = await openKafka(services, backbone, user, signal)
      const connect = backbone.spec.connect ? openConnect(services, backbone) : undefined
      const { polls } = services
      const cluster = (asked: AbortSignal) =>
        polls.read(clusterPoll(kafka.address, kafka.admin), user, asked).catch(kafkaVerdict)
      const worker =
        connect &&
        ((asked: AbortSignal) =>
          polls.read(workerPoll(connect.url, connect.client), user, asked).catch(connectVerdict(connect.url)))
      const kafkaCheck = check('kafka', async (asked) => {
        const { brokers } = await cluster(asked)
        return { type: 'Ready', reason: 'Reachable', message: `${brokers} brokers` }
      })
      const connectCheck = check('connect', async (asked) => {
        if (!worker) return { type: 'Ready', reason: 'NotUsed', message: 'no Kafka Connect is named' }
        return {
          type: 'Ready',
          reason: 'Reachable',
          message: `Kafka Connect ${(await worker(asked)).version}`,
        }
      })
      return {
        plan: {
          stages: [
            { condition: 'KafkaReachable', members: [resource(kafkaCheck)] },
            { condition: 'ConnectReachable', members: [resource(connectCheck)] },
          ],
          ledger: [],
        },
        remover: () => undefined,
        report: async (driven, asked) => {
          const ready = (condition: string) =>
            driven.stages.some((stage) => stage.condition === condition && stage.verdict.type === 'Ready')
          const found = ready('ConnectReachable') ? await worker?.(asked) : undefined
          return {
            status: {
              ...(ready('KafkaReachable') ? { kafka: await cluster(asked) } : {}),
              ...(found ? { connect: connectStatus(found) } : {}),
            },
            conditions: secretsCondition(backbone),
            ready: { reason: 'Reachable', message: 'Kafka and Kafka Connect answer' },
            afterMs: ready('KafkaReachable') && ready('ConnectReachable') ? RESYNC_EVERY_MS : EVERY_MS,
          }
        },
      }
    },
  }
}

/** The server does not keep an empty list that is applied. */
function connectStatus({ version, plugins }: Worker): BackboneStatus['connect'] {
  return { version, ...(plugins.length > 0 ? { plugins: plugins.slice(0, 20) } : {}) }
}
