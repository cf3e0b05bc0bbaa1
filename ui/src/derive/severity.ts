// The six severity levels: their order, letter and name. The letter stands beside the colour everywhere.

import type { SeverityLevel } from "../api/types";

export const SEVERITY_LEVELS: readonly SeverityLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

export function severityRank(level: SeverityLevel): number {
  return SEVERITY_LEVELS.indexOf(level);
}

export function severityLetter(level: SeverityLevel): string {
  return level.charAt(0).toUpperCase();
}

const NAMES: Record<SeverityLevel, string> = {
  trace: "Trace", debug: "Debug", info: "Information", warn: "Warning", error: "Error", fatal: "Fatal",
};

export function severityName(level: SeverityLevel): string {
  return NAMES[level];
}

export function isError(level: SeverityLevel): boolean {
  return severityRank(level) >= severityRank("error");
}

export function worse(left: SeverityLevel, right: SeverityLevel): SeverityLevel {
  return severityRank(left) >= severityRank(right) ? left : right;
}

export function parseSeverity(text: string | null): SeverityLevel | null {
  return SEVERITY_LEVELS.find((level) => level === text) ?? null;
}
