// Fills a server with the life of a web shop over the last 24 hours, for pictures and demonstrations:
//
//     node sample-data.mjs URL TOKEN
//
// The events are in the agent's form but posted directly, because the real agent stamps its own dates.

import { ERRORS } from "./sample-errors.mjs";

const SESSIONS = 60;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** As the agent does. */
const BATCH_EVENTS = 50;

const USERS = [
  ["alice@example.test", "Alice Example"], ["bob@example.test", "Bob Fernández"], ["chidi@example.test", "Chidi Okafor"],
  ["dagny@example.test", "Dagny Þórsdóttir"], ["emre@example.test", "Emre Yılmaz"], ["fatima@example.test", "Fatima Haddad"],
  ["giulia@example.test", "Giulia Rossi"], ["haruka@example.test", "Haruka Satō"], ["ivan@example.test", "Ivan Petrov"],
  ["josé@example.test", "José da Silva"], ["kim@example.test", "Kim Min-jun"], ["lena@example.test", "Lena Schröder"],
  ["mehdi@example.test", "Mehdi Karimi"], ["noor@example.test", "Noor de Vries"], ["olga@example.test", "Olga Kowalska"],
];
const PRODUCTS = [
  "Kettle, copper", "Lamp \"Luna\"", "Tea towel, linen", "Cutting board, oak", "Espresso cups, set of 4", "Bread knife",
  "Wool blanket", "Watering can, 5 l", "Pepper mill", "Cast-iron pan, 28 cm",
];
const BROWSERS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
];
const HOSTS = ["shop-worker-1", "shop-worker-2", "shop-import"];
/** The newest version came in the morning. */
const VERSIONS = [["2.14.0", 24], ["2.14.1", 16], ["2.15.0", 5]];

const [url, token] = process.argv.slice(2);
if (!url || !token) {
  console.error("usage: node sample-data.mjs URL TOKEN");
  process.exit(2);
}

// Repeatable, so that two pictures show the same shop.
let seed = 20261120;

function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}

const pick = (list) => list[Math.floor(random() * list.length)];
const between = (least, most) => least + random() * (most - least);
const hex = (digits) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");

/** One session as it is written: `wait` lets time go by, the others add events at that moment. */
class Session {
  constructor(started_ms, { user = null, data, automatic = false }) {
    this.now_ms = started_ms;
    this.id = hex(32);
    this.automatic = automatic;
    this.data = { ...data, "@version": versionAt(started_ms), ...(user && { "@user": { identity: user[0], name: user[1] } }) };
    this.events = [];
    this.add({ type: "session" }, automatic ? {} : { reference_id: this.id });
  }

  wait(least_seconds, most_seconds) {
    this.now_ms += between(least_seconds, most_seconds) * 1000;
    return this;
  }

  add(event, more = {}, data = {}) {
    const reference = this.automatic || event.type === "session" ? {} : { "@ref:session": this.id };
    const all = { ...this.data, ...reference, ...data };
    this.events.push({ ...event, ...more, date: new Date(this.now_ms).toISOString(), data: all });
    return this;
  }

  log(source, level, message, data) {
    return this.add({ type: "log", source, message }, {}, { "@level": level, ...data });
  }

  usage(source) {
    return this.add({ type: "usage", source });
  }

  notFound(source) {
    return this.add({ type: "404", source });
  }

  error(error, tags = []) {
    return this.add({ type: "error", tags }, { reference_id: hex(10) }, { "@error": error });
  }

  end() {
    return this.add({ type: "sessionend" });
  }
}

function versionAt(time_ms) {
  const age_hours = (Date.now() - time_ms) / (60 * MINUTE_MS);
  return VERSIONS.findLast(([, since_hours]) => age_hours <= since_hours + 1)?.[0] ?? VERSIONS[0][0];
}

/** Somebody looks around; with `patience` longer at each page. */
function browse(session, pages, patience = 1) {
  session.log("shop.page", "debug", "page ready", { milliseconds: Math.round(between(180, 1400)) });
  for (let page = 0; page < pages; page++) {
    const product = pick(PRODUCTS);
    session.wait(3, 40 * patience).log("shop.catalogue", "info", `product shown: ${product}`);
    if (random() < 0.3) session.wait(1, 6).log("shop.images", "trace", `lazy image loaded in ${Math.round(between(20, 300))} ms`);
    if (random() < 0.25) session.wait(1, 9).usage("zoom");
    if (random() < 0.08) session.wait(1, 9).notFound(`/products/${Math.floor(between(100, 900))}`);
    if (random() < 0.3) session.wait(2, 20).log("shop.cart", "info", `added to cart: ${product}`);
    if (random() < 0.1) session.log("shop.http", "warn", "GET /api/stock took longer than 2 s", { milliseconds: Math.round(between(2000, 6000)) });
    if (random() < 0.015) session.wait(1, 3).error(pick(ERRORS.page)());
  }
  return session;
}

