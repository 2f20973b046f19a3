import { describe, expect, it } from 'vitest'

import { type CatalogType, columnType, isLost, isNullWhenNotLogged, lostPart } from './types.ts'

const typed = (type: string, more: Partial<CatalogType> = {}): CatalogType => ({
  type,
  dimensions: 0,
  domain: false,
  ...more,
})

describe('PostgreSQL types', () => {
  it.each([
    ['bool', 'bool'],
    ['bit(1)', 'bool'],
    ['bit', 'bytes'],
    ['int4', 'int32'],
    ['int8', 'int64'],
    ['numeric', 'decimal'],
    ['float4', 'double'],
    ['jsonb', 'json'],
    ['bytea', 'bytes'],
    ['timestamptz', 'time'],
    ['timetz', 'string'],
    ['text', 'string'],
    ['uuid', 'string'],
    ['enum', 'string'],
    ['int8[]', 'int64[]'],
    ['date[]', 'time[]'],
    ['domain[]', 'encoded[]'],
    ['int4multirange', 'encoded'],
    ['whatever_the_future_brings', 'encoded'],
  ])('%s is read as %s', (type, expected) => {
    expect(columnType(type)).toBe(expected)
  })

  it('knows what never arrives, and what arrives in part', () => {
    expect([isLost(typed('xml[]')), isLost(typed('xml'))]).toEqual([true, false])
    expect(lostPart(typed('time[]'))).toBe('its microseconds')
    expect(lostPart(typed('int4[]', { dimensions: 2 }))).toBe('all but the number of its rows')
    expect(lostPart(typed('int4[]', { dimensions: 1 }))).toBeUndefined()
  })

  it.each([
    ['text', false, false],
    ['int4multirange', false, false],
    ['varbit', false, true],
    ['text[]', false, false],
    ['text[]', true, true],
    ['numeric[]', false, true],
  ])('%s, a domain: %s, is null when it was not logged: %s', (type, domain, expected) => {
    expect(isNullWhenNotLogged(typed(type, { domain }))).toBe(expected)
  })
})
