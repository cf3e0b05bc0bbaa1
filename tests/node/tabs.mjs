// Pages with a real agent in the tabs of a real browser. The pages come from a server of this script's own, so that Kymo
// is on another origin. A test drives it by lines on standard input:
//
//     open TAB [SETTING…]         a new tab with a page of that name; settings are `name=value`, or `name` for yes
//     popup TAB OTHER [SETTING…]  the same, opened by the page in TAB with `window.open`
//     reload TAB [mute]           once what the page of a user sends on its way out has been answered; `mute`: its close
//                                 call is lost
//     close TAB                   as a person does: the page may send, but nobody waits for it
//     hold TAB                    what the page sends does not leave the browser
//     held TAB                    waits until something is held
//     release TAB                 now it may leave; waits for the answers
//     pass TAB SECONDS            time goes by for the page (of a tab opened with `clock`)
//     back TAB SECONDS            somebody sets its clock back
//     sent TAB                    time goes by until the page has sent everything
//     until TAB NUMBER            waits until so many events wait at the page
//     WORD TAB [ARGUMENT…]        what the page can do: see `pages/`
//
// Each is answered by a line when it is done. What the agents were told is printed as `{"logged": …}`.
//
// Usage: node tabs.mjs AGENT, with KYMO_URL, KYMO_TOKEN and KYMO_CHROMIUM in the environment.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { ARGUMENTS, WITHIN_MS } from "./chromium.mjs";

/** How long the browser's own work under way is left alone before it is looked at again. */
const LOOK_EVERY_MS = 5;
/** The Exceptionless agent sends every ten seconds. */
const TICK_SECONDS = 10;
/** Sending is suspended until the next quarter of an hour on the page's clock: that is two minutes ahead at first. */
const FIRST_MINUTE_OF_QUARTER = 13;
const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;

const agent = process.argv[2];
const find = createRequire(import.meta.url).resolve;
const FILES = {
  "/exceptionless.js": find("@exceptionless/browser").replace(/index\.js$/, "index.bundle.js"),
  "/loupe.js": find("@gibraltarsoftware/loupe-typescript").replace(/index\.js$/, "loupe.typescript.js"),
  "/page.mjs": fileURLToPath(new URL(`./pages/${agent}.mjs`, import.meta.url)),
};

/** Tabs by name: `{ page, settings, gate, held }`. */
const tabs = new Map();
/** Requests to Kymo that were not answered yet. */
const underway = new Set();
let context;
let port;

const commands = {
  async open(name, ...words) {
    prepare(name, words);
    const { settings } = tabs.get(name);
    if (settings.clock) await context.clock.install({ time: clockStart() });
    const page = await context.newPage();
    await page.goto(`http://${settings.host ?? "localhost"}:${port}/${name}`);
    await arrived(name, page);
  },

  async popup(opener, name, ...words) {
    prepare(name, words);
    const [page] = await Promise.all([
      context.waitForEvent("page"),
      tabs.get(opener).page.evaluate((path) => void window.open(path), `/${name}`),
    ]);
    await arrived(name, page);
  },

  async reload(name, mute) {
    const tab = tabs.get(name);
    const is_close_call = (url) => url.searchParams.get("close") === "true";
    if (mute) await tab.page.route(is_close_call, (route) => route.abort());
    if (tab.settings.user) {
      const last_call = new Promise((resolve) => {
        const seen = (request) => is_close_call(new URL(request.url())) && resolve();
        tab.page.on("requestfinished", seen).on("requestfailed", seen);
      });
      // The old page lives until the new one is answered.
      tab.gate = last_call.then(quiet);
    }
    await tab.page.reload();
    if (mute) await tab.page.unroute(is_close_call);
    await arrived(name, tab.page);
  },

  async close(name) {
    const { page } = tabs.get(name);
    const closed = page.waitForEvent("close");
    await page.close({ runBeforeUnload: true });
    await closed;
    tabs.delete(name);
    // Nobody tells what became of these.
    for (const request of underway) if (request.frame().page() === page) underway.delete(request);
  },

  async hold(name) {
    const tab = tabs.get(name);
    tab.held = [];
    await tab.page.route(is_to_kymo, (route) => tab.held.push(route));
  },

  async held(name) {
    while (tabs.get(name).held.length === 0) await pause(LOOK_EVERY_MS);
  },

  async release(name) {
    const tab = tabs.get(name);
    for (const route of tab.held) await route.continue();
    await quiet();
    await tab.page.unroute(is_to_kymo);
  },

  async pass(name, seconds) {
    for (let passed = 0; passed < Number(seconds); passed += TICK_SECONDS) {
      await tabs.get(name).page.clock.runFor(TICK_SECONDS * 1000);
      await quiet();
    }
  },

  async back(name, seconds) {
    const { page } = tabs.get(name);
    await page.clock.setSystemTime((await page.evaluate(() => Date.now())) - Number(seconds) * 1000);
  },

  async sent(name) {
    while ((await report(name)).waiting > 0) await commands.pass(name, TICK_SECONDS);
  },

  async until(name, waiting) {
    while ((await report(name)).waiting !== Number(waiting)) await pause(LOOK_EVERY_MS);
  },
};

