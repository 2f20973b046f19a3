import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kubectl } from './kubectl.ts'

const SAMPLES = fileURLToPath(new URL('../../config/samples', import.meta.url))
const folders = readdirSync(SAMPLES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? entry.name : [],
)
const files = (folder: string) => ['-R', '-f', `${SAMPLES}/${folder}`]

describe('samples', () => {
  it('are there', () => {
    expect(folders).toContain('shop')
  })

  describe.each(folders)('%s', (folder) => {
    // A sample's namespace bears its name.
    beforeEach(async () => {
      await kubectl(['create', 'namespace', folder])
    })
    afterEach(async () => {
      await kubectl(['delete', '--wait=true', ...files(folder)])
    })

    it.each([
      ['client-side', []],
      ['server-side', ['--server-side']],
    ])('applied %s, then again, leaves nothing to change', async (_name, how) => {
      const first = await kubectl(['apply', ...how, ...files(folder)])
      expect(first).toMatchObject({ code: 0, err: '' })
      const second = await kubectl(['apply', ...how, ...files(folder)])
      expect(second).toMatchObject({ code: 0, err: '' })
      const diff = await kubectl(['diff', ...how, ...files(folder)])
      expect(diff).toEqual({ code: 0, out: '', err: '' })
    })

    it('a client-side second time says "unchanged" of everything', async () => {
      await kubectl(['apply', ...files(folder)])
      const { out } = await kubectl(['apply', ...files(folder)])
      expect(out.trim().split('\n')).toEqual(
        out
          .trim()
          .split('\n')
          .filter((line) => line.endsWith(' unchanged')),
      )
      expect(out).not.toBe('')
    })
  })
})
