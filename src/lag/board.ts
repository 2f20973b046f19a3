import { addSample, createSeries, isOver, latestOf, publishedOf, type Series, slopeOf } from './series.ts'
import type { FirstStep } from './steps.ts'

/** What is known of a figure against its threshold. Raising takes three samples in a row, clearing two. */
export type Standing = 'Within' | 'Over' | 'NotSampled'

/** The board as the source side of one object sees it. */
export interface History {
  record(figure: string, value: number): void
  latest(figure: string): number | undefined
  standing(figure: string, threshold: number): Standing
  /** How fast a figure changes, a second, over at least `spanMs` of what is remembered; undefined where less is known. */
  perSecond(figure: string, spanMs: number): number | undefined
  /** As {@link Board.stillMs}, of this object. */
  stillMs(what: string, value: bigint): number
  /** What was last retained under a name, however long ago. */
  recall(what: string): string | undefined
  retain(what: string, text: string): void
  /** Forgets a figure, or what was retained: what comes next does not belong to what was. */
  drop(figure: string): void
}

/** Recent samples of figures, by object and figure. Bounded: two minutes of samples each, or twelve samples, forgotten with the object. */
export interface Board {
  record(object: string, figure: string, value: number): void
  /** The latest sample; undefined when there is none from the last minute. */
  latest(object: string, figure: string): number | undefined
  /** What the status should show, given what it shows: the worst of two minutes (and of twelve samples) in steps, moved at most every 30 s. */
  published(object: string, figure: string, shown: number | undefined, first: FirstStep): number | undefined
  /** `unknown` where there has been no sample so far, as after a start. */
  standing(object: string, figure: string, threshold: number, unknown?: Standing): Standing
  /** One object's part of the board. */
  of(object: string): History
  /**
   * Milliseconds since this, of which `value` is the latest look, was last seen to move; 0 on the first look, also the
   * first after a minute without one.
   */
  stillMs(object: string, what: string, value: bigint): number
  forget(object: string): void
  /** The latest sample of everything, as long as it is from the last minute. */
  samples(): Iterable<{ readonly object: string; readonly figure: string; readonly value: number }>
}

/** A look that is older does not tell of the time since. */
const STALE_MS = 60_000

interface Movement {
  value: bigint
  movedAt: number
  lookedAt: number
}

/** An empty board. */
export function createBoard(now: () => number): Board {
  const objects = new Map<string, Map<string, Series>>()
  const movements = new Map<string, Map<string, Movement>>()
  const retained = new Map<string, Map<string, string>>()
  const seriesOf = (object: string, figure: string): Series | undefined => objects.get(object)?.get(figure)

  const board: Board = {
    of: (object) => ({
      record: (figure, value) => board.record(object, figure, value),
      latest: (figure) => board.latest(object, figure),
      standing: (figure, threshold) => board.standing(object, figure, threshold),
      perSecond: (figure, spanMs) => {
        const series = seriesOf(object, figure)
        return series && slopeOf(series, now(), spanMs)
      },
      stillMs: (what, value) => board.stillMs(object, what, value),
      recall: (what) => retained.get(object)?.get(what),
      retain: (what, text) => {
        const texts = retained.get(object) ?? new Map<string, string>()
        retained.set(object, texts.set(what, text))
      },
      drop: (figure) => {
        for (const known of [objects, movements, retained]) known.get(object)?.delete(figure)
      },
    }),
    record: (object, figure, value) => {
      const figures = objects.get(object) ?? new Map<string, Series>()
      objects.set(object, figures)
      const series = figures.get(figure) ?? createSeries()
      figures.set(figure, series)
      addSample(series, now(), value)
    },
    latest: (object, figure) => {
      const series = seriesOf(object, figure)
      return series && latestOf(series, now())
    },
    published: (object, figure, shown, first) => {
      const series = seriesOf(object, figure)
      return series ? publishedOf(series, now(), shown, first) : shown
    },
    standing: (object, figure, threshold, unknown = 'NotSampled') => {
      const series = seriesOf(object, figure)
      if (!series) return unknown
      if (latestOf(series, now()) === undefined) return 'NotSampled'
      return isOver(series, threshold) ? 'Over' : 'Within'
    },
    stillMs: (object, what, value) => {
      const known = movements.get(object) ?? new Map<string, Movement>()
      movements.set(object, known)
      const at = now()
      const movement = known.get(what) ?? { value, movedAt: at, lookedAt: at }
      known.set(what, movement)
      if (movement.value !== value || at - movement.lookedAt >= STALE_MS) movement.movedAt = at
      movement.value = value
      movement.lookedAt = at
      return at - movement.movedAt
    },
    forget: (object) => {
      for (const known of [objects, movements, retained]) known.delete(object)
    },
    samples: function* () {
      for (const [object, figures] of objects) {
        for (const [figure, series] of figures) {
          const value = latestOf(series, now())
          if (value !== undefined) yield { object, figure, value }
        }
      }
    },
  }
  return board
}
