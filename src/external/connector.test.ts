import { afterAll, describe, expect, it } from 'vitest'

import type { ConnectState } from '../clients/connect.ts'
import { Stalled } from '../lib/verdict.ts'
import { type ConnectorContext, type ConnectorWish, connector, OWNER_SETTING } from './connector.ts'
import { causeOf } from './connector-health.ts'
import type { Health } from './contract.ts'
import { converge } from './converge.ts'
import { COMMON_FAILURES } from './failures.ts'
import { connectError, type MemoryConnect, memoryConnect } from './testing/connect.ts'
import { surroundings } from './testing/surroundings.ts'

const stop = new AbortController()
afterAll(() => stop.abort())
const signal = () => AbortSignal.timeout(5_000)

const WISH: ConnectorWish = {
  name: 'shop',
  config: { 'connector.class': 'X', a: '1' },
  state: 'Running',
  owner: 'i/ns/shop',
  adoption: 'Refuse',
  resetOffsetsOnRemove: true,
}
const OURS = { 'connector.class': 'X', a: '1', name: 'shop', [OWNER_SETTING]: 'i/ns/shop' }

function shop(
  connect: MemoryConnect,
  wish: Partial<ConnectorWish> = {},
  context: Partial<Pick<ConnectorContext, 'judge' | 'beforeStart'>> = {},
) {
  return connector(
    {
      ...surroundings(stop.signal),
      client: connect.client,
      url: 'http://connect',
      failures: COMMON_FAILURES,
      secrets: ['s3cret'],
      judge: async () => ({ type: 'Ready', reason: 'Streaming' }),
      beforeStart: async () => 'Running',
      ...context,
    },
    { ...WISH, ...wish },
  )
}

/** A Connect with a connector named shop that runs with this config. */
function holding(config: Readonly<Record<string, string>>): MemoryConnect {
  const connect = memoryConnect()
  connect.connectors.set('shop', { name: 'shop', config })
  connect.set('shop', 'RUNNING', [{}])
  return connect
}

describe('a trace', () => {
  it('that quotes a secret shows it nowhere', async () => {
    const connect = holding(OURS)
    connect.set('shop', 'RUNNING', [{ state: 'FAILED', trace: 'login of app with s3cret was refused' }])
    const seen = await shop(connect).observe(signal())
    expect(JSON.stringify(seen)).not.toContain('s3cret')
    expect(seen && shop(connect).health(seen)).toMatchObject({
      message: expect.stringContaining('login of app with *** was refused'),
    })
  })
})

describe('ownership of a connector', () => {
  it.each<readonly [string, Readonly<Record<string, string>>, RegExp]>([
    [
      'one without a mark',
      { 'connector.class': 'X' },
      /carries no mark of ours: delete it, or set adoptionPolicy/,
    ],
    ['one with another’s mark', { ...OURS, [OWNER_SETTING]: 'j/ns/shop' }, /belongs to j\/ns\/shop/],
  ])('%s is refused, and nothing is written', async (_name, config, sentence) => {
    const connect = holding(config)
    const act = converge(shop(connect), Date.now, signal())
    await expect(act).rejects.toThrow(expect.objectContaining({ reason: 'NotOurs' }))
    await expect(act).rejects.toThrow(sentence)
    expect(connect.writes).toEqual([])
  })

  it('one that was made this second, and is in no list yet, is not taken over either', async () => {
    const connect = memoryConnect()
    connect.connectors.set('shop', { name: 'shop', config: { 'connector.class': 'X' } })
    await expect(converge(shop(connect), Date.now, signal())).rejects.toThrow(/carries no mark of ours/)
    await shop(connect).remove(signal())
    expect(connect.writes).toEqual([])
  })

  it('one without a mark becomes ours where that is asked for', async () => {
    const connect = holding({ 'connector.class': 'X' })
    await converge(shop(connect, { adoption: 'Adopt' }), Date.now, signal())
    expect(connect.connectors.get('shop')?.config).toEqual(OURS)
  })

  it('another’s is not removed', async () => {
    const connect = holding({ 'connector.class': 'X' })
    await shop(connect).remove(signal())
    expect(connect.writes).toEqual([])
  })
})

