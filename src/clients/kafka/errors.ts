import { messageOf } from '../../lib/verdict.ts'

/** What went wrong with a call to Kafka. */
export type KafkaErrorKind = 'Unreachable' | 'AuthenticationFailed' | 'Refused'

/** An error of Kafka with the act it spoiled, e.g. "cannot create topic a: INVALID_CONFIG …". */
export interface KafkaError extends Error {
  readonly kind: KafkaErrorKind
  /** The broker's own error name such as INVALID_CONFIG, where it gave one. */
  readonly apiId?: string
}

/** Maps what @platformatic/kafka threw to a {@link KafkaError}. */
export function kafkaError(what: string, thrown: unknown): KafkaError {
  const causes = [...flatten(thrown)]
  const refused = causes.find((cause) => apiIdOf(cause) !== undefined)
  const apiId = apiIdOf(refused)
  const detail = messageOf(refused ?? causes.at(-1) ?? thrown, 300)
  return Object.assign(new Error(`cannot ${what}: ${apiId ? `${apiId}: ` : ''}${detail}`), {
    kind: kindOf(causes, apiId),
    ...(apiId ? { apiId } : {}),
  })
}

/** Whether an error is one of {@link kafkaError}. */
export function isKafkaError(thrown: unknown): thrown is KafkaError {
  return thrown instanceof Error && 'kind' in thrown
}

/** Whether a thrown error, or one inside it, is this answer of the broker. */
export function hasApiError(thrown: unknown, apiId: string): boolean {
  return [...flatten(thrown)].some((cause) => apiIdOf(cause) === apiId)
}

/** What was thrown, without this answer of the broker: of many things in one call each may be refused for another reason. */
export function apartFrom(thrown: unknown, apiId: string): unknown {
  const answers = [...flatten(thrown)].filter((cause) => apiIdOf(cause) !== undefined)
  return answers.length === 0 ? thrown : answers.find((cause) => apiIdOf(cause) !== apiId)
}

/** Which of many things in one call an answer of the broker is about, such as `/topics/3`. */
export const pathOf = (thrown: unknown): string => field(thrown, 'path') ?? ''

function kindOf(causes: readonly unknown[], apiId: string | undefined): KafkaErrorKind {
  if (
    apiId === 'SASL_AUTHENTICATION_FAILED' ||
    causes.some((cause) => codeOf(cause) === 'PLT_KFK_AUTHENTICATION')
  ) {
    return 'AuthenticationFailed'
  }
  return apiId === undefined ? 'Unreachable' : 'Refused'
}

/** An error and everything inside it; client errors are trees of AggregateErrors and causes. */
function* flatten(thrown: unknown): Generator<unknown> {
  yield thrown
  if (thrown instanceof AggregateError) for (const inner of thrown.errors) yield* flatten(inner)
  if (thrown instanceof Error && thrown.cause !== undefined) yield* flatten(thrown.cause)
}

const field = (thrown: unknown, name: string): string | undefined => {
  const value: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, name) : undefined
  return typeof value === 'string' ? value : undefined
}
const apiIdOf = (thrown: unknown): string | undefined => field(thrown, 'apiId')
const codeOf = (thrown: unknown): string | undefined => field(thrown, 'code')
