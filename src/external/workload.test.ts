import { afterAll, describe, expect, it } from 'vitest'

import type { WorkloadStatus } from '../contracts/workload.ts'
import { resource } from './contract.ts'
import { converge } from './converge.ts'
import { memoryKube } from './testing/kube.ts'
import { surroundings } from './testing/surroundings.ts'
import { covers, type Manifest, noWorkload, workload } from './workload.ts'

const stop = new AbortController()
afterAll(() => stop.abort())
const signal = () => AbortSignal.timeout(5_000)

describe('covers', () => {
  it.each<readonly [string, unknown, unknown, boolean]>([
    ['what the cluster adds does not count', { a: 1, defaulted: true }, { a: 1 }, true],
    ['a value that differs does', { a: 1 }, { a: 2 }, false],
    ['so does one that is missing', {}, { a: 1 }, false],
    ['defaults inside the items of a list do not count', [{ a: 1, d: 2 }], [{ a: 1 }], true],
    ['another number of items does', [{ a: 1 }, { b: 1 }], [{ a: 1 }], false],
    ['their order does', [1, 2], [2, 1], false],
    ['nothing is covered by everything', { a: 1 }, {}, true],
    ['an object does not cover a list', { 0: 1 }, [1], false],
  ])('%s', (_name, there, wanted, is) => {
    expect(covers(there, wanted)).toBe(is)
  })
})

describe('the health of a workload', () => {
  const manifest: Manifest = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'w', namespace: 'ns', labels: {} },
    spec: { replicas: 1 },
  }
  const unit = { name: 'f', state: 'Running', lag: { records: 0, seconds: 0 }, skipped: 0 } as const
  const answer = (more: Partial<WorkloadStatus> = {}): WorkloadStatus => ({
    role: 'processor',
    version: '1',
    hash: 'new',
    units: [unit],
    ...more,
  })
  const DONE = { observedGeneration: 1, updatedReplicas: 1, readyReplicas: 1 }
  const pod = (phase: string, more: object = {}) => ({
    metadata: { name: 'w-0', ...more },
    status: { phase, podIP: '10.0.0.1' },
  })

  it.each<readonly [string, object, object | undefined, WorkloadStatus | Error, string]>([
    ['its pod runs this configuration', DONE, pod('Running'), answer(), 'Ready Available'],
    [
      'the change has not been seen yet',
      { ...DONE, observedGeneration: 0 },
      pod('Running'),
      answer(),
      'NotReady PodsNotReady',
    ],
    [
      'its pod is not ready',
      { ...DONE, readyReplicas: 0 },
      pod('Running'),
      answer(),
      'NotReady PodsNotReady',
    ],
    [
      'its pod is an old one',
      { ...DONE, updatedReplicas: 0 },
      pod('Running'),
      answer(),
      'NotReady PodsNotReady',
    ],
    [
      'its pod runs another configuration',
      DONE,
      pod('Running'),
      answer({ hash: 'old' }),
      'NotReady PodsNotAnswering',
    ],
    ['its pod does not answer', DONE, pod('Running'), new Error('refused'), 'NotReady PodsNotAnswering'],
    [
      'its pod is on its way out',
      DONE,
      pod('Running', { deletionTimestamp: 'x' }),
      answer(),
      'NotReady PodsNotAnswering',
    ],
    ['there is no pod', DONE, undefined, answer(), 'NotReady PodsNotAnswering'],
    [
      'a flow of it cannot go on',
      DONE,
      pod('Running'),
      answer({ units: [unit, { ...unit, name: 'g', state: 'Failed', error: 'boom' }] }),
      'NotReady UnitFailed',
    ],
  ])('%s', async (_name, status, running, said, expected) => {
    const { kube, objects } = memoryKube()
    const resource = workload(
      {
        ...surroundings(stop.signal),
        kube,
        now: Date.now,
        note: () => '',
        ask: async () => {
          if (said instanceof Error) throw said
          return said
        },
      },
      {
        name: 'w',
        namespace: 'ns',
        manifests: [manifest],
        replicas: 1,
        hash: 'new',
        statusPort: 9_090,
      },
    )
    objects.set('statefulsets/ns/w', { ...manifest, metadata: { name: 'w', generation: 1 }, status })
    if (running) objects.set('pods/ns/w-0', running as { metadata: { name: string } })
    const observed = await resource.observe(signal())
    const health = observed && resource.health(observed)
    expect([health?.type, health?.reason].join(' ')).toBe(expected)
  })

  it('pods are asked at their address, IPv6 in brackets', async () => {
    const { kube, objects } = memoryKube()
    const asked: string[] = []
    const ask = async (address: string) => {
      asked.push(address)
      return answer()
    }
    const resource = workload(
      { ...surroundings(stop.signal), kube, ask, now: Date.now, note: () => '' },
      {
        name: 'w',
        namespace: 'ns',
        manifests: [manifest],
        replicas: 1,
        hash: 'h',
        statusPort: 9_090,
      },
    )
    for (const [name, podIP] of [
      ['w-0', '10.0.0.1'],
      ['w-1', 'fd00::1'],
    ] as const) {
      objects.set(`pods/ns/${name}`, { metadata: { name }, status: { phase: 'Running', podIP } })
    }
    objects.set('statefulsets/ns/w', { ...manifest, metadata: { name: 'w', generation: 1 }, status: DONE })
    await resource.observe(signal())
    expect(asked.slice(0, 2)).toEqual(['http://10.0.0.1:9090/status', 'http://[fd00::1]:9090/status'])
  })

  it('what is not wanted goes where it belongs to the same owner, and is left alone where it does not', async () => {
    const { kube, objects } = memoryKube()
    const owned = (uid: string) => ({ ...manifest, metadata: { name: 'w', ownerReferences: [{ uid }] } })
    const unwanted = noWorkload({ kube }, { name: 'w', namespace: 'ns', manifests: [manifest], owner: 'u1' })
    const left = async () => {
      await converge(resource(unwanted), Date.now, signal())
      return [...objects.keys()]
    }
    expect(await left()).toEqual([])
    objects.set('statefulsets/ns/w', owned('u2'))
    expect(await left()).toEqual(['statefulsets/ns/w'])
    objects.set('statefulsets/ns/w', owned('u1'))
    expect(await left()).toEqual([])
  })
})