/** Reads the settings of a page and lets the site know them. */
function prepare(name, words) {
  const settings = { tab: name, server: process.env.KYMO_URL, token: process.env.KYMO_TOKEN };
  for (const word of words) {
    const [setting, value] = word.split("=");
    settings[setting] = value ?? true;
  }
  tabs.set(name, { settings });
}

async function arrived(name, page) {
  tabs.get(name).page = page;
  await page.waitForFunction(() => globalThis.agent);
}

function is_to_kymo(url) {
  return url.href.startsWith(process.env.KYMO_URL);
}

/** Waits until Kymo has answered all that was asked, and the pages have had their turn with the answers. */
async function quiet() {
  do await pause(LOOK_EVERY_MS);
  while (underway.size > 0);
}

/** The last moment that lies two minutes before a quarter of an hour. */
function clockStart() {
  const since = (Date.now() - FIRST_MINUTE_OF_QUARTER * MINUTE_MS) % QUARTER_MS;
  return Date.now() - since;
}

/** Prints what the tab's agent was told since the last time; returns the page's other news. */
async function report(name) {
  const { told, ...news } = await tabs.get(name).page.evaluate(() => globalThis.agent.report());
  for (const logged of told) print({ logged });
  return news;
}

/** The pages, each named like its tab. */
async function serve(request, response) {
  const path = new URL(request.url, "http://localhost").pathname;
  const tab = tabs.get(path.slice(1));
  if (tab) {
    await tab.gate;
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html(tab.settings));
  } else if (FILES[path]) {
    response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(await readFile(FILES[path]));
  } else {
    response.writeHead(404).end();
  }
}

function html(settings) {
  return `<!doctype html>
<title>${settings.tab}</title>
<script>globalThis.settings = ${JSON.stringify(settings)};</script>
<script type="module" src="/page.mjs"></script>
`;
}

/** One JSON line for the test. */
function print(line) {
  console.log(JSON.stringify(line));
}

async function drive() {
  const site = createServer((request, response) => void serve(request, response));
  await new Promise((resolve) => site.listen(0, resolve));
  port = site.address().port;
  const browser = await chromium.launch({ executablePath: process.env.KYMO_CHROMIUM, args: ARGUMENTS });
  context = await browser.newContext();
  context.setDefaultTimeout(WITHIN_MS);
  context.on("request", (request) => is_to_kymo(new URL(request.url())) && underway.add(request));
  for (const end of ["requestfinished", "requestfailed"]) context.on(end, (request) => underway.delete(request));

  print({ answer: "start", origin: `http://localhost:${port}` });
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, name, ...rest] = line.split(" ");
    if (commands[word]) {
      await commands[word](name, ...rest);
    } else {
      const say = ([word, rest]) => globalThis.agent[word](...rest);
      await tabs.get(name).page.evaluate(say, [word, rest]);
    }
    print({ answer: word, ...(tabs.has(name) ? await report(name) : {}) });
  }
  // What the pages do from here on shall not make a difference.
  await context.setOffline(true);
  await browser.close();
  site.close();
  print({ done: true });
}

await drive();
