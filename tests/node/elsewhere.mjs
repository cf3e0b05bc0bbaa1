// A browser in which somebody is signed in to Kymo looks at pages of other origins, and these try every route in every
// way a page has. It is driven by lines on standard input:
//
//     try HOST     a page of that host, on a port of its own, tries everything
//     me           who the server says is signed in, asked by its own page
//     password P   the page sets a password, its browser forgets its cookie, and signs in with name and password
//
// `seen` in the answer lists all that the page could read.
//
// KYMO_URL names the server, KYMO_SIGN_IN the one-time link, KYMO_ROUTES what to try (a list of `method`, `path`,
// `body`), KYMO_CHROMIUM the browser.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { ARGUMENTS, WITHIN_MS } from "./chromium.mjs";
import { print } from "./clients/agent.mjs";

const { KYMO_URL, KYMO_SIGN_IN, KYMO_CHROMIUM } = process.env;
const routes = JSON.parse(process.env.KYMO_ROUTES);

/** Routes that a page tries before it says that it goes on: some seconds' worth. */
const ROUTES_AT_ONCE = 8;

/** Runs in the page: everything that a page can do to another origin. Returns what it could read. */
async function attack({ server, routes, within_ms }) {
  const seen = [];
  const attempts = [];
  const never = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const loaded = (element) =>
    Promise.race([new Promise((resolve) => (element.onload = element.onerror = resolve)), never(within_ms)]);

  async function byFetch({ method, path, body }, mode) {
    const stop = new AbortController();
    const how = mode === "cors" ? "fetch" : "fetch without CORS";
    try {
      const has_body = body !== "" && method !== "GET";
      const options = { method, mode, credentials: "include", signal: stop.signal };
      const answer = await fetch(server + path, has_body ? { ...options, body } : options);
      if (answer.type === "opaque") return;
      const text = path.endsWith("/changes") ? "" : await answer.text();
      seen.push({ how, path, method, status: answer.status, text });
    } catch {
      // What a page is told of an answer it may not read.
    } finally {
      stop.abort();
    }
  }

  async function byElement(name, attribute, { path, method }) {
    const element = document.createElement(name);
    const end = loaded(element);
    element[attribute] = server + path;
    document.body.append(element);
    const event = await end;
    const is_shown = name === "img" && element.naturalWidth > 0;
    const is_run = name === "script" && event?.type === "load";
    const is_read = name === "iframe" && element.contentDocument !== null && element.contentDocument.URL !== "about:blank";
    const is_style = name === "link" && [...document.styleSheets].some((sheet) => sheet.href === element.href && readable(sheet));
    if (is_shown || is_run || is_read || is_style) seen.push({ how: name, path, method });
    element.remove();
  }

  function readable(sheet) {
    try {
      return sheet.cssRules.length > 0;
    } catch {
      return false;
    }
  }

  async function byForm({ path, method, body }, number) {
    const frame = document.createElement("iframe");
    frame.name = `frame-${number}`;
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, { action: server + path, method: "post", target: frame.name, enctype: "text/plain" });
    // Without a form's own equals sign: `{"name": "x", "` + `=` + `": 1}` would do as well.
    const field = document.createElement("input");
    [field.name, field.value] = [body.replace(/}$/, ', "'), '": 1}'];
    form.append(field);
    document.body.append(form);
    const end = loaded(frame);
    form.submit();
    await end;
    let document_of_frame = null;
    try {
      document_of_frame = frame.contentDocument;
    } catch {
      // What it is there for.
    }
    if (document_of_frame && document_of_frame.URL !== "about:blank") seen.push({ how: "form", path, method });
    frame.remove();
    form.remove();
  }

  function byEventSource({ path, method }) {
    return new Promise((resolve) => {
      const source = new EventSource(server + path, { withCredentials: true });
      const end = () => {
        source.close();
        resolve();
      };
      source.onopen = () => {
        seen.push({ how: "EventSource", path, method });
        end();
      };
      source.onerror = end;
    });
  }

  function byWebSocket({ path, method }) {
    return new Promise((resolve) => {
      const socket = new WebSocket(server.replace("http", "ws") + path);
      socket.onopen = () => {
        seen.push({ how: "WebSocket", path, method });
        socket.close();
        resolve();
      };
      socket.onerror = resolve;
    });
  }

  for (const [number, route] of routes.entries()) {
    if (route.method === "GET") attempts.push(() => byWebSocket(route));
    attempts.push(() => byFetch(route, "cors"), () => byEventSource(route));
    if (["GET", "POST"].includes(route.method)) attempts.push(() => byFetch(route, "no-cors"));
    // A stream of changes has no end that an element could wait for.
    if (route.path.endsWith("/changes")) continue;
    attempts.push(() => byForm(route, number));
    attempts.push(() => byElement("img", "src", route), () => byElement("script", "src", route));
    attempts.push(() => byElement("iframe", "src", route));
  }
  const count = attempts.length;
  const worker = async () => {
    while (attempts.length > 0) await attempts.pop()();
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return { seen, attempts: count };
}

