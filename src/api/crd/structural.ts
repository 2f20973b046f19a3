/** JSON Schema as zod writes it and as a CRD takes it. */
export interface Schema {
  type?: string
  format?: string
  minimum?: number
  maximum?: number
  maxLength?: number
  maxItems?: number
  maxProperties?: number
  pattern?: string
  enum?: readonly unknown[]
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  anyOf?: unknown
  [key: string]: unknown
}

/** Formats that API server 1.34 checks; any other would be accepted with a warning and ignored. */
const FORMATS = new Set(['duration', 'uri', 'date-time', 'int32', 'int64', 'double'])

const KEYWORDS = new Set([
  ...['type', 'format', 'description', 'default', 'enum', 'nullable', 'required', 'properties', 'items'],
  ...['additionalProperties', 'minimum', 'maximum', 'exclusiveMinimum', 'minLength', 'maxLength', 'pattern'],
  ...['minItems', 'maxItems', 'minProperties', 'maxProperties'],
])

/**
 * Turns zod's JSON Schema into a structural schema (apiextensions v1). Throws with the path for what an API server
 * would refuse, and for a list, map or text without a bound, which CEL's cost estimate needs.
 */
export function structural(schema: Schema, path = '(root)'): Schema {
  const node = dropNoise({ ...schema })
  for (const keyword of Object.keys(node)) {
    if (!KEYWORDS.has(keyword) && !keyword.startsWith('x-kubernetes-')) fail(path, `keyword ${keyword}`)
  }
  requireBounds(node, path)
  if (node.properties) {
    node.properties = Object.fromEntries(
      Object.entries(node.properties).map(([name, child]) => [name, structural(child, `${path}.${name}`)]),
    )
  }
  if (node.items) node.items = structural(node.items, `${path}[]`)
  if (typeof node.additionalProperties === 'object') {
    node.additionalProperties = structural(node.additionalProperties, `${path}{}`)
  }
  return node
}

function dropNoise(node: Schema): Schema {
  if (node['x-kubernetes-int-or-string']) {
    delete node.anyOf
    delete node.type
  }
  if (node['x-kubernetes-preserve-unknown-fields'] || node.additionalProperties === false) {
    delete node.additionalProperties
  }
  delete node['propertyNames']
  if (node.format && !FORMATS.has(node.format)) delete node.format
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum
  if (node.type === 'integer') node.format ??= (node.maximum ?? Infinity) < 2 ** 31 ? 'int32' : 'int64'
  // The server drops an empty `properties`, and client-side apply would then report a change for ever.
  if (node.properties && Object.keys(node.properties).length === 0) delete node.properties
  return node
}

function requireBounds(node: Schema, path: string): void {
  if (!node.type && !node['x-kubernetes-int-or-string']) fail(path, 'no type')
  if (node.type === 'array' && node.maxItems === undefined) fail(path, 'a list without maxItems')
  if (node.type === 'string' && !node.enum && !node.format && node.maxLength === undefined) {
    fail(path, 'a text without maxLength')
  }
  if (typeof node.additionalProperties === 'object' && node.maxProperties === undefined) {
    fail(path, 'a map without maxProperties')
  }
  if (node.pattern && /\(\?[=!<]/.test(node.pattern)) fail(path, 'a pattern that RE2 does not know')
}

function fail(path: string, what: string): never {
  throw new Error(`${path}: ${what} cannot stand in a CRD`)
}
