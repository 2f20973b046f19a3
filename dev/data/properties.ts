/** Settings of a Java program. */
export type Properties = Readonly<Record<string, string | number | boolean>>

/** The text of a Java properties file. */
export function renderProperties(properties: Properties): string {
  return Object.entries(properties)
    .map(([key, value]) => `${escaped(key).replace(/[ :=]/g, '\\$&')}=${escaped(String(value))}\n`)
    .join('')
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replace(/^[ \t#!]/, '\\$&')
}
