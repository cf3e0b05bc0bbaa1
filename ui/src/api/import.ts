// Brings a session file or a package to a project. By XMLHttpRequest, since only that tells how much has been sent.

import { ApiFailure, problemFailure } from "./client";
import { BASE } from "./query";

export interface ImportedSession {
  id: string;
  state: "new" | "gone_on_with" | "there_already";
  bytes: number;
}

export interface Imported {
  sessions: ImportedSession[];
  /** What could not be read and was passed over. */
  notes: string[];
}

/** `on_sent` hears how many bytes have been sent. Sent again, it goes on: nothing is there twice. */
export function importFile(project: string, file: Blob, on_sent: (bytes: number) => void, signal: AbortSignal): Promise<Imported> {
  return new Promise((resolve, reject) => {
    // Whoever listens to it after it happened hears nothing.
    if (signal.aborted) return reject(aborted());
    const request = new XMLHttpRequest();
    const fail = (failure: unknown) => reject(failure instanceof Error ? failure : new Error(String(failure)));
    request.open("POST", `${BASE}/projects/${encodeURIComponent(project)}/import`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.setRequestHeader("accept", "application/json");
    request.upload.onprogress = (event) => on_sent(event.loaded);
    request.onload = () => {
      try {
        if (request.status === 200) return resolve(JSON.parse(request.responseText) as Imported);
        fail(problemFailure(request.status, request.statusText, request.responseText));
      } catch {
        fail(new ApiFailure(request.status, "the answer could not be read", ""));
      }
    };
    request.onerror = () => fail(new ApiFailure(0, "the connection broke", "what came is kept: bring the file again and it goes on"));
    request.onabort = () => fail(aborted());
    const stop = () => request.abort();
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop, { once: true });
    request.send(file);
  });
}

const aborted = () => new DOMException("aborted", "AbortError");

/** What every session file and package begins with. */
const MAGIC = [0x89, 0x4b, 0x59, 0x4d, 0x4f, 0x0d, 0x0a, 0x1a];

/** Spares sending gigabytes of something else. */
export async function isSessionFile(file: Blob): Promise<boolean> {
  const begin = new Uint8Array(await file.slice(0, MAGIC.length).arrayBuffer());
  return MAGIC.every((byte, at) => begin[at] === byte);
}
