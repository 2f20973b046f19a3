import type { ConfigError, ConnectClient } from '../../clients/connect.ts'
import type { SharedPolls } from '../../external/polls.ts'
import { hashOf } from '../../lib/json.ts'
import { redacted } from '../../lib/redact.ts'
import type { Finding } from '../../sources/preflight.ts'
import type { SourcePlan } from '../../sources/type.ts'

/** Debezium logs in to the database for it: an answer serves preflight and the making of the connector that follows. */
const VALID_MS = 15_000

/** What Connect finds wrong with a configuration, asked at most every 15 s; its answer may hold secrets, of which the client keeps none. */
export function validated(
  polls: SharedPolls,
  user: string,
  { client, url }: { readonly client: Pick<ConnectClient, 'validate'>; readonly url: string },
  config: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<readonly ConfigError[]> {
  const poll = {
    key: `validate ${url} ${hashOf(config)}`,
    everyMs: 3_600_000,
    ask: (asked: AbortSignal) => client.validate(config, asked),
    fingerprint: (errors: readonly ConfigError[]) => JSON.stringify(errors),
  }
  return polls.recent(poll, user, signal, VALID_MS)
}

/** What Connect's refusal of a configuration means; `loggedIn` tells that our own login to the database works. */
export function configFinding(
  plan: Pick<SourcePlan, 'refusesLogin' | 'secrets'>,
  errors: readonly ConfigError[],
  loggedIn: boolean,
): Finding {
  const text = redacted(
    errors.map(({ name, message }) => `${name}: ${message}`).join('; '),
    plan.secrets,
  ).slice(0, 800)
  const error = (check: string, found: string, remedy: string): Finding => ({
    ...{ check, level: 'Error', found, remedy },
  })
  const overrides = errors.filter(({ name }) => name.startsWith('producer.override.'))
  if (overrides.length > 0) {
    return error(
      'ProducerOverrideRefused',
      `the workers do not let a connector set ${overrides.map(({ name }) => name).join(', ')}`,
      'set connector.client.config.override.policy=All on the workers (or add these to the allowlist) and restart them',
    )
  }
  if (loggedIn && errors.some(({ message }) => plan.refusesLogin(message))) {
    return error(
      'SecretNotResolvedByConnect',
      `our login to the database works, but that of Kafka Connect is refused: its workers do not read the Secret, or read an old one (${text})`,
      'see that the config provider which connect.external.secrets.template names is configured on every worker and reads this Secret',
    )
  }
  return error(
    'ConfigRefused',
    `Kafka Connect finds the connector's configuration wrong: ${text}`,
    'correct what it names, and see that the worker reaches the database under the same host',
  )
}
