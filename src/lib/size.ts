const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  ...{ k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50 },
}

/** Bytes of a Kubernetes quantity such as 10Gi, 500M, 1.5Gi or 1e3, or of a plain number; throws a RangeError for other texts. */
export function bytesOf(size: string | number): number {
  const [, count, unit] = /^([0-9.]+(?:[eE][0-9]+)?)([kMGTP]i?|Ki)?$/.exec(String(size)) ?? []
  const bytes = Number(count) * (UNITS[unit ?? ''] ?? Number.NaN)
  if (Number.isNaN(bytes))
    throw new RangeError(`"${size}" is no size: write it like 10Gi, 500M or a number of bytes`)
  return bytes
}
