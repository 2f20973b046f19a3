import type { Backbone } from '../../api/backbone.ts'
import { API_VERSION } from '../../api/crd/definition.ts'
import { workloadName } from '../../api/names.ts'
import type { Pipeline } from '../../api/pipeline.ts'
import type { KafkaAccess } from '../../contracts/workload.ts'
import type { Manifest } from '../../external/workload.ts'

/** Port of `GET /status`, probes and metrics of both roles. */
export const STATUS_PORT = 9090
/** Port on which a gateway's clients connect. */
export const GATEWAY_PORT = 8080

const CONFIG_DIR = '/etc/penstock'
const KAFKA_DIR = '/etc/penstock-kafka'

/** What runs the pods: the operator's own image, unless told otherwise. */
export interface Image {
  readonly name: string
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never'
}

/** How a workload is made. */
export interface WorkloadInput {
  readonly pipeline: Pipeline
  readonly backbone: Backbone
  readonly role: 'processor' | 'gateway'
  readonly image: Image
  readonly replicas: number
  /** config.json, and its hash, which is among the pods' annotations so that they are rolled when it changes. */
  readonly config: object
  readonly hash: string
}

/** Labels that select a workload's pods. */
export function podLabels(
  { metadata }: Pipeline,
  role: 'processor' | 'gateway',
): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': `penstock-${role}`,
    'app.kubernetes.io/instance': workloadName(metadata, role),
  }
}

/** A processor: a StatefulSet, since group members and state need stable names, with its configuration. */
export function processorManifests(input: WorkloadInput): readonly Manifest[] {
  const name = workloadName(input.pipeline.metadata, 'processor')
  return [
    configMap(input),
    manifest(input, 'v1', 'Service', {
      spec: {
        clusterIP: 'None',
        selector: podLabels(input.pipeline, 'processor'),
        ports: [port('status', STATUS_PORT)],
      },
    }),
    manifest(input, 'apps/v1', 'StatefulSet', {
      spec: {
        serviceName: name,
        replicas: input.replicas,
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: podLabels(input.pipeline, 'processor') },
        template: podTemplate(input, [
          ...['processor', '--config', `${CONFIG_DIR}/config.json`, '--listen', `0.0.0.0:${STATUS_PORT}`],
        ]),
      },
    }),
  ]
}

/** A gateway: a Deployment with its configuration and the Service that clients use. */
export function gatewayManifests(input: WorkloadInput): readonly Manifest[] {
  const { type = 'ClusterIP', port: servicePort = 80 } = input.pipeline.spec.gateway?.service ?? {}
  const selector = podLabels(input.pipeline, 'gateway')
  return [
    configMap(input),
    manifest(input, 'v1', 'Service', {
      spec: {
        type,
        selector,
        ports: [{ name: 'http', port: servicePort, targetPort: GATEWAY_PORT, protocol: 'TCP' }],
      },
    }),
    manifest(input, 'apps/v1', 'Deployment', {
      spec: {
        replicas: input.replicas,
        selector: { matchLabels: selector },
        template: podTemplate(input, [
          ...['gateway', '--config', `${CONFIG_DIR}/config.json`, '--listen', `0.0.0.0:${GATEWAY_PORT}`],
          ...['--status-listen', `0.0.0.0:${STATUS_PORT}`],
        ]),
      },
    }),
  ]
}

/** The objects of a workload by name alone, for their removal. */
export function namesOf(pipeline: Pipeline, role: 'processor' | 'gateway'): readonly Manifest[] {
  const runner = role === 'processor' ? 'StatefulSet' : 'Deployment'
  return [['v1', 'ConfigMap'] as const, ['v1', 'Service'] as const, ['apps/v1', runner] as const].map(
    ([apiVersion, kind]) => ({
      apiVersion,
      kind,
      metadata: {
        name: workloadName(pipeline.metadata, role),
        namespace: pipeline.metadata.namespace,
        labels: {},
      },
    }),
  )
}

