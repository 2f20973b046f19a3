import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SourceStatus } from '../../src/api/source/index.ts'
import type { ResourceType } from '../../src/runtime/kube.ts'
import { eventually } from './eventually.ts'
import { SECRETS, typeOf } from './kube.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const TABLE = [{ name: 'public.orders' }]

describe('secrets', () => {
  let world: World
  const passwords = () => [world.password, 'second-Passw0rd']
  const inKubernetes = async (name: string, password: string) => {
    const data = { username: world.role, password }
    const secret = {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: world.namespace } },
      data: Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
      ),
    }
    await world.kube.apply(SECRETS, secret, 'test', AbortSignal.timeout(10_000))
  }
  const credentials = async () => {
    const source = await world.get('Source', 'shop')
    return (source?.status as SourceStatus | undefined)?.connector?.credentials
  }
  beforeAll(async () => {
    world = await createWorld('secrets')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
    const external = { ...backboneSpec().connect?.external, secrets: { type: 'Inline' } }
    await world.apply('Backbone', 'open', { ...backboneSpec(), connect: { type: 'External', external } })
    await world.apply('Source', 'shop', sourceSpec(world, TABLE))
    await world.apply('Source', 'open', sourceSpec(world, TABLE, { backboneRef: { name: 'open' } }))
    for (const name of ['shop', 'open'])
      await world.until('Ready', 'Source', name, ready('True', 'Streaming'), 60_000)
  })
  afterAll(() => world?.close())

  it('passwords in the connectors themselves are warned of, on the Backbone and on the Source', async () => {
    await world.until('warned', 'Backbone', 'open', says('SecretsProtected', 'Inline'))
    const source = await world.until('warned', 'Source', 'open', says('SecretsProtected', 'Inline'))
    expect(condition(source, 'Ready')?.status).toBe('True')
    for (const kind of ['Backbone', 'Source'] as const) {
      const other = await world.get(kind, kind === 'Backbone' ? 'main' : 'shop')
      expect(condition(other, 'SecretsProtected')).toBeUndefined()
    }
  })

  it('a Secret that the workers do not have is told apart from a wrong password', async () => {
    await inKubernetes('unseen', world.password)
    await world.apply('Source', 'unseen', sourceSpec(world, TABLE, {}, 'unseen'))
    const source = await world.until(
      'SecretNotResolvedByConnect',
      'Source',
      'unseen',
      says('PreflightPassed', 'SecretNotResolvedByConnect'),
    )
    expect(condition(source, 'PreflightPassed')?.message).toMatch(/our login to the database works/)
    await world.login('unseen', world.password)
    await world.until('Ready', 'Source', 'unseen', ready('True', 'Streaming'), 60_000)
  })

  it('after a rotation that has not reached the workers too, and the status shows which version is in use', async () => {
    const before = await credentials()
    const [, second = ''] = passwords()
    await world.sql(`ALTER ROLE ${world.role} PASSWORD '${second}'`)
    await inKubernetes('db', second)
    await world.until(
      'SecretNotResolvedByConnect',
      'Source',
      'shop',
      says('ConnectorRunning', 'SecretNotResolvedByConnect'),
      60_000,
    )
    await world.login('db', second)
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), 90_000)
    await eventually('the new ones show', 30_000, async () =>
      (await credentials()) === before ? undefined : true,
    )
  })

  it('no password shows in objects, events, logs or metrics', async () => {
    const list = async (type: ResourceType) =>
      JSON.stringify(await world.kube.listIn(type, world.namespace, {}, AbortSignal.timeout(10_000)))
    const texts = [
      await world.operator().everything(),
      await list(typeOf('Source')),
      await list(typeOf('Backbone')),
      await list({ group: 'events.k8s.io', version: 'v1', plural: 'events' }),
    ]
    expect(texts[1]).toContain('"Streaming"')
    expect(texts[3]).toContain('Connector')
    for (const text of texts)
      for (const password of passwords()) {
        expect(text.includes(password)).toBe(false)
        expect(text.includes(Buffer.from(password).toString('base64'))).toBe(false)
      }
  })
})
