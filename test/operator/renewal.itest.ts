import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseObjectName } from '../../src/api/names.ts'
import type { SourceSpec } from '../../src/api/source/index.ts'
import { eventually } from './eventually.ts'
import { eventNotes } from './notes.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { sameRows, viewOf } from './rows.ts'
import { dropSlot, makeSlot } from './slot.ts'
import { createWorld, type World } from './world.ts'

const limit = () => AbortSignal.timeout(20_000)

describe('where the rows of a Source begin', () => {
  let world: World
  const slotOf = (source: string) => databaseObjectName({ namespace: world.namespace, name: source })
  const topicOf = (source: string, table: string) => `${world.namespace}.${source}.${table}`
  const apply = (
    name: string,
    tables: readonly string[],
    mode: NonNullable<SourceSpec['snapshot']>['mode'],
    state: SourceSpec['state'] = 'Running',
  ) => {
    const named = tables.map((table) => ({ name: table }))
    return world.apply('Source', name, sourceSpec(world, named, { state, snapshot: { mode } }))
  }
  const streams = (name: string) =>
    world.until('Streaming', 'Source', name, ready('True', 'Streaming'), 60_000)
  /** A Source of one table with five rows, all of which have come. */
  const begun = async (name: string, table: string, mode: 'Initial' | 'WhenNeeded') => {
    await createTable(world, table, 5)
    await apply(name, [table], mode)
    await streams(name)
    await sameRows(world, table, 30_000, name)
  }
  const stopped = async (name: string, table: string, mode: 'Initial' | 'WhenNeeded') => {
    await apply(name, [table], mode, 'Stopped')
    await world.until('Stopped', 'Source', name, ready('True', 'Stopped'), 30_000)
  }
  /** What nobody will tell of, once the slot has gone or moved: a row that is new, one that differs, one that is gone. */
  const changeUnseen = async (table: string) => {
    await world.sql(`INSERT INTO ${table} VALUES (100, 'new')`)
    await world.sql(`UPDATE ${table} SET note = 'changed' WHERE id = 2`)
    await world.sql(`DELETE FROM ${table} WHERE id = 3`)
  }
  /** Each test has a slot of its own, which its notes name. */
  const notesOf = async (name: string): Promise<readonly string[]> =>
    (await eventNotes(world)).filter((note) => note.includes(slotOf(name)))

  beforeAll(async () => {
    world = await createWorld('renewal')
    await world.apply('Backbone', 'main', backboneSpec())
  })
  afterAll(() => world?.close())

  describe('WhenNeeded', () => {
    it('a slot that was dropped: a new snapshot, by itself, and no ghost', async () => {
      const [name, table] = ['dropped', 'public.dropped']
      await begun(name, table, 'WhenNeeded')
      await stopped(name, table, 'WhenNeeded')
      await changeUnseen(table)
      await dropSlot(world, slotOf(name))
      await apply(name, [table], 'WhenNeeded')
      await sameRows(world, table, 60_000, name)
      await streams(name)
      expect(await notesOf(name)).toContainEqual(
        expect.stringMatching(/a new snapshot is taken \(SlotMissing\)/),
      )
      await world.sql(`INSERT INTO ${table} VALUES (101, 'after')`)
      await sameRows(world, table, 30_000, name)
    })

    it('a slot that was moved under a Source that then is told so: it heals as the message says', async () => {
      const [name, table] = ['moved', 'public.moved']
      await begun(name, table, 'Initial')
      await stopped(name, table, 'Initial')
      await changeUnseen(table)
      await world.sql(`select pg_replication_slot_advance('${slotOf(name)}', pg_current_wal_lsn())`)
      await apply(name, [table], 'Initial')
      const lost = await world.until(
        'OffsetBehindSlot',
        'Source',
        name,
        says('SourceRetained', 'OffsetBehindSlot'),
        30_000,
      )
      expect(condition(lost, 'SourceRetained')?.message).toMatch(/Set snapshot.mode to WhenNeeded/)
      await apply(name, [table], 'WhenNeeded')
      await sameRows(world, table, 60_000, name)
      const healed = await streams(name)
      expect(condition(healed, 'SnapshotComplete')?.status).toBe('True')
      expect(condition(healed, 'SourceRetained')?.status).toBe('True')
    })

    it('a slot that was made again while its connector runs', async () => {
      const [name, table] = ['again', 'public.again']
      await begun(name, table, 'WhenNeeded')
      await world.sql(`INSERT INTO ${table} VALUES (50, 'streamed')`)
      await eventually('a position of the stream is stored', 30_000, async () => {
        const [stored] = (await world.connect.offsets(`${world.namespace}.${name}`, limit())) ?? []
        return stored?.offset['lsn_proc'] === undefined ? undefined : true
      })
      world.operator().pause()
      await dropSlot(world, slotOf(name))
      await changeUnseen(table)
      await makeSlot(world, slotOf(name))
      world.operator().resume()
      await eventually('the loss is told', 60_000, async () =>
        (await notesOf(name)).some((note) => /a new snapshot is taken/.test(note)) ? true : undefined,
      )
      await sameRows(world, table, 60_000, name)
      await streams(name)
    })
  })

  describe('Never', () => {
    it('changes alone, also of a table that is added', async () => {
      const [name, table, added] = ['never', 'public.never', 'public.never_added']
      await createTable(world, table, 3)
      await createTable(world, added, 3)
      await apply(name, [table], 'Never')
      await streams(name)
      await world.sql(`INSERT INTO ${table} VALUES (10, 'streamed')`)
      await eventually('the change has come', 30_000, async () =>
        (await viewOf(world, topicOf(name, table))).size > 0 ? true : undefined,
      )
      await apply(name, [table, added], 'Never')
      await streams(name)
      await world.sql(`INSERT INTO ${added} VALUES (20, 'streamed')`)
      await eventually('the change of the added table has come', 30_000, async () =>
        (await viewOf(world, topicOf(name, added))).size > 0 ? true : undefined,
      )
      for (const one of [table, added]) {
        const rows = [...(await viewOf(world, topicOf(name, one))).values()]
        expect(rows).toEqual([expect.objectContaining({ note: 'streamed' })])
      }
    })

    it('from where a slot stands that somebody has made, and that stays when the Source goes', async () => {
      const [name, table] = ['given', 'public.given']
      await createTable(world, table, 3)
      const apply = (state: SourceSpec['state']) => {
        const spec = sourceSpec(world, [{ name: table }], { state, snapshot: { mode: 'Never' } })
        const postgres = { ...spec.postgres, slot: { managementPolicy: 'External' } }
        return world.apply('Source', name, { ...spec, postgres })
      }
      // PostgreSQL decodes with the catalogue of the time: a publication that is younger than the slot is not found.
      await apply('Stopped')
      await world.until('Stopped', 'Source', name, ready('True', 'Stopped'), 30_000)
      await makeSlot(world, slotOf(name))
      await world.sql(`INSERT INTO ${table} VALUES (10, 'since the slot')`)
      await apply('Running')
      await streams(name)
      const rows = await eventually('the change has come', 30_000, async () => {
        const view = await viewOf(world, topicOf(name, table))
        return view.size > 0 ? [...view.values()] : undefined
      })
      expect(rows).toEqual([expect.objectContaining({ note: 'since the slot' })])
      await world.remove('Source', name)
      await world.gone('Source', name, 60_000)
      const left = await world.sql(
        `SELECT active FROM pg_replication_slots WHERE slot_name = '${slotOf(name)}'`,
      )
      expect(left).toEqual([{ active: false }])
      await dropSlot(world, slotOf(name))
    })
  })
})
