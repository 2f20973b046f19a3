/** The part of a browser's window that tells of the network and of the page's visibility. */
interface Target {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

/** A window, as far as it is used; other runtimes have none of it. */
interface Page extends Target {
  readonly document?: Target & { readonly visibilityState: string }
}

/** Reports the browser's network and the page's visibility, where there is a browser; gives the way to stop. */
export function listenToPage(report: (event: 'online' | 'offline' | 'visible') => void): () => void {
  const page = globalThis as unknown as Page
  const { document } = page
  if (!document) return () => {}
  const online = () => report('online')
  const offline = () => report('offline')
  const visibility = () => {
    if (document.visibilityState === 'visible') report('visible')
  }
  page.addEventListener('online', online)
  page.addEventListener('offline', offline)
  document.addEventListener('visibilitychange', visibility)
  return () => {
    page.removeEventListener('online', online)
    page.removeEventListener('offline', offline)
    document.removeEventListener('visibilitychange', visibility)
  }
}
