import type { Pool } from 'pg'

/** An order goes through these, one step at a time, and is deleted some time after the last. */
export const STATUSES = ['new', 'paid', 'packed', 'shipped', 'delivered'] as const

const CUSTOMERS = ['Ada', 'Bela', 'Chidi', 'Dora', 'Emeka', 'Fatma', 'Goran', 'Hana', 'Ines', 'Jun'] as const
/** Delivered orders beyond this many are deleted, the oldest first. */
const KEPT = 15

/**
 * Writes to the shop, about `perSecond` committed changes a second, until the signal aborts: inserts, updates and
 * deletes of orders, and visits. A statement that fails is let go: the next one comes anyway.
 */
export async function runWriter(
  pool: Pool,
  perSecond: number,
  signal: AbortSignal,
  random = Math.random,
): Promise<void> {
  const pauseMs = 1_000 / perSecond
  let next = performance.now()
  while (!signal.aborted) {
    await change(pool, random).catch(() => undefined)
    next = Math.max(next + pauseMs, performance.now() - 1_000)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())))
  }
}

function change(pool: Pool, random: () => number): Promise<unknown> {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]
  const roll = random()
  if (roll < 0.2) {
    return pool.query('INSERT INTO orders (customer, total) VALUES ($1, $2)', [
      pick(CUSTOMERS),
      (random() * 200).toFixed(2),
    ])
  }
  if (roll < 0.7) return pool.query(ADVANCE, [Math.floor(random() * 1_000)])
  if (roll < 0.85) return pool.query(CLEAR, [KEPT])
  return pool.query('INSERT INTO visits (user_id, product_id, action) VALUES ($1, $2, $3)', [
    Math.floor(random() * 50) + 1,
    Math.floor(random() * 500) + 1,
    random() < 0.7 ? 'VIEW' : 'CLICK',
  ])
}

/** Moves one order to its next status. */
const ADVANCE = `
  UPDATE orders SET updated_at = now(), status = CASE status
    WHEN 'new' THEN 'paid' WHEN 'paid' THEN 'packed' WHEN 'packed' THEN 'shipped' ELSE 'delivered' END
  WHERE id = (SELECT id FROM orders WHERE status <> 'delivered' ORDER BY (id * 7919 + $1) % 1009 LIMIT 1)`

const CLEAR = `
  DELETE FROM orders WHERE id IN (
    SELECT id FROM orders WHERE status = 'delivered' ORDER BY updated_at DESC OFFSET $1 LIMIT 2)`
