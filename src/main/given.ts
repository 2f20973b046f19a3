import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { type Backbone, backboneKind } from '../api/backbone.ts'
import { GROUP, VERSION } from '../api/crd/definition.ts'
import { type Manifest, parseManifest } from '../api/manifest.ts'
import { messageOf } from '../lib/verdict.ts'
import type { KubeClient } from '../runtime/kube.ts'
import { installationOf, type OptionalCluster, openCluster, readSecret } from './cluster.ts'

/** The objects of files, and those of the cluster for what the files do not hold. Nothing is written anywhere. */
export interface Given {
  readonly sources: Manifest['sources']
  /** Throws an Error that says how to give it when it is nowhere. */
  backbone(namespace: string, name: string, signal: AbortSignal): Promise<Backbone>
  /** Undefined where the cluster has none; throws an Error that says how to give it where no cluster answers. */
  secret(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | undefined>
  /** The prefix of the cluster's marks; undefined where no cluster tells. */
  installation(signal: AbortSignal): Promise<string | undefined>
  close(): Promise<void>
}

const CLUSTER_LIMIT_MS = 5_000
const BACKBONES = { group: GROUP, version: VERSION, plural: backboneKind.plural }

/** Reads files (`-`: standard input) and prepares to ask the cluster of the current kubeconfig. */
export async function readGiven(options: {
  readonly files: readonly string[]
  readonly namespace?: string
}): Promise<Given> {
  const cluster = openCluster()
  const namespace = options.namespace ?? cluster.namespace
  const manifests: Manifest[] = []
  for (const file of options.files) manifests.push(parseManifest(await readText(file), file, namespace))
  const sources = manifests.flatMap((manifest) => manifest.sources)
  const backbones = manifests.flatMap((manifest) => manifest.backbones)
  const secrets = manifests.flatMap((manifest) => manifest.secrets)
  const files = options.files.join(', ')
  if (sources.length === 0) throw new Error(`there is no Source in ${files}: add one`)

  return {
    sources,
    backbone: async (at, name, signal) => {
      const given = backbones.find(({ metadata }) => metadata.namespace === at && metadata.name === name)
      if (given) return given
      const found = await ask(cluster, (kube, limit) => kube.get(BACKBONES, at, name, limit), signal).catch(
        elsewhere(
          `Backbone ${name} is not in ${files}`,
          `add it to the file (kubectl get backbone ${name} -n ${at} -o yaml), or set KUBECONFIG`,
        ),
      )
      if (!found) throw new Error(`Backbone ${name} is neither in ${files} nor in namespace ${at}: add it`)
      return found as unknown as Backbone
    },
    secret: async (at, name, signal) => {
      const given = secrets.find((secret) => secret.namespace === at && secret.name === name)
      if (given) return given.data
      return ask(cluster, (kube, limit) => readSecret(kube, at, name, limit), signal).catch(
        elsewhere(
          `Secret ${name} is not in ${files}`,
          'add it to the file as a Secret with stringData: {username: …, password: …}, or set KUBECONFIG',
        ),
      )
    },
    installation: (signal) => ask(cluster, installationOf, signal).catch(() => undefined),
    close: () => cluster.close(),
  }
}

function ask<T>(
  { kube, name }: OptionalCluster,
  question: (kube: KubeClient, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  if (!kube) return Promise.reject(new Error(name))
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CLUSTER_LIMIT_MS)])
  return question(kube, limit).catch((error: unknown) => {
    throw new Error(`${name} does not give it (${messageOf(error, 200)})`)
  })
}

const elsewhere =
  (what: string, how: string) =>
  (error: unknown): never => {
    throw new Error(`${what}, and ${messageOf(error)}: ${how}`)
  }

async function readText(file: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(`${file} cannot be read: ${messageOf(error, 200)}`)
  })
}
