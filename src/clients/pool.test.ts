import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createClientPool } from './pool.ts'

/** Clients that say which one has answered, and notes of those that were closed. */
function clients() {
  const opened: string[] = []
  const closed: string[] = []
  const create = (address: string) => {
    const name = `${address}${opened.push(address)}`
    const ask = async () => (closed.includes(name) ? Promise.reject(new Error(`${name} is closed`)) : name)
    return { ask, close: async () => void closed.push(name) }
  }
  return { create, closed }
}

describe('a pool of clients', () => {
  it('gives the same address the same client, and a kind or login its own', async () => {
    const { create } = clients()
    const pool = createClientPool(10)
    expect(pool.get('db', 'a', create)).toBe(pool.get('db', 'a', create))
    expect(await pool.get('db', 'a', create).ask()).toBe('a1')
    expect(await pool.get('admin', 'a', create).ask()).toBe('a2')
    await pool.close()
  })

  it('one that is called again and again stays open, though nobody gets it anew', async () => {
    const { create, closed } = clients()
    const pool = createClientPool(10, 200)
    const held = pool.get('db', 'a', create)
    for (let times = 0; times < 8; times++) {
      expect(await held.ask()).toBe('a1')
      await delay(50)
    }
    expect(closed).toEqual([])
    await pool.close()
  })

  it('one that rests is closed, and opened again for whoever has held it all the time', async () => {
    const { create, closed } = clients()
    const pool = createClientPool(10, 30)
    const held = pool.get('db', 'a', create)
    await expect.poll(() => closed).toEqual(['a1'])
    expect(await held.ask()).toBe('a2')
    await pool.close()
  })

  it('one that had to make room is opened again too', async () => {
    const { create, closed } = clients()
    const pool = createClientPool(1)
    const held = pool.get('db', 'a', create)
    const other = pool.get('db', 'b', create)
    expect(closed).toEqual(['a1'])
    expect(await held.ask()).toBe('a3')
    expect(await other.ask()).toBe('b4')
    await pool.close()
  })

  it('closed, it has closed them all and opens none', async () => {
    const { create, closed } = clients()
    const pool = createClientPool(10)
    const held = pool.get('db', 'a', create)
    await pool.close()
    expect(closed).toEqual(['a1'])
    expect(() => held.ask()).toThrow('the pool of clients is closed')
  })
})
