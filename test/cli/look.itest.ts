import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { databaseObjectName } from '../../src/api/names.ts'
import { backboneSpec, createTable, sourceSpec } from '../operator/objects.ts'
import { createWorld, type World } from '../operator/world.ts'
import { createLaptop, type Laptop } from './laptop.ts'

describe('penstock preflight and render, from a laptop', () => {
  let world: World
  let laptop: Laptop
  const namespace = () => world.namespace
  const run: Laptop['run'] = (...args) => laptop.run(...args)
  const source: Laptop['source'] = (...args) => laptop.source(...args)
  const backbone = () => laptop.backbone()
  const secret = () => laptop.secret()
  const untouched = async () => {
    expect(await world.sql('select pubname from pg_publication')).toEqual([])
    const slots = await world.sql(`select 1 from pg_replication_slots where database = '${world.database}'`)
    expect(slots).toEqual([])
    const topics = await world.kafka.listTopics(AbortSignal.timeout(10_000))
    expect(topics.filter((topic) => topic.startsWith(namespace()))).toEqual([])
    const connectors = await world.connect.connectors(AbortSignal.timeout(10_000))
    expect([...connectors.keys()].filter((name) => name.startsWith(namespace()))).toEqual([])
  }
  beforeAll(async () => {
    world = await createWorld('cli')
    laptop = await createLaptop(world)
    await createTable(world, 'public.orders', 1)
    await world.sql('CREATE TABLE public.bare (a int)')
  })
  afterAll(async () => {
    await world?.close()
    await laptop?.close()
  })

  it('prints every finding with its remedy, and ends with 1', async () => {
    const { code, out } = await run('preflight', [
      source(['public.bare', 'public.none']),
      backbone(),
      secret(),
    ])
    expect(code).toBe(1)
    expect(out).toMatch(/^LEVEL +CHECK +TABLE +FOUND +REMEDY$/m)
    expect(out).toMatch(/^Error +NotReadable +public\.bare .*GRANT SELECT ON public\.bare TO /m)
    expect(out).toMatch(/^Error +LatestNeedsKey +public\.bare /m)
    expect(out).toMatch(/^Error +TableNotFound +public\.none /m)
    await untouched()
  })

  it('ends with 0 when nothing is an Error, and asks Kafka and Connect too', async () => {
    const { code, out } = await run(
      'preflight',
      [source(['public.orders']), backbone(), secret()],
      '-o',
      'json',
    )
    const [found] = JSON.parse(out) as { findings: { level: string }[]; notAsked: string[] }[]
    expect([code, found?.notAsked, found?.findings.filter(({ level }) => level === 'Error')]).toEqual([
      0,
      [],
      [],
    ])
    await untouched()
  })

  it('reads from the cluster what the file does not hold', async () => {
    await world.apply('Backbone', 'main', backboneSpec())
    const file = await laptop.write([source(['public.orders'])])
    const { kubeconfig } = inject('testBed')
    expect((await laptop.penstock(['preflight', '-f', file], { KUBECONFIG: kubeconfig })).code).toBe(0)
  })

  it('reaches the database elsewhere than the connector does', async () => {
    const elsewhere = { postgres: { ...sourceSpec(world, []).postgres, host: 'shop-db.invalid', port: 1 } }
    const documents = [source(['public.orders'], elsewhere), backbone(), secret()]
    const { host, port } = inject('testBed').postgres
    const there = await run('preflight', documents, '--host', host, '--port', String(port))
    expect(there.out).toMatch(/ConfigRefused/)
    expect(there.out).not.toMatch(/the database could not be asked/)
    const lost = await run('preflight', documents)
    expect(lost.out).toMatch(
      /the database could not be asked: the database at shop-db\.invalid does not answer/,
    )
  })

  it('says that a worker has another password than the Secret', async () => {
    await world.login('db', 'old')
    const { code, out } = await run('preflight', [source(['public.orders']), backbone(), secret()])
    await world.login('db', world.password)
    expect([code, out]).toEqual([1, expect.stringMatching(/^Error +SecretNotResolvedByConnect /m)])
  })

  it('renders topics, SQL and connector without a secret', async () => {
    const { code, out } = await run('render', [source(['public.orders']), backbone(), secret()])
    expect(code).toBe(0)
    expect(out).toContain(`name: ${namespace()}.shop.public.orders`)
    expect(out).toContain('cleanup.policy: compact')
    const publication = databaseObjectName({ namespace: namespace(), name: 'shop' })
    expect(out).toContain(`CREATE PUBLICATION "${publication}" FOR TABLE "public"."orders"`)
    expect(out).toMatch(/database\.password: \$\{directory:/)
    const external = { ...backboneSpec().connect?.external, secrets: { type: 'Inline' } }
    const inline = laptop.object('Backbone', 'main', {
      spec: { ...backboneSpec(), connect: { type: 'External', external } },
    })
    const shown = await run('render', [source(['public.orders']), inline, secret()], '--diff', '-o', 'json')
    expect(shown.out).toContain(`<password of Secret ${namespace()}/db>`)
    expect(out + shown.out + shown.err).not.toContain(world.password)
    expect(JSON.parse(shown.out)).toMatchObject({
      difference: {
        [`TopicSet ${namespace()}.shop.`]: expect.arrayContaining([
          `${namespace()}.shop.public.orders created`,
        ]),
        [`Publication ${publication}`]: ['would be created'],
        [`Connector ${namespace()}.shop`]: ['would be created'],
      },
    })
    await untouched()
  })

  it.each<readonly [string, () => readonly string[], RegExp]>([
    ['no YAML', () => ['a: [b\n'], /source\.yaml is not YAML: .* at line 2/],
    ['no Source', () => [backbone()], /there is no Source in .*source\.yaml: add one/],
    [
      'a wrong field',
      () => [source(['orders'])],
      /Source shop cannot be applied:\n {2}spec\.tables\[0\]\.name "orders" is no table: write schema\.table/,
    ],
    [
      'no Backbone',
      () => [source(['public.orders'])],
      /Backbone main is not in .*source\.yaml, and no cluster is known .*: add it to the file \(kubectl get backbone main/,
    ],
    [
      'no Secret',
      () => [source(['public.orders']), backbone()],
      /Secret db is not in .*source\.yaml, and no cluster is known .*: add it to the file as a Secret with stringData/,
    ],
  ])('%s is a sentence and the exit code 2', async (_name, documents, sentence) => {
    for (const command of ['preflight', 'render']) {
      const { code, out, err } = await run(command, documents())
      expect([code, out]).toEqual([2, ''])
      expect(err).toMatch(sentence)
      expect(err).not.toMatch(/\n\s+at /)
    }
  })

  it('a file that is not there too', async () => {
    const { code, err } = await laptop.penstock(['preflight', '-f', '/nowhere.yaml'], {})
    expect([code, err]).toEqual([2, expect.stringMatching(/nowhere\.yaml cannot be read: ENOENT/)])
  })
})
