// How the tests run Chromium.

/** The browser's own chatter would disturb; without GPU and sandbox it runs in containers as well. */
export const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Everything here takes well under a second on a quiet machine; a busy one may take thirty times as long. */
export const WITHIN_MS = 30_000;
