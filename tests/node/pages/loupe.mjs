// A page with the real Loupe agent for browsers. What its agent was told, and what it has to notice by itself, is told in
// the words of Kymo's API.

globalThis.exports = {};
await import("/loupe.js");
const { LoupeAgent } = globalThis.exports["loupe-typescript"];

/** How long the agent's own work under way is left alone before it is looked at again. */
const LOOK_EVERY_MS = 5;
const SEVERITIES = { verbose: "debug", information: "info", warning: "warn", error: "error", critical: "fatal" };

const { tab, server, token, in_path, nth } = globalThis.settings;
let told = [];
let lines = 0;

const loupe = new LoupeAgent(window, document);
loupe.setLogServer(in_path ? `${server}/in/${token}` : server);
if (!in_path) loupe.addHeader({ name: "Authorization", value: `Bearer ${token}` });

/** What a test can ask of the page. */
const agent = {
  log(count) {
    for (let line = 0; line < Number(count); line++) {
      lines += 1;
      loupe.information("shop.cart", `line ${lines} of ${tab}`);
      tell("information", "shop.cart", `line ${lines} of ${tab}`);
    }
  },

  say(...words) {
    const text = words.join(" ");
    loupe.warning("shop.cart", text);
    tell("warning", "shop.cart", text);
  },

  levels() {
    for (const level of Object.keys(SEVERITIES)) {
      loupe[level]("shop.levels", `at ${level}`, "{0} is one of {1}, {{0}}", [level, 5]);
      tell(level, "shop.levels", `at ${level}\n${level} is one of 5, {0}`);
    }
    loupe.write(8, "shop.levels", "by number", "with {0}");
    tell("information", "shop.levels", "by number\nwith {0}");
  },

  detail() {
    const place = { file: "cart.js", method: "add", line: 47, column: 9 };
    loupe.information("shop.cart", "added", null, null, null, { cart: { id: 42, items: ["tea", "cup"] } }, place);
    loupe.information("shop.cart", "a text", null, null, null, "not JSON, {but} <text>");
    for (const text of ["added", "a text"]) tell("information", "shop.cart", text);
  },

  async fail() {
    try {
      priceOf(17);
    } catch (thrown) {
      loupe.error("shop.prices", "not sold", "item {0}", [17], thrown);
      tell("error", "shop.prices", "not sold\nitem 17", { type: "TypeError", message: "no price for item 17" });
    }
    loupe.warning("shop.prices", "not sold either", "", null, "a text as exception");
    tell("warning", "shop.prices", "not sold either", { type: null, message: "a text as exception" });

    await noticed(() => setTimeout(throwFromTimer));
    const message = "Uncaught SyntaxError: thrown from a timer";
    tell("error", "JavaScript", "SyntaxError", { type: "SyntaxError", message });
    await noticed(() => setTimeout(throwText));
    tell("error", "JavaScript", "Exception", { type: "Exception", message: "Uncaught only a text" });

    await noticed(() => loupe.recordException(new RangeError("out of stock"), { item: 17 }));
    tell("error", "Javascript.Exception", "RangeError", { type: "RangeError", message: "out of stock" });
  },

  name: (id) => loupe.setSessionId(id),

  /** Waits until nothing waits. The agent sends by itself. */
  async drain() {
    while (waiting() > 0) await pause();
  },

  /** What happened since the last time. */
  report() {
    const news = { told, waiting: waiting(), agent_session_id: loupe.clientSessionHeader().value };
    told = [];
    return news;
  },
};

function priceOf(item) {
  throw new TypeError(`no price for item ${item}`);
}

function throwFromTimer() {
  throw new SyntaxError("thrown from a timer");
}

function throwText() {
  throw "only a text";
}

/** Does the work and waits until the agent has made a message because of it. */
async function noticed(work) {
  const before = messages();
  work();
  while (messages() === before) await pause();
}

/** Messages that the agent has made in this tab. */
function messages() {
  return sessionStorage.getItem("LoupeSequenceNumber");
}

/** Messages of all tabs that no server has confirmed. */
function waiting() {
  return Object.keys(localStorage).filter((key) => key.startsWith("Loupe-message-")).length;
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

function tell(level, category, message, exception) {
  const id = loupe.clientSessionHeader().value;
  told.push({
    session: nth ? `${id} (${nth})` : id,
    user: null,
    kind: exception ? "error" : "log",
    severity: SEVERITIES[level],
    category,
    message,
    exceptions: exception ? [exception] : [],
  });
}

globalThis.agent = agent;
