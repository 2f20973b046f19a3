import { inject } from 'vitest'
import type { KubeClient, KubeObject } from '../../src/runtime/kube.ts'

const limit = () => AbortSignal.timeout(20_000)
const rbac = (plural: string) => ({ group: 'rbac.authorization.k8s.io', version: 'v1', plural })
const flowControl = (plural: string) => ({ group: 'flowcontrol.apiserver.k8s.io', version: 'v1', plural })
const FLOW_CONTROL = 'flowcontrol.apiserver.k8s.io/v1'

/** Lets a user do everything, with limits of its own in the API server's flow control. */
export async function allowAll(kube: KubeClient, user: string): Promise<void> {
  const binding: KubeObject & Record<string, unknown> = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  }
  await kube.create(rbac('clusterrolebindings'), binding, limit())
}

/** Makes the API server refuse every request of a user with 429 and Retry-After until the returned function is called. */
export async function refuseAll(kube: KubeClient, user: string): Promise<() => Promise<void>> {
  const [levels, schemas] = [flowControl('prioritylevelconfigurations'), flowControl('flowschemas')]
  const limited = {
    nominalConcurrencyShares: 0,
    lendablePercent: 0,
    borrowingLimitPercent: 0,
    limitResponse: { type: 'Reject' },
  }
  const level = {
    apiVersion: FLOW_CONTROL,
    kind: 'PriorityLevelConfiguration',
    metadata: { name: user },
    spec: { type: 'Limited', limited },
  }
  const everything = [
    {
      subjects: [{ kind: 'User', user: { name: user } }],
      resourceRules: [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] },
      ],
    },
  ]
  const schema = {
    apiVersion: FLOW_CONTROL,
    kind: 'FlowSchema',
    metadata: { name: user },
    spec: {
      matchingPrecedence: 2,
      priorityLevelConfiguration: { name: user },
      distinguisherMethod: { type: 'ByUser' },
      rules: everything,
    },
  }
  await kube.create(levels, level, limit())
  await kube.create(schemas, schema, limit())
  return async () => {
    await kube.remove(schemas, undefined, user, limit())
    await kube.remove(levels, undefined, user, limit())
  }
}

/** Makes etcd forget every version but the present one of each object. */
export async function compactHistory(): Promise<void> {
  const ask = async (call: string, body: object) => {
    const response = await fetch(`${inject('testBed').etcdUrl}/v3/kv/${call}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: limit(),
    })
    if (!response.ok) throw new Error(`etcd ${call}: ${response.status} ${await response.text()}`)
    return (await response.json()) as { readonly header: { readonly revision: string } }
  }
  const { header } = await ask('range', { key: 'AA==', limit: '1' })
  await ask('compaction', { revision: header.revision, physical: true })
}