function buy(session, outcome) {
  session.wait(5, 30).usage("checkout").log("shop.checkout", "info", "checkout opened");
  session.wait(10, 60).log("shop.checkout", "debug", "address validated", { country: pick(["DE", "FR", "NL", "IT"]) });
  session.wait(4, 20).log("shop.payment", "info", "payment requested", { method: pick(["card", "invoice", "transfer"]) });
  if (outcome === "paid") return session.wait(1, 4).log("shop.orders", "info", `order ${Math.floor(between(41000, 42000))} placed`);
  session.wait(2, 9).log("shop.payment", "warn", "payment provider answers slowly").wait(4, 8).error(pick(ERRORS.checkout)());
  if (outcome === "twice") session.wait(5, 30).log("shop.checkout", "info", "user tries again").wait(2, 9).error(pick(ERRORS.checkout)());
  if (outcome === "fatal") session.wait(1, 3).error(ERRORS.fatal(), ["Critical"]).log("shop.page", "fatal", "page gives up");
  return session;
}

/** A job without a person, every few minutes the same. */
function work(session, items) {
  session.log("import.feed", "info", "feed opened", { items });
  for (let item = 0; item < items; item++) {
    session.wait(1, 12).log("import.item", "debug", `item ${item + 1} of ${items}: ${pick(PRODUCTS)}`);
    if (random() < 0.05) session.log("import.item", "warn", "price missing, the old one is kept");
    if (random() < 0.02) session.error(pick(ERRORS.worker)());
  }
  return session.log("import.feed", "info", "feed done");
}

function visitor(started_ms, automatic) {
  const user_agent = pick(BROWSERS);
  const request = { user_agent, http_method: "GET", is_secure: true, host: "shop.example.test", path: pick(["/", "/sale", "/kitchen"]) };
  return new Session(started_ms, { user: pick(USERS), automatic, data: { "service.name": "Storefront", "@request": request } });
}

function worker(started_ms) {
  const environment = {
    o_s_name: "Linux", o_s_version: "6.12.57", architecture: "x64", process_name: "node", process_id: String(Math.floor(between(300, 9000))),
    runtime_version: "v22.21.1", machine_name: pick(HOSTS), processor_count: 4,
  };
  const user = ["import@shop.example.test", "Nightly import"];
  return new Session(started_ms, { user, data: { "service.name": "Importer", "@environment": environment } });
}

function makeSessions(now_ms) {
  const sessions = [];
  for (let index = 0; index < SESSIONS - 6; index++) {
    // More in the day than in the night: an hour ago more than half a day ago.
    const started_ms = now_ms - 45 * MINUTE_MS - DAY_MS * 0.94 * random() ** 1.4;
    if (index % 9 === 8) {
      sessions.push(work(worker(started_ms), Math.round(between(30, 160))).end());
      continue;
    }
    const patience = index % 7 === 3 ? 9 : 1;
    const session = browse(visitor(started_ms, index % 5 === 0), Math.round(random() ** 2 * 24) + 1, patience);
    const wish = random();
    if (wish < 0.3) buy(session, "paid");
    else if (wish < 0.42) buy(session, pick(["failed", "twice", "fatal"]));
    // Some just close the lid: these time out.
    if (random() < 0.6) session.wait(2, 30).end();
    sessions.push(session);
  }
  for (let index = 0; index < 6; index++) sessions.push(running(now_ms, index));
  return sessions.map((session) => session.events.filter(({ date }) => Date.parse(date) <= now_ms));
}

/** One that is still going on: written with any length, then moved so that its last event is of now. */
function running(now_ms, index) {
  const session = index === 0 ? work(worker(now_ms), 80) : browse(visitor(now_ms), 3 + 4 * index);
  if (index === 2) buy(session, "failed");
  const by_ms = now_ms - session.now_ms - between(1, 40) * 1000;
  for (const event of session.events) event.date = new Date(Date.parse(event.date) + by_ms).toISOString();
  return session;
}

async function post(events) {
  for (let from = 0; from < events.length; from += BATCH_EVENTS) {
    const answer = await fetch(`${url}/api/v2/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(events.slice(from, from + BATCH_EVENTS)),
    });
    if (answer.status !== 202) throw new Error(`expected 202, found ${answer.status}: ${await answer.text()}`);
  }
}

const sessions = makeSessions(Date.now()).sort((one, other) => one[0].date.localeCompare(other[0].date));
for (const events of sessions) await post(events);
console.log(`${sessions.length} sessions with ${sessions.flat().length} events`);
