/** ECMAScript's JSON.rawJSON, which Node 24 has and TypeScript's es2024 library does not. */
interface JSON {
  rawJSON(text: string): unknown
}
