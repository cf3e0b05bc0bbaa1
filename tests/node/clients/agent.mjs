// The real agent as the scripts here use it, and the record of what it was told: one JSON line on standard output for
// each event, in the words of Kymo's API. The tests compare these lines with what the server stored.

import { setTimeout as pause } from "node:timers/promises";
import { Exceptionless } from "@exceptionless/node";

/** How long the agent's own work under way is left alone before it is looked at again. */
const LOOK_EVERY_MS = 5;

let managed = false;
let user = null;
let queued = 0;
let posted = 0;

export const client = Exceptionless;

/** Configures the agent from the environment and starts a session. */
export async function start({ user: first_user = null, manage_session_id = false } = {}) {
  managed = manage_session_id;
  await client.startup((config) => {
    config.apiKey = process.env.KYMO_TOKEN;
    config.serverUrl = process.env.KYMO_URL;
    config.version = "1.2.3";
    config.defaultData["region"] = "eu-test";
    config.defaultTags.push("end-to-end");
    if (first_user) become(first_user);
    config.useSessions(true, 60_000, managed);
    // After all plugins of the agent's own: what comes here goes into its queue.
    config.addPlugin("count", 2_000, () => {
      queued += 1;
      return Promise.resolve();
    });
    config.services.queue.onEventsPosted((events, response) => {
      if (response.status === 202) posted += events.length;
      return Promise.resolve();
    });
  });
  tell({ kind: "session.start" });
}

/** From now on it is this user. */
export function become({ id, name }) {
  user = { id, name };
  client.config.setUserIdentity(id, name);
}

export async function log(category, message, level) {
  await client.submitLog(category, message, level);
  tell({ kind: "log", severity: level, category, message });
}

export async function usage(feature) {
  await client.submitFeatureUsage(feature);
  tell({ kind: "usage", category: feature });
}

export async function notFound(resource) {
  await client.submitNotFound(resource);
  tell({ kind: "not_found", severity: "warn", category: resource });
}

/** Submits the error; `builder` may add to the event before. */
export async function error(thrown, builder = client.createException(thrown), severity = "error") {
  await builder.submit();
  tellError(thrown, severity);
}

export function tellError(thrown, severity = "error", chain = [thrown]) {
  tell({
    kind: "error",
    severity,
    message: thrown.message,
    exceptions: chain.map((link) => ({ type: link.name, message: link.message })),
  });
}

/** An event of a kind of the application's own. */
export async function custom(kind, category, message) {
  await client.createEvent().setType(kind).setSource(category).setMessage(message).submit();
  tell({ kind, category, message });
}

function tell({ kind, severity = "info", category = null, message = null, exceptions = [] }) {
  const session = managed ? client.config.currentSessionIdentifier : (user?.id ?? null);
  print({ logged: { session, user, kind, severity, category, message, exceptions } });
}

/** One JSON line for the test. */
export function print(line) {
  console.log(JSON.stringify(line));
}

/** Events that no server has confirmed. */
export function waiting() {
  return queued - posted;
}

/** Does the work and waits until the agent has queued an event because of it, without having been told. */
export async function noticed(work) {
  const before = queued;
  work();
  while (queued === before) await pause(LOOK_EVERY_MS);
}

/** Sends until nothing waits. The agent by itself sends one batch every ten seconds. */
export async function drain() {
  while (waiting() > 0) {
    await client.processQueue();
    if (waiting() > 0) await pause(LOOK_EVERY_MS);
  }
}

/** The script's last word. A script that fails never comes here: the agent swallows uncaught errors. */
export function done() {
  print({ done: true });
}