async function main() {
  const site = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<!doctype html><title>elsewhere</title><body>");
  });
  await new Promise((resolve) => site.listen(0, resolve));
  const browser = await chromium.launch({ executablePath: KYMO_CHROMIUM, args: ARGUMENTS });
  const context = await browser.newContext();
  context.setDefaultTimeout(WITHIN_MS);
  const own = await context.newPage();
  await own.goto(KYMO_SIGN_IN);
  await own.getByRole("button", { name: "Sign in" }).click();
  await own.waitForURL(`${KYMO_URL}/`);
  const me = () =>
    own.evaluate(async () => {
      const answer = await fetch("/api/v1/me");
      return { status: answer.status, ...(await answer.json()) };
    });
  print({ answer: "signed in", ...(await me()) });

  const commands = {
    me,
    async password(password) {
      const { name } = await me();
      const set = (new_password) =>
        fetch("/api/v1/me/password", { method: "PUT", body: JSON.stringify({ new_password }) }).then(({ status }) => status);
      const status = await own.evaluate(set, password);
      await context.clearCookies();
      await own.goto(KYMO_URL);
      await own.getByRole("link", { name: "Sign in with a password" }).click();
      for (const tried of ["not this one", password]) {
        await own.getByLabel("Name").fill(name);
        await own.getByLabel("Password").fill(tried);
        await own.getByRole("button", { name: "Sign in" }).click();
        if (tried !== password) await own.getByText("Name or password is wrong").waitFor();
      }
      await own.waitForURL(`${KYMO_URL}/`);
      return { set: status, ...(await me()) };
    },
    async try(host) {
      const page = await context.newPage();
      let cookies = 0;
      const asked = [];
      page.on("request", (request) => {
        if (request.url().startsWith(KYMO_URL)) asked.push(request.allHeaders().then((all) => (cookies += all.cookie ? 1 : 0), () => {}));
      });
      await page.goto(`http://${host}:${site.address().port}/`);
      const seen = [];
      let attempts = 0;
      for (let at = 0; at < routes.length; at += ROUTES_AT_ONCE) {
        const some = routes.slice(at, at + ROUTES_AT_ONCE);
        const found = await page.evaluate(attack, { server: KYMO_URL, routes: some, within_ms: WITHIN_MS });
        seen.push(...found.seen);
        attempts += found.attempts;
        // Whoever waits sees that it goes on.
        print({ tried: attempts });
      }
      // Of a frame that was refused and is gone the browser at times never tells the headers: with the page that question ends.
      await page.close();
      await Promise.all(asked);
      return { seen, attempts, cookies };
    },
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, ...rest] = line.split(" ");
    print({ answer: word, ...(await commands[word](...rest)) });
  }
  await browser.close();
  site.close();
  print({ done: true });
}

await main();
