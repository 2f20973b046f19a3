import { describe, expect, it } from 'vitest'
import { pack, unpack } from './packed.ts'

describe('a packed object', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', namespace: 'ns', resourceVersion: '7', managedFields: [{ manager: 'm' }] },
    data: { 'config.json': '{"text":"ü"}' },
  }

  it('comes back whole, without what nobody reads', () => {
    const { managedFields: _managed, ...metadata } = object.metadata
    expect(unpack(pack(object))).toEqual({ ...object, metadata })
  })

  it('has its metadata at hand', () => {
    expect(pack(object).metadata.resourceVersion).toBe('7')
  })
})
