import { parseAllDocuments } from 'yaml'
import { isObject } from '../lib/json.ts'
import { messageOf } from '../lib/verdict.ts'
import { type Backbone, backboneKind } from './backbone.ts'
import type { ObjectMeta, Resource } from './common.ts'
import { API_VERSION, type KindDefinition } from './crd/definition.ts'
import { validate } from './crd/validate.ts'
import { type Source, sourceKind } from './source/index.ts'

/** A Secret's data by key, decoded. */
export interface SecretManifest {
  readonly namespace: string
  readonly name: string
  readonly data: Readonly<Record<string, string>>
}

/** The objects of a file of which a Source is made; others are passed over. */
export interface Manifest {
  readonly sources: readonly Source[]
  readonly backbones: readonly Backbone[]
  readonly secrets: readonly SecretManifest[]
}

/**
 * Reads the YAML or JSON documents of a file; `namespace` is that of objects which name none. Throws an Error that
 * names the file, the object and every field that an API server would refuse.
 */
export function parseManifest(text: string, file: string, namespace: string): Manifest {
  const objects = documentsOf(text, file).flatMap((value) => {
    if (!isObject(value)) throw new Error(`${file} holds something that is no object: ${short(value)}`)
    return value['kind'] === 'List' && Array.isArray(value['items'])
      ? value['items'].filter(isObject)
      : [value]
  })
  const ours = <R extends Resource<unknown, unknown>>(definition: KindDefinition): readonly R[] =>
    objects
      .filter(({ kind }) => kind === definition.kind)
      .map((object) => resourceOf(definition, object, file, namespace) as R)
  return {
    sources: ours<Source>(sourceKind),
    backbones: ours<Backbone>(backboneKind),
    secrets: objects
      .filter(({ kind, apiVersion }) => kind === 'Secret' && apiVersion === 'v1')
      .map((object) => secretOf(object, file, namespace)),
  }
}

function documentsOf(text: string, file: string): readonly unknown[] {
  const documents = parseAllDocuments(text)
  return ('empty' in documents ? [] : documents).flatMap((document) => {
    const [error] = document.errors
    if (error) throw new Error(`${file} is not YAML: ${messageOf(error).split('\n')[0]}`)
    const value: unknown = document.toJS()
    return value === null || value === undefined ? [] : [value]
  })
}

function resourceOf(
  definition: KindDefinition,
  object: Record<string, unknown>,
  file: string,
  namespace: string,
): Resource<unknown, unknown> {
  const { kind } = definition
  if (object['apiVersion'] !== API_VERSION) {
    throw new Error(
      `${file}: a ${kind} of apiVersion ${String(object['apiVersion'])} is not known: write ${API_VERSION}`,
    )
  }
  const named = metadataOf(object, file, namespace)
  const errors = validate(definition, { ...object, status: undefined })
  if (errors.length > 0) {
    const shown = errors.slice(0, 10).map(({ field, message }) => `  ${field} ${message}`)
    const more = errors.length > shown.length ? [`  and ${errors.length - shown.length} more`] : []
    throw new Error([`${file}: ${kind} ${named.name} cannot be applied:`, ...shown, ...more].join('\n'))
  }
  return {
    apiVersion: API_VERSION,
    kind,
    metadata: named,
    spec: definition.spec.parse(object['spec']),
    ...(object['status'] === undefined ? {} : { status: object['status'] }),
  }
}

function metadataOf(object: Record<string, unknown>, file: string, namespace: string): ObjectMeta {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {}
  const { name } = metadata
  if (typeof name !== 'string')
    throw new Error(`${file}: a ${String(object['kind'])} has no metadata.name: add it`)
  return {
    namespace,
    uid: '',
    resourceVersion: '',
    generation: 1,
    creationTimestamp: '',
    ...metadata,
    name,
  }
}

function secretOf(object: Record<string, unknown>, file: string, fallback: string): SecretManifest {
  const { name, namespace } = metadataOf(object, file, fallback)
  const { data, stringData } = object
  const texts = (value: unknown): readonly (readonly [string, string])[] =>
    isObject(value) ? Object.entries(value).map(([key, text]) => [key, String(text)]) : []
  return {
    namespace,
    name,
    data: Object.fromEntries([
      ...texts(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
      ...texts(stringData),
    ]),
  }
}

const short = (value: unknown): string => String(JSON.stringify(value)).slice(0, 80)