describe('making and changing a connector', () => {
  it('marks what it makes', async () => {
    const connect = memoryConnect()
    await converge(shop(connect), Date.now, signal())
    expect(connect.connectors.get('shop')?.config).toEqual(OURS)
    expect(connect.writes).toEqual(['create shop'])
  })

  it.each(['Paused', 'Stopped'] as const)(
    'makes it %s where that is asked for: it never runs',
    async (state) => {
      const connect = memoryConnect()
      const { health } = await converge(shop(connect, { state }), Date.now, signal())
      expect(health).toMatchObject({ type: 'Ready', reason: state })
      expect(connect.writes).toEqual(['create shop'])
    },
  )

  it.each<readonly [string, Readonly<Record<string, string>>]>([
    ['a setting that differs', { ...OURS, a: '2' }],
    ['a setting that is missing', { 'connector.class': 'X', name: 'shop', [OWNER_SETTING]: 'i/ns/shop' }],
    ['a setting too many', { ...OURS, b: '1' }],
  ])('%s is put right, with the whole configuration', async (_name, config) => {
    const connect = holding(config)
    const { changed } = await converge(shop(connect), Date.now, signal())
    expect(connect.connectors.get('shop')?.config).toEqual(OURS)
    expect(connect.writes).toEqual(['putConfig shop'])
    expect(changed[0]).toMatch(/^Connector shop: config: /)
  })

  it.each<readonly [ConnectState, readonly string[]]>([
    ['UNASSIGNED', ['putConfig shop']],
    ['FAILED', ['putConfig shop']],
    ['PAUSED', ['putConfig shop', 'resume shop']],
  ])(
    'one that is %s and is configured is told to run only where it was told otherwise',
    async (state, writes) => {
      const connect = holding({ ...OURS, a: '2' })
      connect.set('shop', state, [])
      await converge(shop(connect), Date.now, signal())
      expect(connect.writes).toEqual(writes)
    },
  )

  it('names settings that differ, and never their values', async () => {
    const connect = holding({ ...OURS, a: 'secret' })
    const { changed } = await converge(shop(connect), Date.now, signal())
    expect(changed).toEqual(['Connector shop: config: a'])
  })

  it('a configuration that Connect finds wrong is not put', async () => {
    const connect = memoryConnect()
    connect.trouble.invalid = [{ name: 'database.hostname', message: 'refused' }]
    await expect(converge(shop(connect), Date.now, signal())).rejects.toThrow(
      /Connect finds the connector's configuration wrong: database\.hostname: refused/,
    )
    expect(connect.writes).toEqual([])
  })

  it('is not started where the position can no longer be read', async () => {
    const connect = memoryConnect()
    const beforeStart = () => Promise.reject(new Stalled('SlotMissing', 'gone'))
    await expect(converge(shop(connect, {}, { beforeStart }), Date.now, signal())).rejects.toThrow('gone')
    expect(connect.writes).toEqual([])
  })

  it('removal stops it, forgets its position if asked to, and deletes it', async () => {
    const connect = holding(OURS)
    await shop(connect).remove(signal())
    expect(connect.writes).toEqual(['stop shop', 'resetOffsets shop', 'remove shop'])
    const kept = holding(OURS)
    await shop(kept, { resetOffsetsOnRemove: false }).remove(signal())
    expect(kept.writes).toEqual(['stop shop', 'remove shop'])
  })
})

