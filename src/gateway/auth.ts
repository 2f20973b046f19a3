import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'

import type { GatewayAuth } from '../contracts/gateway.ts'
import { messageOf } from '../lib/verdict.ts'
import type { Claims } from './policy.ts'

/** What became of a token. */
export type AuthResult =
  /** `exp`: when it ends, ms since 1970; undefined: never. */
  | { readonly type: 'Accepted'; readonly claims: Claims; readonly exp: number | undefined }
  | { readonly type: 'Refused'; readonly message: string }
  /** It could not be checked now: the keys cannot be read. */
  | { readonly type: 'Unavailable'; readonly message: string }

/** Checks tokens; never throws. */
export type Authenticate = (token: string | undefined) => Promise<AuthResult>

/** Algorithms with a public key only: a secret shared with a gateway could forge tokens. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** Keys of an issuer by its JWKS address, kept for ten minutes and asked for at most every 10 s. */
export function remoteKeys(jwksUrl: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: 5_000, cooldownDuration: 10_000 })
}

/** How a gateway with this configuration checks who connects. */
export function authenticator(auth: GatewayAuth, keysOf: (jwksUrl: string) => JWTVerifyGetKey): Authenticate {
  if (auth.type === 'Anonymous')
    return () => Promise.resolve({ type: 'Accepted', claims: {}, exp: undefined })
  const keys = keysOf(auth.jwksUrl)
  const checks = {
    issuer: auth.issuer,
    ...(auth.audience === undefined ? {} : { audience: auth.audience }),
    algorithms: ALGORITHMS,
    requiredClaims: ['exp'],
    clockTolerance: 5,
  }
  return async (token) => {
    if (token === undefined) return { type: 'Refused', message: 'a token is needed' }
    try {
      const { payload } = await jwtVerify(token, keys, checks)
      return { type: 'Accepted', claims: payload, exp: (payload.exp ?? 0) * 1_000 }
    } catch (error) {
      return refusal(error)
    }
  }
}

function refusal(error: unknown): AuthResult {
  const unreachable = !(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout
  if (unreachable || isBadAnswer(error)) {
    return { type: 'Unavailable', message: `the issuer's keys cannot be read: ${messageOf(error, 200)}` }
  }
  return { type: 'Refused', message: `the token is refused: ${messageOf(error, 200)}` }
}

/** jose 6 throws a bare JOSEError when the JWKS answer is no 200 or no JSON. */
const isBadAnswer = (error: unknown): boolean =>
  error instanceof errors.JWKSInvalid || (error instanceof Error && error.constructor === errors.JOSEError)
