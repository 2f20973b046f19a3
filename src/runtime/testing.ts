import { Readable } from 'node:stream'

import type { KubeClient, KubeObject, Page } from './kube.ts'

/** One watch: send it events, then end it. */
export interface Watch {
  readonly query: Readonly<Record<string, string>>
  send(event: object): void
  end(): void
  /** Half a line, and then a connection that is reset. */
  break(text: string): void
  readonly closed: boolean
}

/** A Kubernetes API whose lists and watches a test drives. */
export interface FakeKube {
  readonly kube: KubeClient
  readonly watches: Watch[]
  /** Of the lists. */
  readonly queries: Readonly<Record<string, string>>[]
}

/** A page of a list. */
export const page = (resourceVersion: string, items: readonly KubeObject[], next?: string): Page => ({
  items,
  resourceVersion,
  ...(next ? { next } : {}),
})

/** An error of the API server. */
export function kubeError(status: number, more: object = {}): Error {
  return Object.assign(new Error(`HTTP ${status}`), { name: 'KubeError', status, reason: '', ...more })
}

/** An API that answers lists with these pages, one after the other, and refuses initial events when it has any. */
export function fakeKube(answers: readonly (Page | Error)[]): FakeKube {
  const left = [...answers]
  const watches: Watch[] = []
  const queries: Readonly<Record<string, string>>[] = []
  const unused = () => Promise.reject(new Error('not part of this test'))
  const kube: KubeClient = {
    get: unused,
    listIn: unused,
    apply: unused,
    merge: unused,
    create: unused,
    remove: unused,
    list: async (_type, query) => {
      queries.push(query)
      const answer = left.length > 1 ? left.shift() : left[0]
      if (answer instanceof Error || !answer) throw answer
      return answer
    },
    watch: async (_type, query, signal) => {
      if (answers.length > 0 && 'sendInitialEvents' in query) throw kubeError(422)
      const body = new Readable({ read: () => undefined })
      signal.addEventListener('abort', () => body.destroy(signal.reason as Error), { once: true })
      watches.push({
        query,
        send: (event) => void body.push(`${JSON.stringify(event)}\n`),
        end: () => void body.push(null),
        break: (text) => {
          body.push(text)
          setImmediate(() => body.destroy(new Error('ECONNRESET')))
        },
        get closed() {
          return body.destroyed
        },
      })
      return body as unknown as Awaited<ReturnType<KubeClient['watch']>>
    },
  }
  return { kube, watches, queries }
}
