import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SourceSpec, SourceStatus } from '../../src/api/source/index.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

describe('replication slots that several could use', () => {
  let world: World
  const spec = (slot: string) => {
    const made = sourceSpec(world, [{ name: 'public.orders' }])
    const postgres = { ...made.postgres, slot: { name: slot } } as NonNullable<SourceSpec['postgres']>
    return { ...made, postgres }
  }
  const checks = async (name: string) => {
    const source = await world.get('Source', name)
    return ((source?.status as SourceStatus | undefined)?.preflight ?? []).map(({ check }) => check)
  }
  const slots = async () =>
    (
      await world.sql(
        `select slot_name from pg_replication_slots where database = '${world.database}' order by 1`,
      )
    ).map((row) => row['slot_name'])
  beforeAll(async () => {
    world = await createWorld('slots')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'older', spec(`${world.role}_one`))
    await world.until('Ready', 'Source', 'older', ready('True', 'Streaming'))
    // Their age is told in seconds.
    await delay(1_100)
  })
  afterAll(() => world?.close())

  it('the older Source has it, and the newer one is Stalled and takes nothing along when it goes', async () => {
    await world.apply('Source', 'newer', spec(`${world.role}_one`))
    const newer = await world.until('SlotTaken', 'Source', 'newer', says('PreflightPassed', 'SlotTaken'))
    expect(condition(newer, 'Stalled')?.message).toMatch(
      /ReplicationSlot .*_one belongs to Source .*\/older, which is older: delete that, or make another/,
    )
    await world.remove('Source', 'newer')
    await world.gone('Source', 'newer')
    expect(await slots()).toEqual([`${world.role}_one`])
    expect(condition(await world.get('Source', 'older'), 'Ready')?.status).toBe('True')
  })

  it('a slot of another Source is not foreign, whatever its name, and one of somebody else’s is', async () => {
    await world.apply('Source', 'second', spec(`${world.role}_two`))
    await world.until('Ready', 'Source', 'second', ready('True', 'Streaming'))
    expect(await checks('second')).not.toContain('ForeignSlots')
    await world.sql(`select pg_create_logical_replication_slot('${world.role}_theirs', 'pgoutput')`)
    await world.until('ForeignSlots', 'Source', 'second', ({ status }) =>
      JSON.stringify(status?.['preflight'] ?? []).includes(`also reach ${world.role}_theirs`),
    )
  })
})
