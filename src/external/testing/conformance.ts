import { describe, expect, it } from 'vitest'

import type { ExternalResource } from '../contract.ts'
import { converge } from '../converge.ts'

/** A resource in a world of its own. */
export interface Subject {
  readonly resource: ExternalResource
  /** Writes to the outer system so far. */
  readonly writes: () => number
}

/** What differs between kinds of resources. */
export interface Traits {
  /** Others make it, such as a consumer group or a slot: we only look at it and take it away. */
  readonly madeByOthers?: boolean
}

const signal = (): AbortSignal => AbortSignal.timeout(10_000)

/** What every external resource promises, whatever it is. `make` gives one that does not exist yet. */
export function conforms(kind: string, make: () => Promise<Subject>, traits: Traits = {}): void {
  const isThere = async ({ resource }: Subject): Promise<boolean> => {
    const observed = await resource.observe(signal(), Date.now())
    return observed !== undefined && resource.diff(observed).length === 0
  }
  const made = async (): Promise<Subject> => {
    const subject = await make()
    await converge(subject.resource, Date.now, signal())
    return subject
  }

  describe(`${kind} as an external resource`, () => {
    it('is known by kind and name before it is made', async () => {
      const { resource } = await make()
      expect(resource.id).toEqual({ kind: expect.any(String), name: expect.stringMatching(/./) })
    })

    it('looking at it writes nothing', async () => {
      const subject = await make()
      await isThere(subject)
      await isThere(subject)
      expect(subject.writes()).toBe(0)
    })

    it('removing what was never made is success', async () => {
      const { resource } = await make()
      await expect(resource.remove(signal())).resolves.toBeUndefined()
    })

    it('removing it twice is success', async () => {
      const { resource } = await made()
      await resource.remove(signal())
      await expect(resource.remove(signal())).resolves.toBeUndefined()
    })

    if (!traits.madeByOthers) conformsToMaking(make, made, isThere)
  })
}

function conformsToMaking(
  make: () => Promise<Subject>,
  made: () => Promise<Subject>,
  isThere: (subject: Subject) => Promise<boolean>,
): void {
  it('is not there before it is made, there afterwards, and gone when it was removed', async () => {
    const subject = await make()
    expect(await isThere(subject)).toBe(false)
    await converge(subject.resource, Date.now, signal())
    expect(await isThere(subject)).toBe(true)
    await subject.resource.remove(signal())
    expect(await isThere(subject)).toBe(false)
  })

  it('says what it made, once', async () => {
    const { resource } = await make()
    expect((await converge(resource, Date.now, signal())).changed).not.toEqual([])
    expect((await converge(resource, Date.now, signal())).changed).toEqual([])
  })

  it('a second pass writes nothing', async () => {
    const { resource, writes } = await made()
    const before = writes()
    expect(before).toBeGreaterThan(0)
    await converge(resource, Date.now, signal())
    expect(writes()).toBe(before)
  })

  it('making it may be repeated', async () => {
    const subject = await made()
    await subject.resource.apply(undefined, [], signal())
    expect(await isThere(subject)).toBe(true)
  })

  it('diff and health are pure: the same look gives the same answer', async () => {
    const { resource } = await made()
    const observed = await resource.observe(signal())
    expect(resource.diff(observed)).toEqual(resource.diff(observed))
    expect(resource.health(observed)).toEqual(resource.health(observed))
  })
}
