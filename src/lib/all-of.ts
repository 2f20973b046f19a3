/**
 * As Promise.all, but what it throws does not depend on who is faster: of several errors that of the first in the list,
 * once all have ended.
 */
export async function allOf<const T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
  return Promise.all(promises)
}
