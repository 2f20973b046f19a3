import { MAX_ROWS, type Selector, type WireValue } from '@penstock/protocol'

import { hashOf } from '../../lib/json.ts'
import type { Cohort } from '../hub/cohorts.ts'
import { type Matcher, matcherHash, matcherOf, matches } from '../hub/selector.ts'
import { endsFor, judgeFor, type ServedView } from '../hub/served.ts'
import { decodeToken, encodeToken } from '../hub/token.ts'
import { type Entry, goneWire, jsonOf } from '../view/entry.ts'
import type { Content } from '../view/view.ts'
import { type Answer, errorAnswer, later } from './answer.ts'

/** The rows of a view as they are served by REST. */
type Latest = Extract<Content, { readonly mode: 'Latest' }>

/** Stands where a token has hashes of who and what, in positions that belong to nobody. */
const NOBODY = '0'.repeat(16)

/** Bytes of rows in one page. */
const PAGE_BYTES = 1024 * 1024

/** Rows of one page when the request names no limit. */
const PAGE_ROWS = 100

/** How far this pod has read: `Penstock-Position`, which comes back as `Penstock-Min`. */
export function positionOf(content: Latest): string {
  const offsets = content.progress.map(({ position }) => position)
  return encodeToken({ epoch: content.epoch, cohort: NOBODY, selector: NOBODY, offsets })
}

/** Why a request with `Penstock-Min` cannot be answered now; undefined when this pod is at least there. */
export function belowMinimum(min: string | undefined, content: Latest): Answer | undefined {
  if (min === undefined) return undefined
  const token = decodeToken(min)
  if (token?.epoch !== content.epoch) {
    return errorAnswer(412, 'gone', 'the view was built anew since then: ask without Penstock-Min')
  }
  const behind = token.offsets.some(
    (offset, partition) => offset > (content.progress[partition]?.position ?? 0),
  )
  return behind ? later('this gateway has not read as far as Penstock-Min says') : undefined
}

/** One row. A row that is not there and one that this client may not see are the same answer. */
export function rowAnswer(content: Latest, key: string, cohort: Cohort, etag: string | undefined): Answer {
  const partitions = [...content.progress.keys()]
  const entries = partitions.map((partition) => content.table.entry(partition, key))
  const entry = entries.find((each) => each?.row !== undefined && cohort.sees(each.row))
  if (!entry) {
    const loading = content.progress.some(({ ready }) => !ready)
    return loading
      ? later('the view is being read')
      : errorAnswer(404, 'not-found', `there is no row "${key}"`)
  }
  const headers = {
    etag: `"${content.epoch}-${entry.partition}-${entry.offset}"`,
    'penstock-position': positionOf(content),
    'penstock-commit-time': String(entry.ts),
  }
  return etag === headers.etag ? { status: 304, headers } : { status: 200, headers, body: jsonOf(entry) }
}

/**
 * A page of rows in the order of their last change, partition by partition: `{rows, more, cursor}`. Without a cursor it
 * begins with the oldest; with one it goes on there, and rows that went since then come as null. Under a policy by row
 * the last page has no cursor, since which rows left this client's sight is not known afterwards.
 */
export async function pageAnswer(
  served: ServedView,
  content: Latest,
  cohort: Cohort,
  query: URLSearchParams,
): Promise<Answer> {
  const asked = askedFor(query)
  const matcher = matcherOf(asked.selector, served.view.config.index)
  if (typeof matcher === 'string') return errorAnswer(400, 'bad-selector', matcher)
  if (content.progress.some(({ ready }) => !ready)) return later('the view is being read')
  const { limit, cursor } = asked
  if (limit === undefined)
    return errorAnswer(400, 'bad-selector', `"limit" must be a whole number from 1 to ${MAX_ROWS}`)
  const start =
    cursor === undefined ? beginning(content) : await continued(cursor, served, content, cohort, matcher)
  return 'status' in start ? start : page(served, content, cohort, { matcher, limit, start })
}

/** Where a page begins, and from which offsets on it also says what is gone, by partition. */
interface Start {
  readonly offsets: readonly number[]
  readonly tellFrom: readonly number[]
  /** The positions when a first pass through all rows began; undefined when all rows were seen. */
  readonly began: readonly number[] | undefined
}

const firstPassHash = (matcher: Matcher): string => hashOf({ firstPass: matcherHash(matcher) })

