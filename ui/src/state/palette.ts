// The colours of the style sheet as a canvas needs them: resolved, and again after each change of theme.

import { createEffect, createSignal, on, onCleanup, type Accessor } from "solid-js";
import type { SeverityLevel } from "../api/types";
import { SEVERITY_LEVELS } from "../derive/severity";
import type { Theme } from "./settings";

export interface Palette {
  severity: Record<SeverityLevel, string>;
  line: string;
  accent: string;
  muted: string;
  background: string;
}

export function createPalette(theme: Accessor<Theme>): Accessor<Palette> {
  // Read when something is first drawn, which is after the page has been: reading makes the browser work out styles.
  const [changes, setChanges] = createSignal(0);
  const refresh = () => setChanges(changes() + 1);
  const dark_query = matchMedia("(prefers-color-scheme: dark)");
  dark_query.addEventListener("change", refresh);
  onCleanup(() => dark_query.removeEventListener("change", refresh));
  // Deferred by a microtask: the effect that sets the theme on <html> runs in the same flush.
  createEffect(on(theme, () => queueMicrotask(refresh), { defer: true }));
  let last: { palette: Palette; changes: number } | null = null;
  return () => {
    if (last?.changes !== changes()) last = { palette: readPalette(), changes: changes() };
    return last.palette;
  };
}

function readPalette(): Palette {
  // `light-dark()` in a custom property is resolved only where it is used as a colour: hence a probe.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const read = (variable: string): string => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const severity = Object.fromEntries(SEVERITY_LEVELS.map((level) => [level, read(`--severity-${level}`)]));
  const palette: Palette = {
    severity: severity as Record<SeverityLevel, string>,
    line: read("--line-strong"),
    accent: read("--accent"),
    muted: read("--text-muted"),
    background: read("--surface"),
  };
  probe.remove();
  return palette;
}
