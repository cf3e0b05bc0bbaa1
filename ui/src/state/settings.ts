// What a person has chosen for this browser: theme, time zone, how events show their time. Kept in localStorage.

import { createEffect, createSignal, type Accessor } from "solid-js";
import type { Zone } from "../derive/time";

export type Theme = "auto" | "light" | "dark";
export type PasswordStep = "ask" | "skipped";
export type EventTime = "offset" | "clock";

export interface Setting<Value extends string> {
  value: Accessor<Value>;
  set(value: Value): void;
}

export interface Settings {
  theme: Setting<Theme>;
  zone: Setting<Zone>;
  event_time: Setting<EventTime>;
  /** Whether a person without a password is asked to choose one at the first run. */
  password_step: Setting<PasswordStep>;
}

export function createSettings(): Settings {
  const theme = createSetting<Theme>("kymo.theme", ["auto", "light", "dark"]);
  createEffect(() => applyTheme(theme.value()));
  return {
    theme,
    zone: createSetting<Zone>("kymo.zone", ["local", "utc"]),
    event_time: createSetting<EventTime>("kymo.event_time", ["offset", "clock"]),
    password_step: createSetting<PasswordStep>("kymo.password_step", ["ask", "skipped"]),
  };
}

/** The first of `values` is the default. */
function createSetting<Value extends string>(key: string, values: readonly [Value, ...Value[]]): Setting<Value> {
  const stored = readStored(key);
  const [value, setValue] = createSignal<Value>(values.find((known) => known === stored) ?? values[0]);
  return {
    value,
    set: (next) => {
      setValue(() => next);
      writeStored(key, next);
    },
  };
}

export function applyTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

// Storage may be forbidden by the browser; the choice then lasts as long as the page.
function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function writeStored(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* see above */
  }
}
