import type { Backbone } from '../api/backbone.ts'
import type { Source } from '../api/source/index.ts'
import { createClientPool } from '../clients/pool.ts'
import { resolveTables, UNRESOLVED } from '../controllers/source/captured.ts'
import { claimsOf, type OpenSource, openSource, type SourceServices } from '../controllers/source/open.ts'
import { type SourceParts, sourceParts } from '../controllers/source/parts.ts'
import { createDetached } from '../external/detached.ts'
import { createSharedPolls } from '../external/polls.ts'
import { createRestartBudget } from '../external/restarts.ts'
import { createBoard } from '../lag/board.ts'
import { createTrails } from '../lag/trail.ts'
import { SOURCE_TYPES } from '../sources/index.ts'
import type { Reach } from '../sources/type.ts'
import { readGiven } from './given.ts'

/** What a command that looks at Sources is told. */
export interface LookOptions {
  readonly files: readonly string[]
  readonly namespace?: string
  /** Where the database is reached from here. */
  readonly reach: Reach
}

/** A Source of a file, opened without an operator. */
export interface Opened {
  readonly services: SourceServices
  readonly open: OpenSource
  readonly parts: SourceParts
}

/**
 * Opens each Source of the files in turn and hands it to `look`; `backboneOf` may change what is made of its Backbone.
 * Throws an Error that says what is missing and how to give it.
 */
export async function lookAtSources<T>(
  options: LookOptions,
  look: (source: Source, opened: Opened) => Promise<T>,
  stopped: AbortSignal,
  backboneOf: (backbone: Backbone) => Backbone = (backbone) => backbone,
): Promise<readonly T[]> {
  const given = await readGiven(options)
  const pool = createClientPool(50)
  const over = new AbortController()
  const signal = AbortSignal.any([stopped, over.signal])
  const results: T[] = []
  try {
    const installation = (await given.installation(signal)) ?? 'penstock'
    for (const source of given.sources) {
      const { namespace } = source.metadata
      const backbone = backboneOf(await given.backbone(namespace, source.spec.backboneRef.name, signal))
      const services: SourceServices = {
        installation,
        backbone: () => backbone,
        readSecret: given.secret,
        pool,
        polls: createSharedPolls({ wake: () => undefined, now: Date.now }, signal),
        detached: createDetached(() => undefined, signal),
        board: createBoard(Date.now),
        trail: createTrails(Date.now),
        now: Date.now,
        types: SOURCE_TYPES,
        claiming: (claim) => given.sources.filter((other) => claimsOf(SOURCE_TYPES, other).includes(claim)),
        source: () => undefined,
        restarts: createRestartBudget(Date.now),
        reach: options.reach,
      }
      const open = await openSource(services, source, signal)
      const resolved = await resolveTables(open, signal)
      const captured = resolved.type === 'Resolved' ? resolved.captured : UNRESOLVED
      results.push(await look(source, { services, open, parts: sourceParts(services, open, captured) }))
    }
    return results
  } finally {
    over.abort()
    await Promise.allSettled([pool.close(), given.close()])
  }
}
