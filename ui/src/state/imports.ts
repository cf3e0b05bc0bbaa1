// Files that people bring: one after the other, whichever place is shown meanwhile.

import { createSignal, type Accessor } from "solid-js";
import { ApiFailure, failureText, isAborted } from "../api/client";
import { importFile, isSessionFile, type Imported } from "../api/import";

export interface ImportItem {
  number: number;
  name: string;
  bytes: number;
  project: string;
  state: "waiting" | "sending" | "done" | "failed";
  /** Of the file, so far. */
  sent_bytes: number;
  result: Imported | null;
  /** Why not, and what was expected. */
  failure: string | null;
  /** It may go better another time. */
  can_retry: boolean;
}

export interface Imports {
  items: Accessor<readonly ImportItem[]>;
  busy: Accessor<boolean>;
  add(files: readonly File[], project: string): void;
  retry(number: number): void;
  /** Takes away what is over, and stops what is not. */
  clear(): void;
}

const EXPECTED = "expected a session file or a package that Kymo wrote (.kymo)";

export function createImports(): Imports {
  const [items, setItems] = createSignal<readonly ImportItem[]>([]);
  const [busy, setBusy] = createSignal(false);
  const files = new Map<number, File>();
  let next_number = 1;
  let request = new AbortController();

  const put = (number: number, part: Partial<ImportItem>) =>
    setItems(items().map((item) => (item.number === number ? { ...item, ...part } : item)));

  async function bring({ number, project }: ImportItem): Promise<void> {
    const file = files.get(number);
    if (!file) return;
    const { signal } = request;
    put(number, { state: "sending", sent_bytes: 0, failure: null });
    try {
      if (!(await isSessionFile(file))) {
        const found = file.size === 0 ? "the file is empty" : "this is no session file";
        put(number, { state: "failed", can_retry: false, failure: `${found}: ${EXPECTED}` });
        return;
      }
      // The first bytes were read: it may have been stopped meanwhile.
      if (signal.aborted) return;
      const result = await importFile(project, file, (sent_bytes) => put(number, { sent_bytes }), signal);
      put(number, { state: "done", sent_bytes: file.size, result });
      files.delete(number);
    } catch (cause) {
      if (!isAborted(cause)) put(number, { state: "failed", failure: textOf(cause) });
    }
  }

  async function work(): Promise<void> {
    if (busy()) return;
    setBusy(true);
    for (let next = waiting(); next; next = waiting()) await bring(next);
    setBusy(false);
  }
  const waiting = () => items().find(({ state }) => state === "waiting");

  return {
    items, busy,
    add(added, project) {
      const news = added.map((file): ImportItem => {
        const number = next_number++;
        files.set(number, file);
        return { number, name: file.name, bytes: file.size, project, state: "waiting", sent_bytes: 0, result: null, failure: null, can_retry: true };
      });
      setItems([...items(), ...news]);
      void work();
    },
    retry(number) {
      put(number, { state: "waiting", failure: null });
      void work();
    },
    clear() {
      request.abort();
      request = new AbortController();
      files.clear();
      setItems([]);
    },
  };
}

function textOf(cause: unknown): string {
  if (!(cause instanceof ApiFailure)) return failureText(cause);
  switch (cause.status) {
    case 404:
    case 405: return "This server does not take files on its page: it is older than the page, or the project is gone. The program kymo sends them too: kymo import FILE --server … --token …";
    case 403: return "You may only read this project: members and admins may bring files.";
    case 413: return `The file is larger than this server takes at once. ${cause.detail}`;
    default: return failureText(cause);
  }
}
