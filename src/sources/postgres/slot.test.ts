import { describe, expect, it } from 'vitest'
import type { ConnectOffset } from '../../clients/connect.ts'
import { createBoard } from '../../lag/board.ts'
import { retention } from './position.ts'
import { readDatabase, type SlotView } from './queries.ts'
import { dropSlot, mayBeBeyond, type SlotContext, slot, slotRetention, slotState } from './slot.ts'
import { memoryDatabase } from './testing/database.ts'

const signal = () => AbortSignal.timeout(5_000)
const STORED: readonly ConnectOffset[] = [{ partition: {}, offset: { lsn: 1 } }]

/** Offsets whose shared answer is old: `now` is what a new question gives. */
function contextOf(
  slots: readonly string[],
  old: readonly ConnectOffset[] | undefined,
  now: readonly ConnectOffset[] | undefined,
) {
  const database = memoryDatabase()
  for (const name of slots) database.slots.set(name, { active: true })
  const context: SlotContext = {
    client: database.client,
    database: (asked) => readDatabase(database.client, asked),
    offsets: async (_signal, after) => (after === undefined ? old : now),
    verdict: (error) => {
      throw error
    },
    now: Date.now,
    history: createBoard(Date.now).of('Source:n/s'),
    seen: undefined,
    judge: (found) => found,
    tellsEnough: () => false,
    remade: () => false,
  }
  return context
}

describe('what looks lost is looked at once more', () => {
  it.each<
    readonly [
      string,
      readonly string[],
      readonly ConnectOffset[] | undefined,
      readonly ConnectOffset[] | undefined,
      string,
    ]
  >([
    [
      'a slot that the snapshot has just made, beside an answer from before the connector',
      ['s'],
      undefined,
      [],
      'Ready',
    ],
    ['a slot that really was there before', ['s'], undefined, undefined, 'Broken SlotExistsBeforeSnapshot'],
    ['a position whose connector has been reset meanwhile', [], STORED, [], 'Ready NotYetMade'],
    ['a slot that really is gone', [], STORED, STORED, 'Broken SlotMissing'],
  ])('%s', async (_name, slots, old, now, expected) => {
    const state = await slotState(contextOf(slots, old, now), 's', signal())
    const health = retention('s', state.slot, state.offsets)
    expect([health.type, health.reason].filter(Boolean).join(' ')).toBe(expected)
  })
})

describe('a slot that tells enough', () => {
  it('needs no offset, except where an answer from after a write is wanted', async () => {
    const context = { ...contextOf(['s'], STORED, STORED), tellsEnough: () => true }
    expect(await slotState(context, 's', signal())).toMatchObject({ offsets: 'NotAsked' })
    expect(await slotState(context, 's', signal(), Date.now())).toMatchObject({ offsets: STORED })
  })
})

describe('a slot that was made again under its name', () => {
  const stateOf = async (offsets: readonly ConnectOffset[] | undefined, seen?: SlotContext['seen']) => {
    const context = {
      ...contextOf(['s'], offsets, offsets),
      ...{ tellsEnough: () => true, remade: () => true, seen },
    }
    return slotRetention(context, 's', await slotState(context, 's', signal()))
  }
  it('has skipped rows, whatever the slot and its offsets look like by now', async () => {
    expect(await stateOf(STORED)).toMatchObject({ type: 'Broken', reason: 'OffsetBehindSlot' })
    expect((await stateOf(STORED)).message).toMatch(
      /slot s was moved .*Set snapshot.mode to WhenNeeded, or delete this Source/,
    )
  })
  it('has skipped none where no position is stored', async () => {
    expect(await stateOf([])).toMatchObject({ type: 'Ready' })
  })
})

describe('a slot whose rows are gone', () => {
  const changesOf = async (slots: readonly string[], offsets: readonly ConnectOffset[], renews: boolean) => {
    const context = contextOf(slots, offsets, offsets)
    const found = slot(context, 's', renews ? async () => undefined : undefined)
    return found.diff(await slotState(context, 's', signal())).map(({ what }) => what)
  }
  it('is renewed where that is wanted, and the change says why', async () => {
    expect(await changesOf([], STORED, true)).toEqual([
      expect.stringMatching(/^a new snapshot is taken \(SlotMissing\): slot s is gone/),
    ])
  })
  it.each<readonly [string, readonly string[], readonly ConnectOffset[], boolean]>([
    ['is left alone where nobody asked for that', [], STORED, false],
    ['is left alone while it is well', ['s'], STORED, true],
    ['is left alone before a position is stored', [], [], true],
  ])('%s', async (_name, slots, offsets, renews) => {
    expect(await changesOf(slots, offsets, renews)).toEqual([])
  })
  it('is dropped when its reader has gone', async () => {
    const context = contextOf(['s'], STORED, STORED)
    await expect(dropSlot(context, 's', signal())).rejects.toMatchObject({ reason: 'SlotInUse' })
    await expect(dropSlot(context, 'gone', signal())).resolves.toBeUndefined()
  })
})

describe('a slot beside the first position, between looks', () => {
  const slotAt = (restart: bigint): SlotView => ({
    ...{ name: 's', plugin: 'pgoutput', database: 'd', active: true, walStatus: 'reserved', restart },
    ...{ confirmed: restart, confirmedLsn: undefined, safeBytes: undefined, holder: undefined },
    ...{ catalogAge: undefined, inactiveSince: undefined },
  })
  it.each<readonly [string, Readonly<Record<string, unknown>>, bigint, boolean]>([
    ['holds the log from the snapshot on', { lsn: 100 }, 90n, false],
    ['lets go of log beyond it', { lsn: 100 }, 101n, true],
    ['may do so once a position of the stream is stored', { lsn: 100, lsn_proc: 100 }, 101n, false],
  ])('%s', async (_name, offset, restart, expected) => {
    const offsets = [{ partition: {}, offset }]
    const context = contextOf(['s'], offsets, offsets)
    await slotState(context, 's', signal())
    expect(mayBeBeyond(context.history, slotAt(restart))).toBe(expected)
  })
})
