import { type Source, sourceKind } from '../../api/source/index.ts'
import { check } from '../../external/check.ts'
import { stopConnector } from '../../external/connector-stop.ts'
import { type ExternalResource, type PlannedRemoval, resource } from '../../external/contract.ts'
import type { DriveReport } from '../../external/drive.ts'
import { Waiting } from '../../lib/verdict.ts'
import { type Finding, preflightOf } from '../../sources/preflight.ts'
import type { Controller, Prepared } from '../controller.ts'
import { openKept } from '../kept.ts'
import { userOf } from '../services.ts'
import { byHand } from './by-hand.ts'
import { type Resolved, resolveTables, UNRESOLVED } from './captured.ts'
import { lossOf } from './loss.ts'
import { type OpenSource, openSource, type SourceServices } from './open.ts'
import { type SourceParts, sourceParts } from './parts.ts'
import { preflightSides } from './preflight.ts'
import {
  refuseAnother,
  refuseSharedTopics,
  refuseTaken,
  type Side,
  unlessAnother,
  unlessTaken,
} from './refusals.ts'
import { reportSource } from './report.ts'

/** Sources: topics, what the type of database needs, and the connector. */
export function sourceController(services: SourceServices): Controller<Source> {
  return {
    definition: sourceKind,
    conditions: [
      ...['PreflightPassed', 'TopicsReady', 'PublicationReady', 'SourceRetained'],
      ...['ConnectorRunning', 'TablesCaptured'],
    ],
    references: ({ metadata, spec }) => [
      { kind: 'Backbone', key: `${metadata.namespace}/${spec.backboneRef.name}` },
    ],
    shows: ({ status }) => status?.identity,
    refresh: (key) => {
      services.polls.release(userOf('Source', key))
      services.restarts.hasten(userOf('Source', key))
    },
    look: (key) => services.polls.look(userOf('Source', key)),
    forget: (key) => {
      const user = userOf('Source', key)
      services.board.forget(user)
      services.restarts.forget(user)
      services.polls.release(user)
    },
    keeper: services.keeper,
    byHand: (source, id) => byHand(services, source, id),
    prepare: async (source, signal) => {
      const open = await openKept(services, source, (kept) => openSource(kept, source, signal), signal)
      if (!source.metadata.deletionTimestamp) refuseSharedTopics(services, open)
      return planSource(services, open, await resolveTables(open, signal))
    },
  }
}

function planSource(services: SourceServices, open: OpenSource, resolved: Resolved): Prepared {
  const captured = resolved.type === 'Resolved' ? resolved.captured : UNRESOLVED
  const parts = sourceParts(services, open, captured)
  const { plan, topics, connector } = parts
  const { spec } = open.source
  const preflight = check('preflight', async (signal) => {
    await refuseAnother(services, open, signal)
    await refuseTaken(services, open, signal)
    const found = await lookAhead(preflightSides(services, open, parts), signal)
    // Without its tables the plan ends here, whatever the database says by now.
    if (resolved.type === 'Unresolved') throw resolved.error
    return preflightOf(found, captured.tables.length)
  })
  const ledger: readonly PlannedRemoval[] = [
    { id: topics.id, onRemove: spec.onDelete?.topics === 'Delete' ? 'Delete' : 'Retain' },
    ...plan.ledger,
    { id: connector.id, onRemove: 'Delete' },
  ]
  const on = (side: Side, member: ExternalResource) =>
    unlessAnother(services, open, side, unlessTaken(services, open, member))
  const removable = [
    on('kafkaClusterId', unlessUnresolved(resolved, resource(topics))),
    ...plan.removers.map((member) => on('database', member)),
    on('connectUrl', resource(connector)),
  ]
  return {
    plan: {
      stages: [
        { condition: 'PreflightPassed', members: [resource(preflight)] },
        { condition: 'TopicsReady', members: [resource(topics)] },
        ...plan.stages,
        { condition: 'ConnectorRunning', members: [resource(connector)] },
        ...plan.after,
      ],
      ledger,
    },
    remover: (id) => removable.find((member) => member.id.kind === id.kind && member.id.name === id.name),
    report: async (driven, signal) => {
      await stopOnLoss(services, open, parts, driven, signal)
      const progress = plan.progress(driven.observed)
      const loss = lossOf(open.source, driven, plan.losses)
      return reportSource(services, open, { captured, driven, progress, loss }, signal)
    },
  }
}

/** Which topics there are is known only with the tables. */
function unlessUnresolved(resolved: Resolved, topics: ExternalResource): ExternalResource {
  if (resolved.type === 'Resolved') return topics
  return { ...topics, remove: () => Promise.reject(resolved.error) }
}

/** Rows are gone, and a connector that a worker starts again would go on and skip them. */
async function stopOnLoss(
  services: SourceServices,
  { connect, user }: OpenSource,
  { plan, connectorWish }: SourceParts,
  { stages }: DriveReport,
  signal: AbortSignal,
): Promise<void> {
  const lost = stages.some(
    ({ verdict }) => verdict.type === 'Stalled' && plan.losses.includes(verdict.reason),
  )
  if (lost) await stopConnector({ ...services, ...connect, user }, connectorWish, signal).catch(unlessWaiting)
}

/** Kafka and Connect have conditions of their own, which say it when they do not answer. */
async function lookAhead(
  { database, others }: ReturnType<typeof preflightSides>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const found = await Promise.all([
    database.look(signal),
    ...others.map((side) => side.look(signal).catch((error: unknown) => unlessWaiting(error))),
  ])
  return found.flat()
}

function unlessWaiting(error: unknown): readonly Finding[] {
  if (error instanceof Waiting) return []
  throw error
}
