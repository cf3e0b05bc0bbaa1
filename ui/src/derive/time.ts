// Times and durations as text. Pure: the zone and "now" are parameters. Everything is 24-hour and ISO-like,
// because a log is compared with other logs.

export type Zone = "local" | "utc";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Milliseconds since 1970. */
export function parseTime(text: string): number {
  return Date.parse(text);
}

/** A time as the API wants it, never later than asked: parts of a millisecond are cut off. */
export function timeParameter(time_ms: number): string {
  return new Date(Math.floor(time_ms)).toISOString();
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function fieldsOf(time_ms: number, zone: Zone) {
  const time = new Date(time_ms);
  return zone === "utc"
    ? {
        year: time.getUTCFullYear(), month: time.getUTCMonth() + 1, day: time.getUTCDate(),
        hour: time.getUTCHours(), minute: time.getUTCMinutes(), second: time.getUTCSeconds(),
        ms: time.getUTCMilliseconds(),
      }
    : {
        year: time.getFullYear(), month: time.getMonth() + 1, day: time.getDate(),
        hour: time.getHours(), minute: time.getMinutes(), second: time.getSeconds(),
        ms: time.getMilliseconds(),
      };
}

/** `2026-11-20` */
export function dateText(time_ms: number, zone: Zone): string {
  const at = fieldsOf(time_ms, zone);
  return `${at.year}-${two(at.month)}-${two(at.day)}`;
}

/** `16:20:42`, or `16:20:42.061` with milliseconds. */
export function clockText(time_ms: number, zone: Zone, with_ms = false): string {
  const at = fieldsOf(time_ms, zone);
  const text = `${two(at.hour)}:${two(at.minute)}:${two(at.second)}`;
  return with_ms ? `${text}.${String(at.ms).padStart(3, "0")}` : text;
}

/** `2026-11-20 16:20:42 UTC`; local times carry no zone name. */
export function absoluteText(time_ms: number, zone: Zone, with_ms = false): string {
  const text = `${dateText(time_ms, zone)} ${clockText(time_ms, zone, with_ms)}`;
  return zone === "utc" ? `${text} UTC` : text;
}

/** `just now`, `12 s ago`, `2 min ago`, `3 h ago`, `5 days ago`, then the date. */
export function relativeText(time_ms: number, now_ms: number, zone: Zone): string {
  const age_ms = now_ms - time_ms;
  if (age_ms < -5 * SECOND_MS) return absoluteText(time_ms, zone);
  if (age_ms < 5 * SECOND_MS) return "just now";
  if (age_ms < MINUTE_MS) return `${Math.floor(age_ms / SECOND_MS)} s ago`;
  if (age_ms < HOUR_MS) return `${Math.floor(age_ms / MINUTE_MS)} min ago`;
  if (age_ms < DAY_MS) return `${Math.floor(age_ms / HOUR_MS)} h ago`;
  const days = Math.floor(age_ms / DAY_MS);
  if (days < 14) return days === 1 ? "1 day ago" : `${days} days ago`;
  return dateText(time_ms, zone);
}

/** Length of a session: `340 ms`, `00:45`, `12:10`, `2:12:10`, `3 d 02:12`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (seconds > 0 && seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor((whole % 86_400) / 3_600);
  const minutes = Math.floor((whole % 3_600) / 60);
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${two(minutes)}:${two(whole % 60)}`;
}

/** A length in one unit, for tiles and sentences: `340 ms`, `45 s`, `8 min`, `2.5 h`, `3 days`. */
export function durationWords(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36_000) return `${Number((seconds / 3_600).toFixed(1))} h`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Time of an event from the session's start: `+00:00.071`, `+1:02:10.123`; late ones before it have a minus. */
export function offsetText(offset_ms: number): string {
  const sign = offset_ms < 0 ? "−" : "+";
  const whole_ms = Math.abs(Math.round(offset_ms));
  const hours = Math.floor(whole_ms / HOUR_MS);
  const minutes = Math.floor((whole_ms % HOUR_MS) / MINUTE_MS);
  const seconds = Math.floor((whole_ms % MINUTE_MS) / SECOND_MS);
  const text = `${two(minutes)}:${two(seconds)}.${String(whole_ms % SECOND_MS).padStart(3, "0")}`;
  return hours > 0 ? `${sign}${hours}:${text}` : sign + text;
}
