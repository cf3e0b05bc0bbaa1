// What is known about where a session ran, in groups. Resource properties come under OpenTelemetry's names; everything
// without a known namespace is the application's own.

import type { JsonValue, Session } from "../api/types";
import { leafText } from "./attributes";
import { browserText } from "./user_agent";

/** `first` is given where the value has changed. */
export interface Fact {
  name: string;
  value: string;
  first: string | null;
}

export interface EnvironmentGroup {
  title: string;
  facts: Fact[];
}

export interface Environment {
  groups: EnvironmentGroup[];
  /** Of the application. */
  own: Fact[];
}

const GROUPS: readonly { title: string; namespaces: RegExp }[] = [
  { title: "Application", namespaces: /^(service|process|deployment)\./ },
  { title: "Machine", namespaces: /^(host|os|device|container|k8s|cloud)\./ },
  { title: "Browser", namespaces: /^(user_agent|url|browser)\./ },
  { title: "Sent by", namespaces: /^(client|telemetry)\./ },
];

/** Known properties in the order in which they are shown. */
const LABELS: Record<string, string> = {
  "service.namespace": "Product",
  "service.name": "Name",
  "service.version": "Version",
  "deployment.environment.name": "Environment",
  "process.runtime.version": "Runtime",
  "process.command": "Process",
  "process.executable.path": "Program",
  "process.command_line": "Command line",
  "process.owner": "Runs as",
  "process.pid": "Process id",
  "host.name": "Host",
  "os.name": "System",
  "os.version": "System version",
  "host.arch": "Architecture",
  "host.cpu.count": "Processors",
  "os.architecture": "Bits",
  "user_agent.original": "User agent",
  "user_agent.name": "Browser",
  "user_agent.version": "Browser version",
  "url.full": "Page",
  "browser.description": "Described as",
  "browser.layout": "Layout engine",
  "browser.window.width": "Window width",
  "browser.window.height": "Window height",
  "telemetry.sdk": "Agent",
  "client.address": "Address",
};
const LABELLED = Object.keys(LABELS);

export function environmentOf(session: Session): Environment {
  const properties = Object.entries(session.properties ?? {}).map(([key, { first, last }]) => ({ key, fact: factOf(key, first, last) }));
  properties.sort((left, right) => placeOf(left.key) - placeOf(right.key) || left.key.localeCompare(right.key));
  const groups = GROUPS.map(({ title, namespaces }) => ({
    title,
    facts: properties.filter(({ key }) => namespaces.test(key)).map(({ fact }) => fact),
  }));
  addUntold(session, groups);
  return {
    groups: groups.filter(({ facts }) => facts.length > 0),
    own: properties.filter(({ key }) => !GROUPS.some(({ namespaces }) => namespaces.test(key))).map(({ fact }) => fact),
  };
}

function placeOf(key: string): number {
  const place = LABELLED.indexOf(key);
  return place >= 0 ? place : LABELLED.length;
}

function factOf(key: string, first: JsonValue, last: JsonValue): Fact {
  const [before, value] = [leafText(first), leafText(last)];
  return { name: LABELS[key] ?? key, value, first: before === value ? null : before };
}

/** What the row tells beyond its properties. */
function addUntold(session: Session, groups: EnvironmentGroup[]): void {
  const add = (title: string, name: string, value: string | null) => {
    const facts = groups.find((group) => group.title === title)?.facts;
    if (facts && value && !facts.some((fact) => fact.name === name)) facts.unshift({ name, value, first: null });
  };
  add("Application", "Version", session.version);
  add("Application", "Name", session.application);
  add("Browser", "Browser", session.user_agent && browserText(session.user_agent));
}
