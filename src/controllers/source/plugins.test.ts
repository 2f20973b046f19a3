import { describe, expect, it } from 'vitest'
import { pluginFindings } from './plugins.ts'

const WANTED = { plugin: 'io.x.Postgres', oldest: '3.4' }
const found = (plugins: readonly string[]) =>
  pluginFindings(WANTED, plugins).map((one) => `${one.check}: ${one.found}: ${one.remedy}`)

describe('plugins of a Connect', () => {
  it.each([['3.4.0.Final'], ['3.10.0'], ['4.0.0']])('version %s will do', (version) => {
    expect(found([`io.x.Postgres ${version}`, 'Mirror 4.3.1'])).toEqual([])
  })

  it('one that is missing is named, with those that are there, in whatever order they come', () => {
    const text =
      'PluginMissing: Kafka Connect has no plugin io.x.Postgres, only A, B: install version 3.4 or later on every worker and restart it'
    expect(found(['B 1', 'A 2', 'A 1'])).toEqual([text])
    expect(found(['A 1', 'B 1'])).toEqual([text])
  })

  it('of many, five are named', () => {
    expect(found(['A 1', 'B 1', 'C 1', 'D 1', 'E 1', 'F 1', 'G 1'])[0]).toMatch(
      /only A, B, C, D, E, 2 others:/,
    )
    expect(found([])[0]).toMatch(/nor any other:/)
  })

  it('one that is too old is named with its version, though another worker’s copy is newer', () => {
    expect(found(['io.x.Postgres 3.6.1', 'io.x.Postgres 2.7.4'])).toEqual([
      'PluginTooOld: the plugin io.x.Postgres of Kafka Connect is version 2.7.4: install version 3.4 or later on every worker and restart it',
    ])
  })
})
