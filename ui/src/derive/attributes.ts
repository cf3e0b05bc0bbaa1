// Attributes of an event as entries of a tree.

import type { JsonObject, JsonValue } from "../api/types";

export interface AttributeEntry {
  key: string;
  value: JsonValue;
}

/** An object or list with something in it; empty ones are leaves. */
export function isBranch(value: JsonValue): value is JsonObject | JsonValue[] {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

export function attributeEntries(value: JsonObject | JsonValue[]): AttributeEntry[] {
  return Object.entries(value).map(([key, inner]) => ({ key, value: inner }));
}

export function leafText(value: JsonValue): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}
