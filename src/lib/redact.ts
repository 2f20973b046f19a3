/** A text without these secrets: others quote values that they were given, or have resolved. */
export function redacted(text: string, secrets: readonly string[]): string {
  return secrets.reduce((safe, secret) => (secret ? safe.replaceAll(secret, '***') : safe), text)
}
