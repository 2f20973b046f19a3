import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { createQueue, type KeyedQueue } from './queue.ts'

describe('the queue', () => {
  let queue: KeyedQueue
  beforeEach(() => {
    vi.useFakeTimers()
    queue = createQueue()
  })
  afterEach(() => {
    queue.close()
    vi.useRealTimers()
  })
  /** What is ready now, without waiting for more. */
  const drain = async (): Promise<readonly string[]> => {
    const taken: string[] = []
    while (queue.depth > 0) taken.push((await queue.take()) ?? 'closed')
    return taken
  }

  it('holds a key once, however often it is added', async () => {
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
    expect(await drain()).toEqual(['a', 'b'])
  })

  it('gives a key to one worker at a time; what is added meanwhile comes again, once', async () => {
    queue.add('a')
    expect(await queue.take()).toBe('a')
    queue.add('a')
    queue.add('a')
    expect(queue.depth).toBe(0)
    queue.done('a')
    expect(await drain()).toEqual(['a'])
    queue.done('a')
    expect(queue.depth).toBe(0)
  })

  it('lets only so many work in the background, so that a fresh key finds a worker', async () => {
    const limited = createQueue(undefined, () => 2)
    for (const key of ['a', 'b', 'c', 'd']) limited.add(key, 'Background')
    const taken: (string | undefined)[] = []
    const take = () => void limited.take().then((key) => taken.push(key))
    for (let worker = 0; worker < 4; worker++) take()
    await vi.advanceTimersByTimeAsync(0)
    expect(taken).toEqual(['a', 'b'])
    limited.add('edited')
    await vi.advanceTimersByTimeAsync(0)
    expect(taken).toEqual(['a', 'b', 'edited'])
    // One that hangs is left to itself, and one that has ended makes room.
    limited.abandon('a')
    limited.done('b')
    take()
    await vi.advanceTimersByTimeAsync(0)
    expect(taken).toEqual(['a', 'b', 'edited', 'c', 'd'])
    limited.done('a')
    take()
    limited.add('e', 'Background')
    await vi.advanceTimersByTimeAsync(0)
    expect(taken).not.toContain('e')
    limited.close()
  })

  it('asks each time how many may work in the background', async () => {
    const upstream = { backlog: 1 }
    const downstream = createQueue(undefined, () => (upstream.backlog > 0 ? 1 : 3))
    for (const key of ['a', 'b', 'c', 'd']) downstream.add(key, 'Background')
    expect(downstream.backlog).toBe(4)
    const taken: (string | undefined)[] = []
    const take = () => void downstream.take().then((key) => taken.push(key))
    for (let worker = 0; worker < 4; worker++) take()
    await vi.advanceTimersByTimeAsync(0)
    expect(taken).toEqual(['a'])
    upstream.backlog = 0
    downstream.done('a')
    await vi.advanceTimersByTimeAsync(0)
    expect(taken).toEqual(['a', 'b', 'c', 'd'])
    expect(downstream.backlog).toBe(0)
    downstream.close()
  })

  it('serves those who wait, in the order in which they came', async () => {
    const first = queue.take()
    const second = queue.take()
    queue.add('a')
    queue.add('b')
    expect(await Promise.all([first, second])).toEqual(['a', 'b'])
  })

  it.each<readonly [string, (queue: KeyedQueue) => void, number, readonly string[]]>([
    ['a delayed key comes when its time has come', (q) => q.addAfter('a', 1_000), 1_000, ['a']],
    ['and not before', (q) => q.addAfter('a', 1_000), 999, []],
    [
      'of two wishes the earlier wins',
      (q) => {
        q.addAfter('a', 1_000)
        q.addAfter('a', 9_000)
      },
      1_000,
      ['a'],
    ],
    [
      'whichever came first',
      (q) => {
        q.addAfter('a', 9_000)
        q.addAfter('a', 1_000)
      },
      1_000,
      ['a'],
    ],
    [
      'to add it now takes its delay away',
      (q) => {
        q.addAfter('a', 1_000)
        q.add('a')
      },
      5_000,
      ['a'],
    ],
    [
      'a forgotten one does not come',
      (q) => {
        q.addAfter('a', 1_000)
        q.forget('a')
      },
      5_000,
      [],
    ],
  ])('%s', async (_name, act, ms, keys) => {
    act(queue)
    await vi.advanceTimersByTimeAsync(ms)
    expect(await drain()).toEqual(keys)
  })

  it('a delayed key that is worked on when its time comes is worked on again', async () => {
    queue.add('a')
    await queue.take()
    queue.addAfter('a', 10)
    await vi.advanceTimersByTimeAsync(10)
    queue.done('a')
    expect(await drain()).toEqual(['a'])
  })

  it('closed, it sends everyone home, takes nothing more and leaves no timer', async () => {
    const waiting = queue.take()
    queue.addAfter('a', 1_000)
    queue.close()
    queue.add('b')
    queue.addAfter('c', 1)
    expect(await waiting).toBeUndefined()
    expect(await queue.take()).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
    expect(queue.depth).toBe(0)
  })

  describe('urgency', () => {
    const fill = (count: number, urgency: 'Fresh' | 'Background', name: string) => {
      for (let n = 0; n < count; n++) queue.add(`${name}${n}`, urgency)
    }

    it('what is fresh goes before what waits in the background', async () => {
      fill(2, 'Background', 'b')
      queue.add('f')
      expect(await drain()).toEqual(['f', 'b0', 'b1'])
    })

    it('a key of the background that becomes fresh goes first, once', async () => {
      fill(3, 'Background', 'b')
      queue.add('b2')
      queue.add('b2', 'Background')
      expect(await drain()).toEqual(['b2', 'b0', 'b1'])
    })

    it('the background is never starved', async () => {
      fill(250, 'Fresh', 'f')
      fill(5, 'Background', 'b')
      const order = await drain()
      expect(order.indexOf('b0')).toBe(100)
      expect(order.indexOf('b1')).toBe(201)
    })

    it('what was added in the background and as fresh while it was worked on comes again as fresh', async () => {
      queue.add('a')
      await queue.take()
      queue.add('a', 'Background')
      queue.add('a')
      fill(1, 'Background', 'b')
      queue.done('a')
      expect(await drain()).toEqual(['a', 'b0'])
    })

    it('a delayed key keeps its urgency', async () => {
      queue.addAfter('late', 10, 'Background')
      fill(1, 'Background', 'b')
      await vi.advanceTimersByTimeAsync(10)
      queue.add('f')
      expect(await drain()).toEqual(['f', 'b0', 'late'])
    })
  })

  it('tells of every key that is added, and how long it waited', async () => {
    const told = { added: 0, waits: [] as number[] }
    const observed = createQueue({ added: () => told.added++, waited: (ms) => told.waits.push(ms) })
    observed.add('a')
    observed.add('a')
    await vi.advanceTimersByTimeAsync(50)
    await observed.take()
    expect(told).toEqual({ added: 1, waits: [50] })
  })
})
