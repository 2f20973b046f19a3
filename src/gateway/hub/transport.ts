/** How frames reach one client; a hub knows no more of it. */
export interface Transport {
  send(text: string): void
  /** Bytes handed over and not yet taken by the network. */
  buffered(): number
  /** Says goodbye; the peer may still read what was sent. `closed` of the connection follows. */
  close(code: number, reason: string): void
  /** Cuts the line at once. */
  terminate(): void
}
