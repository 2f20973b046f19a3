import type { FlowConfig } from '../contracts/processor.ts'
import type { ChangeEvent, Position, Row } from '../contracts/row.ts'
import { later, notAfter, placeOf } from './position.ts'
import { type Arrival, type Effect, NOTHING, type Output, type Semantics } from './semantics.ts'
import type { Program } from './steps.ts'

/** The latest event of a key, and how far each place has been taken into account. */
interface Latest {
  readonly row: Row
  readonly ts: number
  readonly position: Position
  readonly seen: ReadonlyMap<string, Position>
}

/** The state of `reduce: latest` on a Stream, by output key; restored from the output itself. */
export type LatestState = Map<string, Latest>

/**
 * A function of the events: each that passes makes a record. With `reduce: latest` the record of a key only moves to
 * later commit times, so that the result does not depend on the order of reading; a replayed event leaves it and sends
 * it again. A delete's row is what the source knows of the old one.
 */
export function streamSemantics(
  flow: Pick<FlowConfig, 'events' | 'steps'>,
  programs: ReadonlyMap<string, Program>,
  state: LatestState,
): Semantics {
  const reduces = flow.steps.some((step) => 'reduce' in step)
  const taken = new Set<ChangeEvent['op']>(flow.events)

  return {
    apply(arrival) {
      const { change, position } = arrival
      // The delete before it was the event.
      if (change.type === 'Tombstone' || !taken.has(change.event.op)) return NOTHING
      const program = programs.get(position.input)
      if (!program) return NOTHING
      const { event, unavailable } = change
      const keyless = change.type === 'Keyless' && !program.rekeys
      if (keyless && reduces) {
        return {
          ...NOTHING,
          problem: { error: 'NoKey', message: 'the table has no key, and no step gives one' },
        }
      }
      const row = event.row ?? event.before ?? {}
      const result = program.run({ key: event.key, row, unavailable }, event)
      if (result.type === 'Filtered') return NOTHING
      if (result.type === 'Failed') return { ...NOTHING, problem: result }
      if (reduces) return latest(state, result.key, result.row, arrival, event.ts)
      const key = keyless ? undefined : result.key
      return { outputs: [{ key, row: result.row, ts: event.ts, positions: [position] }], state: [] }
    },
  }
}

function latest(state: LatestState, key: string, row: Row, { position }: Arrival, ts: number): Effect {
  const known = state.get(key)
  const place = placeOf(position)
  const seen = known?.seen.get(place)
  if (known && seen && notAfter(position, seen)) return { outputs: [outputOf(key, known)], state: [] }

  const seenNow = new Map(known?.seen).set(place, position)
  const wins = !known || later({ ts, position }, known)
  const entry: Latest = wins ? { row, ts, position, seen: seenNow } : { ...known, seen: seenNow }
  state.set(key, entry)
  return wins ? { outputs: [outputOf(key, entry)], state: [] } : NOTHING
}

/** The winner's position first, then how far the other places were seen. */
function outputOf(key: string, { row, ts, position, seen }: Latest): Output {
  const own = seen.get(placeOf(position))
  const others = [...seen.values()].filter((other) => other !== own)
  const ownLater = own && !notAfter(own, position) ? [own] : []
  return { key, row, ts, positions: [position, ...ownLater, ...others] }
}

/** Puts back what an output record said; see {@link outputOf}. */
export function restoreLatest(
  state: LatestState,
  key: string,
  row: Row | undefined,
  ts: number,
  positions: readonly Position[],
): void {
  const [position] = positions
  if (!row || !position) {
    state.delete(key)
    return
  }
  const seen = new Map<string, Position>()
  for (const each of positions) {
    const before = seen.get(placeOf(each))
    if (!before || notAfter(before, each)) seen.set(placeOf(each), each)
  }
  state.set(key, { row, ts, position, seen })
}
