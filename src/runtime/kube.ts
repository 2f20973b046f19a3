import type { Dispatcher } from 'undici'

import { isObject } from '../lib/json.ts'

/** A type of resource of the Kubernetes API. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
}

/** Metadata of an object, as far as anyone here reads it. */
export interface KubeMetadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly finalizers?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly {
    readonly kind: string
    readonly name: string
    readonly uid?: string
  }[]
}

/** Anything that the API server stores; further fields are there as JSON. */
export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: KubeMetadata
  readonly spec?: unknown
  readonly status?: unknown
  /** Of Secrets and ConfigMaps. */
  readonly data?: Readonly<Record<string, string>>
}

/** An answer of the API server other than 2xx; `status` is the HTTP status, `reason` its machine-readable word. */
export interface KubeError extends Error {
  readonly status: number
  readonly reason: string
  /** From Retry-After, where the server sent one. */
  readonly retryAfterMs?: number
}

/** Whether something thrown is a {@link KubeError}, with this HTTP status where one is given. */
export function isKubeError(thrown: unknown, status?: number): thrown is KubeError {
  return (
    thrown instanceof Error &&
    thrown.name === 'KubeError' &&
    (status === undefined || ('status' in thrown && thrown.status === status))
  )
}

/** One page of a list. */
export interface Page {
  readonly items: readonly KubeObject[]
  readonly resourceVersion: string
  readonly next?: string
}

/** How requests get to the API server: a pooled connection and fresh credentials (see credentials.ts). */
export interface KubeTransport {
  request(options: {
    method: Dispatcher.HttpMethod
    path: string
    headers: Readonly<Record<string, string>>
    body?: string
    signal: AbortSignal
    /** Whether the answer goes on for long, as a watch's does. */
    lasting?: boolean
  }): Promise<Dispatcher.ResponseData>
}

/** Typed calls to the API server on raw JSON: no field is ever dropped, which generated models do. */
export interface KubeClient {
  get(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    signal: AbortSignal,
  ): Promise<KubeObject | undefined>
  list(type: ResourceType, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Page>
  listIn(
    type: ResourceType,
    namespace: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Page>
  /** The raw body of a watch, one JSON event a line. */
  watch(
    type: ResourceType,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData['body']>
  /** Server-side apply with forced ownership: the body is everything that this manager wants. */
  apply(
    type: ResourceType,
    object: KubeObject,
    manager: string,
    signal: AbortSignal,
    subresource?: 'status',
  ): Promise<KubeObject>
  /** Merge patch; with metadata.resourceVersion in it, 409 when the object has changed since. */
  merge(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    patch: object,
    signal: AbortSignal,
  ): Promise<KubeObject>
  create(type: ResourceType, object: KubeObject, signal: AbortSignal): Promise<KubeObject>
  /** Gone already is success. Dependents go in the background. */
  remove(type: ResourceType, namespace: string | undefined, name: string, signal: AbortSignal): Promise<void>
}

/** A client over a transport. Every call throws {@link KubeError} for an answer other than 2xx. */
export function createKubeClient(transport: KubeTransport): KubeClient {
  const send = (
    method: Dispatcher.HttpMethod,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    contentType = 'application/json',
  ) =>
    transport.request({
      method,
      path,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': contentType }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    })
  const json = async (
    method: Dispatcher.HttpMethod,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    contentType?: string,
  ) => {
    const response = await send(method, path, signal, body, contentType)
    const answer: unknown = await response.body.json().catch(() => undefined)
    if (response.statusCode >= 300) throw kubeError(response, answer)
    return answer
  }
  const page = async (path: string, signal: AbortSignal): Promise<Page> => {
    const answer = (await json('GET', path, signal)) as {
      items?: KubeObject[]
      metadata: { resourceVersion: string; continue?: string }
    }
    return {
      items: answer.items ?? [],
      resourceVersion: answer.metadata.resourceVersion,
      ...(answer.metadata.continue ? { next: answer.metadata.continue } : {}),
    }
  }

  return {
    get: (type, namespace, name, signal) =>
      json('GET', pathOf(type, namespace, name), signal).then(
        (object) => object as KubeObject,
        (error: unknown) => (isKubeError(error, 404) ? undefined : Promise.reject(error)),
      ),
    list: (type, query, signal) => page(withQuery(pathOf(type), query), signal),
    listIn: (type, namespace, query, signal) => page(withQuery(pathOf(type, namespace), query), signal),
    watch: async (type, query, signal) => {
      const response = await transport.request({
        method: 'GET',
        path: withQuery(pathOf(type), { ...query, watch: 'true' }),
        headers: { accept: 'application/json' },
        signal,
        lasting: true,
      })
      if (response.statusCode >= 300)
        throw kubeError(response, await response.body.json().catch(() => undefined))
      return response.body
    },
    apply: async (type, object, manager, signal, subresource) => {
      const path = `${pathOf(type, object.metadata.namespace, object.metadata.name)}${subresource ? `/${subresource}` : ''}`
      const query = { fieldManager: manager, force: 'true' }
      return (await json(
        'PATCH',
        withQuery(path, query),
        signal,
        object,
        'application/apply-patch+yaml',
      )) as KubeObject
    },
    merge: async (type, namespace, name, patch, signal) =>
      (await json(
        'PATCH',
        pathOf(type, namespace, name),
        signal,
        patch,
        'application/merge-patch+json',
      )) as KubeObject,
    create: async (type, object, signal) =>
      (await json('POST', pathOf(type, object.metadata.namespace), signal, object)) as KubeObject,
    remove: async (type, namespace, name, signal) => {
      await json('DELETE', pathOf(type, namespace, name), signal, { propagationPolicy: 'Background' }).catch(
        (error: unknown) => (isKubeError(error, 404) ? undefined : Promise.reject(error)),
      )
    },
  }
}

function pathOf({ group, version, plural }: ResourceType, namespace?: string, name?: string): string {
  const parts = [group ? `/apis/${group}/${version}` : `/api/${version}`]
  if (namespace) parts.push('namespaces', encodeURIComponent(namespace))
  parts.push(plural)
  if (name) parts.push(encodeURIComponent(name))
  return parts.join('/')
}

function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString()
  return text ? `${path}?${text}` : path
}

function kubeError(response: Dispatcher.ResponseData, answer: unknown): KubeError {
  const { message, reason } = isObject(answer) ? answer : {}
  const retryAfter = Number(response.headers['retry-after'])
  return Object.assign(new Error(typeof message === 'string' ? message : `HTTP ${response.statusCode}`), {
    name: 'KubeError',
    status: response.statusCode,
    reason: typeof reason === 'string' ? reason : '',
    ...(retryAfter > 0 ? { retryAfterMs: retryAfter * 1_000 } : {}),
  })
}