describe('the state of a connector', () => {
  it.each<readonly [ConnectorWish['state'], 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED', readonly string[]]>([
    ['Running', 'PAUSED', ['resume shop']],
    ['Running', 'STOPPED', ['resume shop']],
    ['Paused', 'RUNNING', ['pause shop']],
    ['Stopped', 'RUNNING', ['stop shop']],
    ['Stopped', 'PAUSED', ['stop shop']],
    ['Stopped', 'FAILED', ['stop shop']],
    ['Running', 'FAILED', []],
    ['Running', 'RUNNING', []],
    ['Stopped', 'STOPPED', []],
  ])('%s where it is %s: %j', async (state, found, writes) => {
    const connect = holding(OURS)
    connect.set('shop', found, [])
    await converge(shop(connect, { state }), Date.now, signal())
    expect(connect.writes).toEqual(writes)
  })

  it.each<readonly [string, (connect: MemoryConnect) => void, Partial<Health> & { message?: unknown }]>([
    [
      'has no status yet',
      (connect) => connect.connectors.set('shop', { name: 'shop', config: OURS }),
      { type: 'NotReady', reason: 'Starting' },
    ],
    [
      'runs without a task',
      (connect) => connect.set('shop', 'RUNNING', []),
      { type: 'NotReady', reason: 'NoTasks' },
    ],
    [
      'has a task that is not assigned',
      (connect) => connect.set('shop', 'RUNNING', [{ state: 'UNASSIGNED' }]),
      { type: 'NotReady', reason: 'Unassigned', message: expect.stringContaining('5 minutes by default') },
    ],
    [
      'is not assigned itself',
      (connect) => connect.set('shop', 'UNASSIGNED', []),
      { type: 'NotReady', reason: 'Unassigned' },
    ],
    [
      'is being started again',
      (connect) => connect.set('shop', 'RUNNING', [{ state: 'RESTARTING' }]),
      { type: 'NotReady', reason: 'TasksNotRunning' },
    ],
    [
      'has a failed task',
      (connect) => connect.set('shop', 'RUNNING', [{ state: 'FAILED', trace: 'Boom: x\n\tat y' }]),
      {
        type: 'NotReady',
        reason: 'TaskFailed',
        message:
          'the connector failed on worker w:8083: Boom: x. It is started again: see the log of its worker',
      },
    ],
    [
      'has failed for what only a person can mend',
      (connect) =>
        connect.set('shop', 'RUNNING', [{ state: 'FAILED', trace: 'x.RecordTooLargeException: y' }]),
      {
        type: 'Broken',
        reason: 'RecordTooLarge',
        message: expect.stringMatching(/To repair it: raise max\.message\.bytes .*reconcile-requested-at/),
      },
    ],
    ['runs', () => undefined, { type: 'Ready', reason: 'Streaming' }],
  ])('one that %s', async (_name, arrange, health) => {
    const connect = holding(OURS)
    arrange(connect)
    const resource = shop(connect)
    const observed = await resource.observe(signal())
    expect(observed && resource.health(observed)).toMatchObject(health)
  })

  it('what the other side says counts where Connect says RUNNING, and only there', async () => {
    const judge = async (): Promise<Health> => ({ type: 'NotReady', reason: 'NotStreaming', message: 'm' })
    const connect = holding(OURS)
    const resource = shop(connect, {}, { judge })
    const running = await resource.observe(signal())
    expect(running && resource.health(running)).toMatchObject({ reason: 'NotStreaming' })
    connect.set('shop', 'RUNNING', [{ state: 'FAILED' }])
    const failed = await resource.observe(signal(), Date.now())
    expect(failed && resource.health(failed)).toMatchObject({ reason: 'TaskFailed' })
  })

  it.each(['Paused', 'Stopped'] as const)('%s as asked is Ready only when Connect says so', async (state) => {
    const connect = holding(OURS)
    const resource = shop(connect, { state })
    const before = await resource.observe(signal())
    expect(before && resource.health(before)).toMatchObject({ type: 'NotReady', reason: 'Switching' })
    const { health } = await converge(resource, Date.now, signal())
    expect(health).toMatchObject({ type: 'Ready', reason: state })
  })
})

describe('trouble with Connect', () => {
  it.each([
    ['Unreachable', 'ConnectUnreachable', /does not answer.*Check that it runs/],
    ['Busy', 'ConnectBusy', /is busy/],
    ['Refused', 'ConnectRefused', /refuses/],
  ] as const)('%s is waited for', async (kind, reason, sentence) => {
    const connect = memoryConnect()
    connect.trouble.thrown = connectError(kind, 'detail')
    const look = shop(connect).observe(signal())
    await expect(look).rejects.toThrow(expect.objectContaining({ name: 'Waiting', reason }))
    await expect(look).rejects.toThrow(sentence)
  })

  it('what is no error of Connect passes', async () => {
    const connect = memoryConnect()
    connect.trouble.thrown = new Error('boom')
    await expect(shop(connect).observe(signal())).rejects.toThrow('boom')
  })
})

describe('causeOf', () => {
  it.each([
    ['the first line', 'A: one\n\tat b', 'A: one'],
    [
      'the first line and the last cause',
      'A: one\n\tat b\nCaused by: B: two\nCaused by: C: three\n\tat d',
      'A: one Caused by: C: three',
    ],
    ['not the same twice', 'A: C: three\nCaused by: C: three', 'A: C: three'],
    ['nothing of nothing', '', ''],
  ])('%s', (_name, trace, cause) => {
    expect(causeOf(trace)).toBe(cause)
  })

  it('is at most 600 characters', () => {
    expect(causeOf('x'.repeat(5_000))).toHaveLength(600)
  })
})
