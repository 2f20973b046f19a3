import { execFile } from 'node:child_process'
import { inject } from 'vitest'

/** What a run of kubectl gave. */
export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs kubectl as the administrator of the test bed's API server. */
export function kubectl(args: readonly string[], input = ''): Promise<Said> {
  const bed = inject('testBed')
  return new Promise((resolve) => {
    const child = execFile(
      bed.kubectl,
      ['--kubeconfig', bed.kubeconfig, ...args],
      { timeout: 30_000 },
      (error, out, err) => resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
    child.stdin?.end(input)
  })
}