function beginning(content: Latest): Start {
  const began = content.progress.map(({ position }) => position)
  return { offsets: began.map(() => 0), tellFrom: began, began }
}

/** A cursor of a first pass holds two offsets a partition: where it is, and where the log ended when the pass began. */
async function continued(
  cursor: string,
  served: ServedView,
  content: Latest,
  cohort: Cohort,
  matcher: Matcher,
): Promise<Start | Answer> {
  const gone = errorAnswer(410, 'gone', 'the cursor cannot be continued: begin again without one')
  const token = decodeToken(cursor)
  const count = content.progress.length
  if (token?.selector === firstPassHash(matcher)) {
    const [offsets, began] = [token.offsets.slice(0, count), token.offsets.slice(count)]
    const same = token.epoch === content.epoch && token.cohort === cohort.hash && began.length === count
    if (!same || content.progress.some(({ floor }, at) => (began[at] ?? 0) < floor)) return gone
    const behind = content.progress.some(({ position }, at) => (began[at] ?? 0) > position)
    return behind
      ? later('this gateway has not read as far as the cursor says')
      : { offsets, tellFrom: began, began }
  }
  const ends = await endsFor(cursor, served, content)
  const who = { cohort: cohort.hash, matcher }
  const verdict = judgeFor(cursor, served, content, who, ends, Number.POSITIVE_INFINITY)
  if (verdict.type === 'ResetAll' || verdict.verdicts.some(({ type }) => type === 'Reset')) return gone
  if (verdict.verdicts.some(({ type }) => type === 'Hold')) {
    return later('this gateway has not read as far as the cursor says')
  }
  const offsets = verdict.verdicts.map((each) => (each.type === 'Continue' ? each.since : 0))
  return { offsets, tellFrom: offsets, began: undefined }
}

function page(
  { policy }: ServedView,
  content: Latest,
  cohort: Cohort,
  { matcher, limit, start }: { readonly matcher: Matcher; readonly limit: number; readonly start: Start },
): Answer {
  const shown = (entry: Entry): boolean =>
    entry.row !== undefined && matches(matcher, entry.key, entry.row) && cohort.sees(entry.row)
  const wires: string[] = []
  let bytes = 0
  let more = false
  const offsets = content.progress.map(({ position }, partition) => {
    const from = start.offsets[partition] ?? 0
    if (more) return from
    for (const entry of content.table.since(partition, from)) {
      const visible = shown(entry)
      const told = policy.type !== 'PerRow' && entry.offset >= (start.tellFrom[partition] ?? 0)
      if (!visible && !told) continue
      if (wires.length >= limit || bytes > PAGE_BYTES) {
        more = true
        return entry.offset
      }
      wires.push(visible ? entry.wire : goneWire(entry))
      bytes += entry.bytes
    }
    return position
  })
  const who = { epoch: content.epoch, cohort: cohort.hash }
  const cursor =
    more && start.began
      ? encodeToken({ ...who, selector: firstPassHash(matcher), offsets: [...offsets, ...start.began] })
      : encodeToken({ ...who, selector: matcherHash(matcher), offsets })
  const last = policy.type === 'PerRow' && !more
  return {
    status: 200,
    headers: { 'penstock-position': positionOf(content) },
    body: `{"rows":[${wires.join(',')}],"more":${more}${last ? '' : `,"cursor":"${cursor}"`}}`,
  }
}

/** Reads `limit`, `cursor`, and every other parameter as `field=value`: true, false and null mean these, all else is a text. */
function askedFor(query: URLSearchParams): {
  readonly selector: Selector
  readonly limit: number | undefined
  readonly cursor: string | undefined
} {
  const where = Object.fromEntries(
    [...query]
      .filter(([name]) => name !== 'limit' && name !== 'cursor')
      .map(([name, value]) => [name, parameterOf(value)]),
  )
  const limit = query.has('limit') ? Number(query.get('limit')) : PAGE_ROWS
  return {
    selector: Object.keys(where).length > 0 ? { where } : { all: true },
    limit: Number.isInteger(limit) && limit >= 1 && limit <= MAX_ROWS ? limit : undefined,
    cursor: query.get('cursor') ?? undefined,
  }
}

function parameterOf(text: string): WireValue {
  if (text === 'true' || text === 'false' || text === 'null') return JSON.parse(text) as WireValue
  return text
}
