import { hash } from 'node:crypto'
import type { SourceStatus } from '../../api/source/index.ts'
import { isPattern, patternOf } from '../../api/source/tables.ts'
import type { Health } from '../../external/contract.ts'
import { stringifyJson } from '../../lib/json.ts'
import type { Relation } from '../copies/relation.ts'
import type { SourceContext, SourceSample } from '../type.ts'
import type { ColumnFacts, ServerFacts } from './facts.ts'
import type { ColumnView, DatabaseView, SlotView, TableView } from './queries.ts'
import {
  type Asked,
  type CatalogueEntry,
  catalogueQuestion,
  databasePoll,
  matchingPoll,
  serverPoll,
} from './questions.ts'
import { throughPublication } from './relations.ts'
import { isRemade } from './remade.ts'
import { figuresOf, sampleOf } from './sample.ts'
import { heartbeatTopic, silenceLimit } from './settings.ts'
import { mayBeBeyond, type SlotContext, slotState } from './slot.ts'
import { beforeFirstRun, isFirstRun } from './stale.ts'
import { watchSlot } from './watch.ts'

/** What the catalogue says of a Source's tables. */
export interface Catalogue {
  readonly tables: readonly TableView[]
  readonly columns: readonly ColumnView[]
  readonly facts: readonly ColumnFacts[]
  readonly relations: ReadonlyMap<string, Relation>
}

/** One Source's looks at its database; all of them share what others on the database ask too. */
export interface Look {
  readonly view: (signal: AbortSignal, after?: number) => Promise<DatabaseView>
  readonly catalogue: (signal: AbortSignal) => Promise<Catalogue>
  readonly server: (signal: AbortSignal) => Promise<ServerFacts>
  readonly slot: SlotContext
  readonly sample: (signal: AbortSignal, after?: number) => Promise<SourceSample>
}

/** What of the database is looked at for one Source. */
interface LookedAt {
  /** Whose log it is; who asks for its end does not matter. */
  readonly server: string
  readonly slotName: string
  readonly publicationName: string
  readonly role: string
  /** A loss that the status tells of. */
  readonly loss: Health | undefined
}

/** The looks of a Source; errors are thrown as `verdict` says. */
export function lookAt(
  context: SourceContext,
  asked: Asked,
  { server, slotName, publicationName, role, loss }: LookedAt,
  verdict: (error: unknown) => never,
): Look {
  const { source, polls, user, now, offsetFlushMs } = context
  const { spec } = source
  const trail = context.trail(server)
  const reachedAt = (position: bigint) => trail.reachedAt(position)
  /** By the status as it is now: figures are followed as soon as it says so, not only after another look. */
  const copied = () => context.shown()?.snapshot?.state === 'Completed'
  /** Whether its first position of the stream may not have been stored yet. */
  const isYoung = (): boolean => {
    const since = copiedAt(context.shown())
    return since !== undefined && now() - since < 2 * offsetFlushMs + FIRST_POSITION_MS
  }
  const tellsEnough = ({ active, walStatus, confirmed }: SlotView) =>
    copied() &&
    !isYoung() &&
    active &&
    walStatus !== 'lost' &&
    confirmed !== undefined &&
    reachedAt(confirmed) !== undefined
  const remade = (slot: SlotView) => copied() && isRemade(context.history, source.metadata.uid, slot)
  /** What the status says of the slot: between reconciles, the slot alone tells. */
  const watch = (view: DatabaseView) =>
    watchSlot({
      ...{ spec, shown: context.shown(), slotName, role },
      ...{ database: view, history: context.history, offsetFlushMs, now: now() },
    })
  const seen = (view: DatabaseView): string => {
    const slot = view.slots.get(slotName)
    const life = slot && `${remade(slot)} ${isYoung() && mayBeBeyond(context.history, slot)}`
    const face = `${view.systemIdentifier} ${watch(view).face} ${life ?? view.longWriters[0]?.pid}`
    // Also of one that nobody reads: left alone, it fills the database's disk.
    if (!slot || !copied()) return face
    const state = { slot, offsets: 'NotAsked' } as const
    const figures = figuresOf({
      ...{ spec, shown: context.shown(), database: view, state, offsetFlushMs, reachedAt, now: now() },
    })
    return `${face} ${context.note(figures)}`
  }
  /** What is named and what patterns match now. */
  const namesOf = async (signal: AbortSignal): Promise<readonly string[]> => {
    const [patterns, named] = [true, false].map((is) =>
      spec.tables.map(({ name }) => name).filter((name) => isPattern(name) === is),
    )
    if (!patterns || patterns.length === 0) return named ?? []
    const poll = matchingPoll(asked, patterns.map(patternOf))
    return [...new Set([...(named ?? []), ...(await polls.read(poll, user, signal).catch(verdict))])]
  }
  const view: Look['view'] = (signal, after) =>
    polls.read(databasePoll(asked, trail, seen), user, signal, after).catch(verdict)
  const slot: SlotContext = {
    ...{ client: asked.client, database: view, offsets: context.offsets, verdict, now, tellsEnough, remade },
    ...{ history: context.history, seen: loss },
    judge: (found) => (isFirstRun(source) ? beforeFirstRun(source, slotName, found) : found),
  }
  return {
    view,
    slot,
    catalogue: async (signal) => {
      const names = await namesOf(signal)
      const interest = { names, fingerprint: entriesSeen }
      const found = await polls.readEach(catalogueQuestion(asked), interest, user, signal).catch(verdict)
      const entries = [...found.values()]
      const relations = [...found].flatMap(([name, { relation }]) =>
        relation ? [[name, throughPublication(relation, publicationName)] as const] : [],
      )
      return {
        tables: entries.flatMap(({ table }) => table ?? []),
        columns: entries.flatMap(({ columns }) => columns),
        facts: entries.flatMap(({ facts }) => facts ?? []),
        relations: new Map(relations),
      }
    },
    server: (signal) => {
      // The first part of the mark on what is ours.
      const installation = context.owner.split('/')[0] ?? ''
      return polls.read(serverPoll(asked, installation), user, signal).catch(verdict)
    },
    sample: async (signal, after) => {
      const state = await slotState(slot, slotName, signal, after)
      const silence =
        state.slot?.active && copied()
          ? await context.silenceOf(heartbeatTopic(context.topicPrefix), silenceLimit(spec), signal)
          : undefined
      const database = await view(signal)
      return sampleOf({
        ...{ spec, shown: context.shown(), watch: watch(database), database, state },
        ...{ offsetFlushMs, reachedAt, silence, now: now() },
      })
    },
  }
}

/** Besides what Connect needs to store it: for a first heartbeat, and looks at a machine that is busy. */
const FIRST_POSITION_MS = 60_000

/** When the rows that were there had come, milliseconds since 1970. */
function copiedAt(status: SourceStatus | undefined): number | undefined {
  const found = status?.conditions?.find(({ type }) => type === 'SnapshotComplete')
  return found?.status === 'True' ? Date.parse(found.lastTransitionTime) : undefined
}

const entriesSeen = (found: ReadonlyMap<string, CatalogueEntry>): string =>
  hash('sha256', stringifyJson([...found]))