/** How a workload's pods reach Kafka: the Backbone's address, its Secrets as files. */
export function kafkaAccess({ spec }: Backbone): KafkaAccess {
  const { bootstrapServers, tls, sasl } = spec.kafka
  return {
    bootstrapServers,
    ...(tls
      ? {
          tls: {
            ...(tls.caSecretRef ? { caFile: `${KAFKA_DIR}/ca/${tls.caSecretRef.key ?? 'ca.crt'}` } : {}),
            ...(tls.clientCertificateSecretRef
              ? { certFile: `${KAFKA_DIR}/client/tls.crt`, keyFile: `${KAFKA_DIR}/client/tls.key` }
              : {}),
          },
        }
      : {}),
    ...(sasl ? { sasl: { mechanism: sasl.mechanism, credentialsDir: `${KAFKA_DIR}/login` } } : {}),
  }
}

function manifest(
  { pipeline, role }: WorkloadInput,
  apiVersion: string,
  kind: string,
  body: Pick<Manifest, 'spec' | 'data'>,
): Manifest {
  const { namespace, name, uid } = pipeline.metadata
  return {
    apiVersion,
    kind,
    metadata: {
      name: workloadName(pipeline.metadata, role),
      namespace,
      labels: { ...podLabels(pipeline, role), 'app.kubernetes.io/managed-by': 'penstock' },
      ownerReferences: [
        { apiVersion: API_VERSION, kind: 'Pipeline', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    ...body,
  }
}

const configMap = (input: WorkloadInput): Manifest =>
  manifest(input, 'v1', 'ConfigMap', { data: { 'config.json': JSON.stringify(input.config) } })

const port = (name: string, containerPort: number) => ({
  name,
  port: containerPort,
  targetPort: containerPort,
  protocol: 'TCP',
})

function podTemplate(input: WorkloadInput, args: readonly string[]): object {
  const { pipeline, backbone, role, image, hash } = input
  const secrets = kafkaSecrets(backbone)
  const resources = pipeline.spec[role]?.resources
  return {
    metadata: { labels: podLabels(pipeline, role), annotations: { 'penstock.dev/config-hash': hash } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 20,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        fsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: role,
          image: image.name,
          imagePullPolicy: image.pullPolicy,
          args: [...args],
          env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          ports: [{ name: 'status', containerPort: STATUS_PORT, protocol: 'TCP' }],
          livenessProbe: {
            httpGet: { path: '/healthz', port: STATUS_PORT },
            periodSeconds: 10,
            timeoutSeconds: 5,
            failureThreshold: 6,
          },
          readinessProbe: {
            httpGet: { path: '/readyz', port: STATUS_PORT },
            periodSeconds: 2,
            timeoutSeconds: 2,
          },
          ...(resources ? { resources } : {}),
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [
            { name: 'config', mountPath: CONFIG_DIR, readOnly: true },
            ...secrets.map(({ name }) => ({
              name: `kafka-${name}`,
              mountPath: `${KAFKA_DIR}/${name}`,
              readOnly: true,
            })),
          ],
        },
      ],
      volumes: [
        { name: 'config', configMap: { name: workloadName(pipeline.metadata, role) } },
        ...secrets.map(({ name, secretName }) => ({ name: `kafka-${name}`, secret: { secretName } })),
      ],
    },
  }
}

function kafkaSecrets({ spec }: Backbone): readonly { readonly name: string; readonly secretName: string }[] {
  const { tls, sasl } = spec.kafka
  return [
    ...(tls?.caSecretRef ? [{ name: 'ca', secretName: tls.caSecretRef.name }] : []),
    ...(tls?.clientCertificateSecretRef
      ? [{ name: 'client', secretName: tls.clientCertificateSecretRef.name }]
      : []),
    ...(sasl ? [{ name: 'login', secretName: sasl.credentialsSecretRef.name }] : []),
  ]
}
