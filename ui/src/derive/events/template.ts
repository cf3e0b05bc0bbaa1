// The template that a message was made of, with what was put into it. Loggers name it differently.

import type { JsonObject } from "../../api/types";
import { leafText } from "../attributes";

export interface Template {
  text: string;
  arguments: { name: string; value: string }[];
}

const TEMPLATE_KEYS = ["message.template", "message_template", "MessageTemplate", "{OriginalFormat}", "@mt", "log.template", "template"];
const ARGUMENT_KEYS = ["message.arguments", "message_arguments", "arguments", "args"];
/** `{name}`, `{0}`, `{name:format}`, `{@name}` */
const HOLE = /\{[@$]?([\w.]+)[^{}]*\}/g;

export function templateOf(attributes: JsonObject): Template | null {
  const text = TEMPLATE_KEYS.map((key) => attributes[key]).find((value) => typeof value === "string" && value !== "");
  if (typeof text !== "string") return null;
  const given = ARGUMENT_KEYS.map((key) => attributes[key]).find((value) => typeof value === "object" && value !== null);
  const source = (given ?? attributes) as JsonObject;
  const names = [...new Set([...text.matchAll(HOLE)].map(([, name]) => name ?? ""))];
  const known = names.filter((name) => source[name] !== undefined);
  return { text, arguments: known.map((name) => ({ name, value: leafText(source[name]) })) };
}
