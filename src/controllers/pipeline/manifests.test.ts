import { describe, expect, it } from 'vitest'

import type { Manifest } from '../../external/workload.ts'
import { isObject } from '../../lib/json.ts'
import {
  gatewayManifests,
  kafkaAccess,
  namesOf,
  podLabels,
  processorManifests,
  type WorkloadInput,
} from './manifests.ts'
import { backboneOf, pipelineOf } from './testing.ts'

const input = (role: WorkloadInput['role'], more: Partial<WorkloadInput> = {}): WorkloadInput => ({
  pipeline: pipelineOf(),
  backbone: backboneOf(),
  role,
  image: { name: 'penstock:1', pullPolicy: 'IfNotPresent' },
  replicas: 2,
  config: { hash: 'h' },
  hash: 'h',
  ...more,
})
/** The value at a path such as spec.template.spec. */
const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((found, key) => {
    if (Array.isArray(found)) return found[Number(key)]
    return isObject(found) ? found[key] : undefined
  }, value)
const roles = [
  ['processor', processorManifests, 'StatefulSet'],
  ['gateway', gatewayManifests, 'Deployment'],
] as const

describe.each(roles)('a %s', (role, make, runner) => {
  const manifests = make(input(role))
  const last = manifests.at(-1) as Manifest

  it('is a ConfigMap, a Service and what runs its pods, in this order', () => {
    expect(manifests.map(({ kind }) => kind)).toEqual(['ConfigMap', 'Service', runner])
  })

  it('is removed by the same names', () => {
    const names = (of: readonly Manifest[]) =>
      of.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name])
    expect(names(namesOf(pipelineOf(), role))).toEqual(names(manifests))
  })

  it('goes with its Pipeline and is found by its labels', () => {
    for (const { metadata } of manifests) {
      expect(metadata.ownerReferences).toEqual([
        expect.objectContaining({ kind: 'Pipeline', name: 'p', uid: 'u', controller: true }),
      ])
      expect(metadata.labels).toMatchObject(podLabels(pipelineOf(), role))
    }
    expect(at(last, 'spec.template.metadata.labels')).toEqual(at(last, 'spec.selector.matchLabels'))
  })

  it('rolls its pods when the configuration changes, and only then', () => {
    const hashOf = (hash: string) =>
      at(make(input(role, { hash })).at(-1), 'spec.template.metadata.annotations')
    expect(hashOf('h')).toEqual({ 'penstock.dev/config-hash': 'h' })
    expect(hashOf('i')).not.toEqual(hashOf('h'))
  })

  it('runs without rights: no root, no token, a root file system that cannot be written', () => {
    expect(at(last, 'spec.template.spec')).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true },
    })
    expect(at(last, 'spec.template.spec.containers.0.securityContext')).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })

  it('has the resources that the Pipeline gives it, and none of its own', () => {
    const resources = { limits: { memory: '1Gi' } }
    const given = make(input(role, { pipeline: pipelineOf({ [role]: { resources } }) })).at(-1)
    expect(at(given, 'spec.template.spec.containers.0.resources')).toEqual(resources)
    expect(at(last, 'spec.template.spec.containers.0.resources')).toBeUndefined()
  })

  it('reads secrets as files, which no configuration and no variable holds', () => {
    const backbone = backboneOf({
      tls: { caSecretRef: { name: 'my-ca' }, clientCertificateSecretRef: { name: 'my-cert' } },
      sasl: { mechanism: 'SCRAM-SHA-512', credentialsSecretRef: { name: 'my-login' } },
    })
    const spec = at(make(input(role, { backbone })).at(-1), 'spec.template.spec')
    const volumes = at(spec, 'volumes') as readonly { name: string; secret?: { secretName: string } }[]
    const mounts = at(spec, 'containers.0.volumeMounts') as readonly { name: string; readOnly: boolean }[]
    expect(volumes.flatMap(({ secret }) => secret?.secretName ?? [])).toEqual([
      'my-ca',
      'my-cert',
      'my-login',
    ])
    expect(mounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name))
    expect(mounts.every(({ readOnly }) => readOnly)).toBe(true)
  })
})

describe('a gateway’s Service', () => {
  it.each([
    ['is inside the cluster, on port 80, where nothing is said', undefined, 'ClusterIP', 80],
    ['is what the Pipeline says', { type: 'LoadBalancer', port: 8_443 } as const, 'LoadBalancer', 8_443],
  ])('%s', (_name, service, type, port) => {
    const pipeline = pipelineOf(service ? { gateway: { service } } : {})
    const made = gatewayManifests(input('gateway', { pipeline })).find(({ kind }) => kind === 'Service')
    expect(at(made, 'spec.type')).toBe(type)
    expect(at(made, 'spec.ports.0')).toMatchObject({ port, targetPort: 8_080 })
  })
})

describe('how pods reach Kafka', () => {
  it.each([
    ['plain', {}, {}],
    ['TLS with the system’s authorities', { tls: {} }, { tls: {} }],
    [
      'TLS with an authority and a certificate of one’s own',
      { tls: { caSecretRef: { name: 'a', key: 'root.pem' }, clientCertificateSecretRef: { name: 'c' } } },
      {
        tls: {
          caFile: '/etc/penstock-kafka/ca/root.pem',
          certFile: '/etc/penstock-kafka/client/tls.crt',
          keyFile: '/etc/penstock-kafka/client/tls.key',
        },
      },
    ],
    [
      'a login',
      { sasl: { mechanism: 'PLAIN', credentialsSecretRef: { name: 'l' } } },
      { sasl: { mechanism: 'PLAIN', credentialsDir: '/etc/penstock-kafka/login' } },
    ],
  ] as const)('%s', (_name, kafka, access) => {
    expect(kafkaAccess(backboneOf(kafka))).toEqual({ bootstrapServers: ['k:9092'], ...access })
  })
})
