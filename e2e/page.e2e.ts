import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'

import { type PageServer, servePage } from '../demo/page/serve.ts'
import { eventually, openShop, type ShopUnderTest, whileWriting } from './shop.ts'

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
]

let shop: ShopUnderTest
let server: PageServer
let browser: BrowserContext
let profile: string | undefined

beforeAll(async () => {
  shop = openShop()
  server = await servePage()
  profile = await mkdtemp(join(tmpdir(), 'penstock-chromium-'))
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    viewport: { width: 1_160, height: 860 },
  })
})
afterAll(async () => {
  await browser?.close()
  server?.close()
  await shop?.close()
  if (profile) await rm(profile, { recursive: true, force: true })
})

test('the page shows the orders of the table, live, and how old they are', async () => {
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(server.url(inject('shop').gatewayPort))
  const text = (name: string) => page.getByTestId(name).textContent()
  await eventually('the page is live', 20_000, async () =>
    (await text('state')) === 'live' ? true : undefined,
  )

  await whileWriting(shop, async () => {
    await eventually('an age is shown', 20_000, async () =>
      /^\d+ ms$/.test((await text('p50')) ?? '') ? true : undefined,
    )
    const screenshot = process.env['PENSTOCK_SCREENSHOT']
    if (screenshot) await page.screenshot({ path: screenshot })
  })
  const { rows } = await shop.pool.query<{ status: string; count: string }>(
    'SELECT status, count(*) FROM orders GROUP BY status',
  )
  for (const { status, count } of rows) {
    await eventually(`${count} orders are ${status}`, 20_000, async () =>
      (await text(`count-${status}`)) === count ? true : undefined,
    )
  }
  expect(errors).toEqual([])
})
