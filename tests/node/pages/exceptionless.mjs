// A page with the real Exceptionless agent for browsers. What its agent takes into its queue is told in the words of
// Kymo's API.

import { Exceptionless as client } from "/exceptionless.js";

/** How long the agent's own work under way is left alone before it is looked at again. */
const LOOK_EVERY_MS = 5;
const KINDS = { session: "session.start", 404: "not_found" };
const SEVERITIES = { error: "error", 404: "warn" };

const { tab, server, token, user, managed, persisted } = globalThis.settings;
let told = [];
let statuses = [];
let lines = 0;
let queued = 0;
let posted = 0;

/** What a test can ask of the page. */
const agent = {
  async log(count) {
    for (let line = 0; line < Number(count); line++) {
      lines += 1;
      await client.submitLog("shop.cart", `line ${lines} of ${tab}`, "info");
    }
  },
  say: (...words) => client.submitLog("shop.cart", words.join(" "), "warn"),
  usage: (feature) => client.submitFeatureUsage(feature),
  missing: (resource) => client.submitNotFound(resource),
  become: (id) => void client.config.setUserIdentity(id, nameOf(id)),

  async fail() {
    try {
      priceOf(17);
    } catch (thrown) {
      await client.submitException(thrown);
    }
    await noticed(() => setTimeout(throwFromTimer));
    await noticed(() => void Promise.reject(new RangeError("rejected and not handled")));
    await noticed(() => void Promise.reject("rejected with a text"));
  },

  /** The person looks at something else. Headless browsers show every tab, so the page is only told so. */
  hide: () => look("hidden"),
  /** The agent starts again. */
  show: () => noticed(() => look("visible")),

  try: () => client.processQueue(),
  /** Sends until nothing waits. The agent by itself sends one batch every ten seconds. */
  async drain() {
    while (waiting() > 0) {
      await client.processQueue();
      if (waiting() > 0) await pause();
    }
  },
  end: () => client.submitSessionEnd(),

  /** What happened since the last time. */
  report() {
    const settings = JSON.parse(localStorage.getItem("exceptionless-settings"));
    const news = { told, statuses, waiting: waiting(), settings_version: settings?.version ?? null };
    [told, statuses] = [[], []];
    return news;
  },
};

function priceOf(item) {
  throw new TypeError(`no price for item ${item}`);
}

function throwFromTimer() {
  throw new SyntaxError("thrown from a timer");
}

function look(state) {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** Does the work and waits until the agent has queued an event because of it, without having been told. */
async function noticed(work) {
  const before = queued;
  work();
  while (queued === before) await pause();
}

/** Events that no server has confirmed, those that an earlier page left behind among them. */
function waiting() {
  if (!persisted) return queued - posted;
  return Object.keys(localStorage).filter((key) => key.startsWith("exceptionless-q:")).length;
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

function nameOf(id) {
  return `${id.split("@")[0]} Example`;
}

function tell({ type, source = null, message, reference_id, data }) {
  const { "@error": error, "@level": level, "@user": who, "@ref:session": session = reference_id } = data;
  told.push({
    session: managed ? session : (who?.identity ?? null),
    user: who ? { id: who.identity, name: who.name } : null,
    kind: KINDS[type] ?? type,
    severity: level ?? SEVERITIES[type] ?? "info",
    category: source,
    message: message ?? error?.message ?? null,
    exceptions: error ? [{ type: error.type, message: error.message }] : [],
  });
}

await client.startup((config) => {
  config.apiKey = token;
  config.serverUrl = server;
  config.version = "1.2.3";
  config.usePersistedQueueStorage = Boolean(persisted);
  if (user) config.setUserIdentity(user, nameOf(user));
  config.useSessions(true, 60_000, Boolean(managed));
  // After all plugins of the agent's own: what comes here goes into its queue.
  config.addPlugin("tell", 2_000, ({ event }) => {
    queued += 1;
    tell(event);
    return Promise.resolve();
  });
  config.services.queue.onEventsPosted((events, { status }) => {
    statuses.push(status);
    if (status === 202) posted += events.length;
    return Promise.resolve();
  });
});
globalThis.agent = agent;
