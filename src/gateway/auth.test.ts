import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'

import { authenticator } from './auth.ts'
import type { RunningGateway } from './gateway.ts'
import { startTestGateway, testView, until, untilLoaded } from './testing/gateway.ts'
import { createFakeTopic } from './testing/reader.ts'
import { openSocket } from './testing/socket.ts'

const issuer = 'https://id.example.com'
const auth = { type: 'JWT', issuer, audience: 'shop', jwksUrl: 'https://id.example.com/keys' } as const
const { privateKey, publicKey } = await generateKeyPair('ES256')
const stranger = await generateKeyPair('ES256')
const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: '1', alg: 'ES256' }] })
const keysOf = () => keys

const sign = (
  claims: JWTPayload,
  over: { exp?: string | number; aud?: string; iss?: string; key?: typeof privateKey } = {},
) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: '1' })
    .setIssuedAt()
    .setIssuer(over.iss ?? issuer)
    .setAudience(over.aud ?? 'shop')
    .setExpirationTime(over.exp ?? '1h')
    .sign(over.key ?? privateKey)

const running = new Set<RunningGateway>()
afterEach(async () => {
  await Promise.all([...running].map((gateway) => gateway.stop(0)))
  running.clear()
})

describe('tokens', () => {
  const check = authenticator(auth, keysOf)

  it('are accepted with their claims and their end', async () => {
    const result = await check(await sign({ sub: 'ann' }))
    expect(result).toMatchObject({ type: 'Accepted', claims: { sub: 'ann' } })
    expect(result.type === 'Accepted' && (result.exp ?? 0) > Date.now()).toBe(true)
  })

  it.each([
    ['none', () => Promise.resolve(undefined)],
    ['nonsense', () => Promise.resolve('a.b.c')],
    ['another issuer', () => sign({}, { iss: 'https://else.example.com' })],
    ['another audience', () => sign({}, { aud: 'else' })],
    ['expired', () => sign({}, { exp: 1_000 })],
    ['a stranger’s key', () => sign({}, { key: stranger.privateKey })],
    [
      'a shared secret',
      () =>
        new SignJWT({})
          .setProtectedHeader({ alg: 'HS256' })
          .setExpirationTime('1h')
          .sign(Buffer.from('x'.repeat(32))),
    ],
  ])('are refused: %s', async (_, make) => {
    expect(await check(await make())).toMatchObject({ type: 'Refused' })
  })

  it('cannot be checked while the keys cannot be read', async () => {
    const broken = authenticator(auth, () => () => Promise.reject(new TypeError('fetch failed')))
    expect(await broken(await sign({}))).toMatchObject({ type: 'Unavailable' })
  })
})

describe('who may see what', () => {
  const start = async (allow: string, topic = createFakeTopic('orders', 1)) => {
    const gateway = await startTestGateway(topic, { views: [testView({ allow })], config: { auth }, keysOf })
    running.add(gateway)
    await untilLoaded(gateway)
    return { ...gateway, topic }
  }

  it('shows each client its own rows, and tells only its own that a row has left', async () => {
    const { url, rest, topic } = await start('row.owner == claims.sub')
    topic.put(0, 'a', { owner: 'ann' })
    topic.put(0, 'b', { owner: 'bob' })
    const [ann, bob] = [
      await openSocket(url, { token: await sign({ sub: 'ann' }) }),
      await openSocket(url, { token: await sign({ sub: 'bob' }) }),
    ]
    for (const socket of [ann, bob]) {
      socket.send({ t: 'sub', id: 's', view: 'orders', all: true })
      await socket.next('snap', ({ last }) => last)
    }
    expect([[...ann.rows('s').keys()], [...bob.rows('s').keys()]]).toEqual([['a'], ['b']])
    topic.put(0, 'a', { owner: 'cat' })
    topic.put(0, 'c', { owner: 'bob' })
    topic.put(0, 'nobody', {})
    await until(() => bob.rows('s').has('c') && !ann.rows('s').has('a'))
    expect(JSON.stringify(bob.frames)).not.toContain('"a"')
    expect(JSON.stringify([ann.frames, bob.frames])).not.toContain('"nobody"')
    const asked = await fetch(`${rest}/orders/b`, {
      headers: { authorization: `Bearer ${await sign({ sub: 'ann' })}` },
    })
    expect(asked.status).toBe(404)
    expect((await fetch(`${rest}/orders/b`)).status).toBe(401)
    const token = ann.token('s')
    const again = await openSocket(url, { token: await sign({ sub: 'ann' }) })
    again.send({ t: 'sub', id: 's', view: 'orders', all: true, ...(token ? { resume: token } : {}) })
    expect(await again.next('reset')).toMatchObject({ reason: 'policy' })
    const other = await openSocket(url, { token: await sign({ sub: 'bob' }) })
    other.send({ t: 'sub', id: 's', view: 'orders', all: true, ...(token ? { resume: token } : {}) })
    expect(await other.next('reset')).toMatchObject({ reason: 'claims' })
  })

  it('takes a fresh token in band: the same claims change nothing, others send the rows anew', async () => {
    const { url, topic } = await start('row.owner == claims.sub')
    topic.put(0, 'a', { owner: 'ann' })
    topic.put(0, 'b', { owner: 'bob' })
    const socket = await openSocket(url, { token: await sign({ sub: 'ann' }) })
    socket.send({ t: 'sub', id: 's', view: 'orders', all: true })
    await socket.next('snap', ({ last }) => last)
    socket.send({ t: 'auth', token: await sign({ sub: 'ann', jti: 'other' }) })
    await until(() => socket.frames.filter(({ t }) => t === 'welcome').length === 2)
    expect(socket.frames.some(({ t }) => t === 'reset')).toBe(false)
    socket.send({ t: 'auth', token: await sign({ sub: 'bob' }) })
    expect(await socket.next('reset')).toMatchObject({ reason: 'claims', all: true })
    await until(() => socket.rows('s').has('b'))
    expect([...socket.rows('s').keys()]).toEqual(['b'])
    socket.send({ t: 'auth', token: 'nonsense' })
    await until(() => socket.closed?.code === 4003)
  })

  it('closes with 4101 when a token ends, and with 4003 when there is none', async () => {
    const { url } = await start('claims.sub == "ann"')
    // Five seconds of tolerance for clocks: this one has ended, and is still taken.
    const socket = await openSocket(url, {
      token: await sign({ sub: 'ann' }, { exp: Math.floor(Date.now() / 1_000) - 1 }),
    })
    await until(() => socket.closed?.code === 4101)
    const nobody = await openSocket(url)
    await until(() => nobody.closed?.code === 4003)
  })

  it('forbids a view whose policy reads claims only', async () => {
    const { url } = await start('claims.sub == "ann"')
    const bob = await openSocket(url, { token: await sign({ sub: 'bob' }) })
    bob.send({ t: 'sub', id: 's', view: 'orders', all: true })
    expect(await bob.next('err')).toMatchObject({ code: 'forbidden', retry: 'never' })
  })

  it('denies everything where the policy is none', async () => {
    const { url } = await start('row.owner ==')
    const ann = await openSocket(url, { token: await sign({ sub: 'ann' }) })
    ann.send({ t: 'sub', id: 's', view: 'orders', all: true })
    expect(await ann.next('err')).toMatchObject({ code: 'forbidden' })
  })
})
