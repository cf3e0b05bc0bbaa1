// Which frames of a stack are the user's own code, and how the others are folded away.

import type { Exception, Frame, JsonObject, JsonValue } from "../api/types";

export type FrameGroup = { own: true; frame: Frame } | { own: false; frames: Frame[] };

const LIBRARY_FILES = [
  /(^|[\\/])node_modules[\\/]/,
  /^node:/,
  /^internal[\\/]/,
  /webpack[\\/](bootstrap|runtime)/,
  /^webpack-internal:\/\/\/.*node_modules/,
  /^(chrome|moz|safari-web)-extension:/,
  /[\\/]\.cargo[\\/]registry[\\/]/,
  /^\/rustc\//,
  /[\\/](site|dist)-packages[\\/]/,
];

const LIBRARY_TYPES = /^(System|Microsoft|java|javax|jakarta|jdk|sun|kotlin|core|std|alloc)(\.|::)/;

export function isLibraryFrame(frame: Frame): boolean {
  if (frame.file && LIBRARY_FILES.some((pattern) => pattern.test(frame.file ?? ""))) return true;
  if (LIBRARY_TYPES.test(frame.type ?? "") || LIBRARY_TYPES.test(frame.function ?? "")) return true;
  return !frame.file && !frame.type && (frame.function === null || frame.function === "<anonymous>");
}

/** Keeps the order; runs of library frames become one group. A stack without own code stays open. */
export function foldFrames(frames: readonly Frame[]): FrameGroup[] {
  if (frames.every(isLibraryFrame)) return frames.map((frame) => ({ own: true, frame }));
  const groups: FrameGroup[] = [];
  for (const frame of frames) {
    const last = groups.at(-1);
    if (!isLibraryFrame(frame)) groups.push({ own: true, frame });
    else if (last && !last.own) last.frames.push(frame);
    else groups.push({ own: false, frames: [frame] });
  }
  return groups;
}

/** More causes than this are a loop in somebody's data. */
const CAUSES_MAX = 32;

/** The exception and its causes, outermost first. */
export function exceptionChain(exception: Exception | null): Exception[] {
  const chain: Exception[] = [];
  for (let next = exception; next && chain.length < CAUSES_MAX; next = next.inner) chain.push(next);
  return chain;
}

/** What the exception carries beside its text. Agents wrap it into `data`, and that into `@ext`; `null` if there is nothing. */
export function exceptionData(exception: Exception): JsonObject | null {
  let data: JsonObject = exception.attributes ?? {};
  for (const wrapper of ["data", "@ext"]) {
    const inner = data[wrapper];
    if (Object.keys(data).length === 1 && isObject(inner)) data = inner;
  }
  return Object.keys(data).length > 0 ? data : null;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `load` or `Cart.load`; what has no name is anonymous. */
export function frameNameText(frame: Frame): string {
  const name = frame.function || "(anonymous)";
  return frame.type && !name.startsWith(frame.type) ? `${frame.type}.${name}` : name;
}

/** `/srv/app.mjs:88:11`, with as much of it as is known. */
export function framePlaceText(frame: Frame): string {
  if (!frame.file) return "";
  const line = frame.line === null ? "" : `:${frame.line}`;
  const column = frame.line === null || frame.column === null ? "" : `:${frame.column}`;
  return frame.file + line + column;
}

/** As a program would have printed it, with its causes. */
export function exceptionText(exception: Exception): string {
  const lines = exceptionChain(exception).flatMap((link, index) => {
    const title = [link.type ?? "Exception", link.message].filter(Boolean).join(": ");
    const frames = (link.frames ?? []).map((frame) => `    at ${frameNameText(frame)}${frame.file ? ` (${framePlaceText(frame)})` : ""}`);
    return [index > 0 ? `caused by ${title}` : title, ...(frames.length > 0 ? frames : link.stack_text ? [link.stack_text] : [])];
  });
  return lines.join("\n");
}
