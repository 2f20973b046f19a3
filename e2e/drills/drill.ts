import type { BedAddresses } from '../../dev/testing.ts'
import type { SourceSpec } from '../../src/api/source/index.ts'
import type { World } from '../../test/operator/world.ts'

/** One way in which a Source comes to harm, what the one on call reads, and what that person does about it. */
export interface Drill extends Failure, Acts {}

/** A drill on servers of its own, which it can harm as it likes. */
export interface OwnDrill extends Failure {
  /** Starts them, beside those of a bed. */
  begin(bed: BedAddresses): Promise<Begun>
}

/** What an {@link OwnDrill} does, once its servers run. */
export interface Begun extends Acts {
  /** The bed with its own servers in the place of those that they stand for. */
  readonly bed: BedAddresses
  close(): Promise<void>
}

/** What a drill is about. */
export interface Failure {
  /** As the list of failures in CONTRIBUTING.md counts them; variants share it. */
  readonly number: number
  readonly failure: string
  /** Nobody: it harms servers that the others stand on. */
  readonly beside: 'Others' | 'Nobody'
  readonly shown: Shown
}

/** What a drill does, in this order. */
export interface Acts {
  /** The Source that comes to harm: `public.orders` with rows, streaming, unless told. */
  readonly prepare?: (stage: Stage) => Promise<void>
  readonly cause: (stage: Stage) => Promise<void>
  /** Does what the message says, and nothing else. */
  readonly remedy: (stage: Stage, message: string) => Promise<void>
  /** Throws where something else is not as it must be in the end, when the Source has healed. */
  readonly proof?: (stage: Stage) => Promise<void>
  /** Puts servers right that others stand on, whatever the drill came to. */
  readonly restore?: (stage: Stage) => Promise<void>
}

/** What the status is to say. */
export interface Shown {
  readonly condition: string
  readonly reason: string
  /** What the message names: the thing, and the remedy. */
  readonly message: RegExp
  /** Whether rows still move as far as the Source knows. */
  readonly ready: 'True' | 'False'
}

/** A failure that cannot be caused on one machine with what there is. */
export interface NotHere {
  readonly number: number
  readonly failure: string
  readonly why: string
}

/** A Source named shop on a world of its own, in one of its states. */
export interface Stage {
  readonly world: World
  /** Names of its replication slot, its publication and its connector. */
  readonly slot: string
  readonly publication: string
  readonly connector: string
  /** Applies the Source, with these parts otherwise, and waits for nothing. */
  apply(more?: Partial<SourceSpec>): Promise<void>
  /** Applies it and waits until it is streamed and every row of the snapshot has come. */
  running(more?: Partial<SourceSpec>): Promise<void>
  /** Applies it Stopped and waits until it is, and nobody reads its slot. */
  stopped(more?: Partial<SourceSpec>): Promise<void>
  /** Deletes it, waits until it has gone and applies it anew. */
  remake(): Promise<void>
  /** Inserts, changes and deletes rows of public.orders, others each time. */
  work(): Promise<void>
}
