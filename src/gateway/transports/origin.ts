/** Whether a request may come from this origin; requests without one are no browser's and are judged by their token. */
export function originAllowed(origin: string | undefined, allowed: readonly string[]): boolean {
  return origin === undefined || allowed.includes('*') || allowed.includes(origin)
}
