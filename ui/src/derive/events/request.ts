// The request that an event tells of, as one reads it: a line with method and address, then what came with it. Agents
// send it as `@request` (Exceptionless) or under OpenTelemetry's names (`http.request.method`, `url.full`).

import type { JsonObject, JsonValue } from "../../api/types";
import { leafText } from "../attributes";

export interface RequestPart {
  title: string;
  facts: { name: string; value: string }[];
}

export interface RequestView {
  method: string | null;
  url: string;
  status: string | null;
  parts: RequestPart[];
  /** What was sent, if it is not a form. */
  body: string | null;
}

/** Shown in the first line. */
const ADDRESS_KEYS = ["http_method", "is_secure", "host", "port", "path"];
const PARTS: readonly [string, string][] = [
  ["query_string", "Query"], ["headers", "Headers"], ["cookies", "Cookies"], ["post_data", "Sent"], ["data", "More"],
];
const NAMES: Record<string, string> = {
  user_agent: "User agent", referrer: "Referrer", client_ip_address: "Client address",
  "user_agent.original": "User agent", "client.address": "Client address", "http.route": "Route", "server.address": "Server",
};

export function requestOf(attributes: JsonObject): RequestView | null {
  const request = attributes["@request"];
  return isObject(request) ? requestOfAgent(request) : requestOfTelemetry(attributes);
}

function requestOfAgent(request: JsonObject): RequestView {
  const known = [...ADDRESS_KEYS, ...PARTS.map(([key]) => key)];
  const facts = Object.entries(request)
    .filter(([key, value]) => !known.includes(key) && !isEmpty(value))
    .map(([key, value]) => ({ name: NAMES[key] ?? key, value: leafText(value) }));
  const parts = PARTS.flatMap(([key, title]) => {
    const value = request[key];
    return isObject(value) && !isEmpty(value) ? [{ title, facts: factsOf(value) }] : [];
  });
  const body = request["post_data"];
  return {
    method: textOf(request["http_method"]),
    url: urlOf(request),
    status: null,
    parts: facts.length > 0 ? [{ title: "", facts }, ...parts] : parts,
    body: typeof body === "string" && body !== "" ? body : null,
  };
}

function urlOf(request: JsonObject): string {
  const host = textOf(request["host"]);
  const path = textOf(request["path"]) ?? "";
  if (!host || /^[a-z]+:\/\//i.test(path)) return path || "/";
  const is_secure = request["is_secure"] === true;
  const port = Number(request["port"] ?? 0);
  const is_told = port > 0 && port !== (is_secure ? 443 : 80) && !host.includes(":");
  return `${is_secure ? "https" : "http"}://${host}${is_told ? `:${port}` : ""}${path.startsWith("/") || path === "" ? path : `/${path}`}`;
}

/** `http.request.header.NAME` and the like. */
const HEADER = /^http\.(request|response)\.header\./;

function requestOfTelemetry(attributes: JsonObject): RequestView | null {
  const method = textOf(attributes["http.request.method"]) ?? textOf(attributes["http.method"]);
  const url = textOf(attributes["url.full"]) ?? textOf(attributes["http.url"]) ?? textOf(attributes["url.path"]) ?? textOf(attributes["http.target"]);
  // An address alone is where the page was, not what it asked for.
  if (!method || !url) return null;
  const status = attributes["http.response.status_code"] ?? attributes["http.status_code"];
  const names = ["http.route", "user_agent.original", "client.address", "server.address"];
  const facts = names.flatMap((key) => (isEmpty(attributes[key]) ? [] : [{ name: NAMES[key] ?? key, value: leafText(attributes[key]) }]));
  const headers = Object.entries(attributes)
    .filter(([key]) => HEADER.test(key))
    .map(([key, value]) => ({ name: key.replace(HEADER, ""), value: leafText(value) }));
  const parts = [{ title: "", facts }, { title: "Headers", facts: headers }].filter((part) => part.facts.length > 0);
  return { method, url, status: isEmpty(status) ? null : String(status), parts, body: null };
}

function factsOf(value: JsonObject): { name: string; value: string }[] {
  return Object.entries(value).map(([name, inner]) => ({ name, value: leafText(inner) }));
}

function textOf(value: JsonValue): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function isEmpty(value: JsonValue): boolean {
  return value === undefined || value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
