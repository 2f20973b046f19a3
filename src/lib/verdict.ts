/** What the thrower knows about what must happen next; see {@link Waiting} and {@link Stalled}. */
export interface VerdictDetail {
  /** CamelCase, stable, read by machines. */
  readonly reason: string
  /** One sentence for a person: what is so, and what to do. At most 1 KiB is shown. */
  readonly message: string
}

/** Not yet: the world has to change first, and it is looked at again after `afterMs` milliseconds. */
export class Waiting extends Error implements VerdictDetail {
  readonly reason: string
  readonly afterMs: number

  constructor(reason: string, message: string, afterMs = 5_000) {
    super(message)
    this.name = 'Waiting'
    this.reason = reason
    this.afterMs = afterMs
  }
}

/** Not so: only a person can help, by changing the spec or the thing that the message names. */
export class Stalled extends Error implements VerdictDetail {
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.name = 'Stalled'
    this.reason = reason
  }
}

/** The text of whatever was thrown, without a stack, cut to `limit` characters. */
export function messageOf(thrown: unknown, limit = 1_000): string {
  const text = thrown instanceof Error ? describe(thrown) : String(thrown)
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`
}

function describe(error: Error): string {
  if (error.message) return error.message
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return 'code' in error ? String(error.code) : error.name
}
