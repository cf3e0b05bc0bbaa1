// Every view, empty, full and broken, in light and dark, wide and narrow: compared with small pictures that are kept
// beside this (`pictures/`), and looked over by axe. `KYMO_GOLDEN=write` writes the pictures anew; look at them whole in the
// folder that KYMO_SCREENSHOTS names. KYMO_PICTURES is a regular expression of names, to look at a few of them.
//
// KYMO_EMPTY and KYMO_FULL name two servers, KYMO_EMPTY_COOKIE and KYMO_FULL_COOKIE who is signed in there, KYMO_NOW their
// time, KYMO_CHROMIUM the browser. The texts are in a font of the tests, since each machine has its own.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { PNG } from "pngjs";
import { ARGUMENTS, WITHIN_MS } from "../chromium.mjs";
import { LiveStand } from "./live_stand.mjs";

const require = createRequire(import.meta.url);
const KEPT = new URL("./pictures/", import.meta.url).pathname;
const WRITES = process.env.KYMO_GOLDEN === "write";
const ONLY = new RegExp(process.env.KYMO_PICTURES ?? "");
/** A kept picture has a pixel for so many by so many of the screen: enough to see that something moved. */
const SHRINK = 6;
/** Low bits that are not kept: what no eye sees makes files large. */
const DROPPED_BITS = 4;
/** How far a colour may be off (of 255), and how many pixels may be further: text is drawn a little differently at times. */
const COLOUR_OFF = 44;
const PIXELS_OFF = 0.006;

const SIZES = [{ width: 1440, height: 900 }, { width: 390, height: 844 }];
const THEMES = ["light", "dark"];
/** What is different each time. */
const VARIES = [".snippet"];

const SESSION = "/sessions/long-session";
/** Of a program; as crates/server/tests/it/pictures/program.rs has it. */
const PROGRAM = "/sessions/0199f0c1-2b3c-7d4e-9f50-000000000007";
const SETTINGS = ["projects", "projects/shop", "members", "account", "audit", "about"];
const VIEWS = [
  ...["/", "/users", "/sessions/nothing", "/events/nothing", "/nowhere", "/settings/projects"].map((path) => ["empty", path]),
  ...["/", "/?filter=user:nobody", "/?filter=usr:ann", SESSION, `${SESSION}?event=77`, `${SESSION}?tab=errors`, `${SESSION}?tab=environment`, `${SESSION}?tab=related`,
    "/users", "/users/user-7"].map((path) => ["full", path]),
  ...["", "?tab=threads", "?tab=metrics", "?tab=environment"].map((query) => ["full", PROGRAM + query]),
  ["full", `${PROGRAM}?tab=metrics&chart=p99~shop.checkout&from=2026-09-21T13:21:00.000Z&to=2026-09-21T13:27:00.000Z`, null, "metrics-of-a-range"],
  ["full", `${SESSION}?tab=metrics`], ["full", `${SESSION}?tab=threads`],
  ["full", "/?project=shop", bringFiles, "import"],
  ["empty", "/live", switchedOff, "live-off"], ["empty", "/live", nothingRuns, "live"],
  ["full", "/live", seeWhatRuns, "live"], ["full", "/live?filter=usr:ann", wrongFilter, "live-wrong-filter"],
  ["full", "/live", followOne, "live-followed"], ["full", "/live", missSome, "live-missed"],
  ...SETTINGS.map((section) => ["full", `/settings/${section}`]),
  ...["/", SESSION, "/live", "/users", "/users/user-7", "/settings/projects/shop", "/settings/audit", `${PROGRAM}?tab=threads`, `${PROGRAM}?tab=metrics`].map((path) => ["broken", path]),
];

const NOW_MS = Number(process.env.KYMO_NOW);

const problems = [];
const written = new Set();

async function main() {
  mkdirSync(KEPT, { recursive: true });
  const browser = await chromium.launch({ executablePath: process.env.KYMO_CHROMIUM, args: [...ARGUMENTS, "--force-device-scale-factor=1", "--font-render-hinting=none"] });
  try {
    for (const size of SIZES) for (const theme of THEMES) await all(browser, size, theme);
  } finally {
    await browser.close();
  }
  if (WRITES && !process.env.KYMO_PICTURES) for (const name of readdirSync(KEPT)) if (!written.has(name)) rmSync(join(KEPT, name));
}

async function all(browser, viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme, bypassCSP: true, timezoneId: "Europe/Berlin", locale: "en-GB", reducedMotion: "reduce" });
  context.setDefaultTimeout(WITHIN_MS);
  for (const state of ["EMPTY", "FULL"]) {
    const [name, value] = process.env[`KYMO_${state}_COOKIE`].split("=");
    const { hostname } = new URL(process.env[`KYMO_${state}`]);
    await context.addCookies([{ name, value, domain: hostname, path: "/", sameSite: "Strict" }]);
    const page = await context.newPage();
    await page.clock.setFixedTime(Number(process.env.KYMO_NOW));
    await page.addInitScript(useFont, fontFaces());
    for (const [of, path, act, called] of VIEWS) {
      if ((of === "empty") === (state === "EMPTY")) await one(page, of, path, `${colorScheme}-${viewport.width}`, act, called);
    }
    await page.close();
  }
  await context.close();
}

/** `act`: what is done before the picture is taken, `called` so. */
async function one(page, state, path, look, act, called) {
  const name = `${state}-${called ?? (path.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "sessions")}-${look}`;
  if (!ONLY.test(name)) return;
  const server = process.env[state === "empty" ? "KYMO_EMPTY" : "KYMO_FULL"];
  if (state === "broken") await page.route(/\/api\/v1\/(?!me$|projects$|stream|changes)/, refuse);
  await page.goto(server + path);
  await page.locator("main").waitFor();
  await act?.(page);
  await settled(page);
  const mask = VARIES.map((selector) => page.locator(selector));
  const bytes = await page.screenshot({ animations: "disabled", caret: "hide", mask, maskColor: "#808080" });
  if (process.env.KYMO_SCREENSHOTS) writeFileSync(join(process.env.KYMO_SCREENSHOTS, `${name}.png`), bytes);
  compare(name, bytes);
  console.log(JSON.stringify({ picture: name }));
  if (look !== "dark-390") await lookOver(page, name);
  await page.unrouteAll();
}

/** One that the server took, one that it did not, one that is none. */
async function bringFiles(page) {
  await page.route("**/api/v1/projects/*/import", (route) => {
    const is_first = route.request().postDataBuffer().length < 100;
    const sessions = [{ id: "0199f0c1-2b3c-7d4e-9f50-000000000007", state: "new", bytes: 734_003 }, { id: "0199f0c1-3b3c-7d4e-9f50-000000000008", state: "there_already", bytes: 0 }];
    return is_first
      ? route.fulfill({ status: 200, contentType: "application/json", body: JSON.stringify({ sessions, notes: ["at byte 81920: a damaged place was passed over"] }) })
      : refuse(route);
  });
  // On a phone the button is in a menu.
  await page.evaluate(() => dispatchEvent(new Event("kymo-import")));
  const magic = Buffer.from([0x89, 0x4b, 0x59, 0x4d, 0x4f, 0x0d, 0x0a, 0x1a]);
  const file = (name, buffer) => ({ name, mimeType: "application/octet-stream", buffer });
  await page.getByLabel("Session files").setInputFiles([
    file("till-3.kymo", magic), file("yesterday.kymo", Buffer.concat([magic, Buffer.alloc(200)])), file("holiday.png", Buffer.from("no session")),
  ]);
  await page.getByText("expected a session file or a package").waitFor();
}

async function livePage(page, fill, path = "/live") {
  const stand = new LiveStand();
  fill?.(stand);
  await stand.install(page);
  await page.goto(new URL(path, page.url()).href);
  return stand;
}

async function switchedOff(page) {
  await livePage(page, (stand) => (stand.switched = { enabled: false, agents: null, viewers: null }));
  await page.getByRole("heading", { name: "Live is off" }).waitFor();
}

async function nothingRuns(page) {
  await livePage(page);
  await page.getByRole("heading", { name: "Nothing runs now" }).waitFor();
}

const NAMES = ["Ann Okafor", "Ben Diaz", "Cem Yilmaz", "Dana Novak", "Eli Sand", "Farid Ali", "Gro Lund", "Hana Mori"];

async function seeWhatRuns(page) {
  await livePage(page, (stand) => NAMES.forEach((name, at) => tillOf(stand, `till-${at}`, { name, rate: [0, 0.4, 3.2, 18, 1_204][at % 5], followers: at % 3, started_ms: NOW_MS - at ** 3 * 61_000 })));
  await page.getByRole("row", { name: "Hana Mori" }).waitFor();
}

async function wrongFilter(page) {
  await livePage(page, null, "/live?filter=usr:ann");
  await page.getByText("There is no field usr").waitFor();
}

async function followOne(page) {
  await livePage(page, (stand) => tillOf(stand, "till-0", { name: "Ann Okafor", rate: 3.2 }), "/sessions/till-0?follow=true");
  await page.getByRole("row", { name: "sold 80" }).waitFor();
  await page.getByRole("group", { name: "Live", exact: true }).getByText("Live", { exact: true }).waitFor();
}

async function missSome(page) {
  const stand = await livePage(page, (stand) => tillOf(stand, "till-0", { name: "Ann Okafor", rate: 3.2 }), "/sessions/till-0?follow=true");
  await page.getByRole("row", { name: "sold 80" }).waitFor();
  const till = stand.programs.get("till-0");
  till.skip(1_200);
  till.tell({ type: "missed", first: 81, last: till.events.length, why: "this page was too slow" });
  till.burst(Array.from({ length: 6 }, (_, at) => [`sold ${2_000 + at}`, at === 3 ? "error" : "info"]));
  await page.getByRole("row", { name: "sold 2005" }).waitFor();
}

function tillOf(stand, id, more) {
  const till = stand.start(id, { started_ms: NOW_MS - 100_000, step_ms: 1_000, ...more });
  till.burst(Array.from({ length: 80 }, (_, at) => [`sold ${at + 1}`, at % 30 === 17 ? "error" : at % 11 === 3 ? "warn" : "info"]));
  till.stored_until = 60;
}

function refuse(route) {
  const body = JSON.stringify({ type: "about:blank", title: "service unavailable", status: 503, detail: "the disk is full, make room" });
  return route.fulfill({ status: 503, contentType: "application/problem+json", body });
}

/** Nothing is asked for any more, and nothing has been drawn anew for some frames. */
async function settled(page) {
  await page.waitForLoadState("networkidle");
  await page.evaluate(async () => {
    await document.fonts.ready;
    let quiet = 0;
    const observer = new MutationObserver(() => (quiet = 0));
    observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    while (quiet < 20) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      quiet += 1;
    }
    observer.disconnect();
  });
}

function fontFaces() {
  const face = (family, package_name, weight) => {
    const file = require.resolve(`@fontsource/${package_name}/files/${package_name}-latin-${weight}-normal.woff2`);
    const data = readFileSync(file).toString("base64");
    return `@font-face { font-family: "${family}"; font-weight: ${weight}; src: url(data:font/woff2;base64,${data}) format("woff2"); }`;
  };
  return [
    face("Test Sans", "roboto", 400), face("Test Sans", "roboto", 500), face("Test Sans", "roboto", 700),
    face("Test Mono", "roboto-mono", 400), face("Test Mono", "roboto-mono", 700),
  ].join("\n");
}

function useFont(faces) {
  const add = () => {
    const style = document.createElement("style");
    style.textContent = `${faces}
      :root { --font-mono: "Test Mono" !important; }
      html, body, button, input, select { font-family: "Test Sans", sans-serif !important; }
      pre, code, kbd, textarea, .mono { font-family: "Test Mono", monospace !important; }`;
    document.head.append(style);
  };
  if (document.head) add();
  else new MutationObserver((_, observer) => {
    if (!document.head) return;
    observer.disconnect();
    add();
  }).observe(document, { childList: true, subtree: true });
}

function compare(name, bytes) {
  const file = `${name}.png`;
  const seen = shrunk(PNG.sync.read(bytes));
  written.add(file);
  const path = join(KEPT, file);
  if (WRITES) {
    // What has not really changed is left as it is.
    if (existsSync(path) && share(PNG.sync.read(readFileSync(path)), seen) === 0) return;
    return void writeFileSync(path, PNG.sync.write(seen, { colorType: 2, deflateLevel: 9 }));
  }
  if (!existsSync(path)) return void problems.push(`${name}: there is no picture yet`);
  const off = share(PNG.sync.read(readFileSync(path)), seen);
  if (off > PIXELS_OFF) problems.push(`${name}: ${(off * 100).toFixed(1)} % of it looks different`);
}

/** Each pixel the mean of a square. */
function shrunk(picture) {
  const width = Math.floor(picture.width / SHRINK);
  const height = Math.floor(picture.height / SHRINK);
  const small = new PNG({ width, height });
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        let sum = 0;
        for (let dy = 0; dy < SHRINK; dy += 1) {
          for (let dx = 0; dx < SHRINK; dx += 1) sum += picture.data[((y * SHRINK + dy) * picture.width + x * SHRINK + dx) * 4 + channel];
        }
        const mean = Math.round(sum / SHRINK ** 2);
        small.data[(y * width + x) * 4 + channel] = (mean >> DROPPED_BITS) << DROPPED_BITS;
      }
      small.data[(y * width + x) * 4 + 3] = 255;
    }
  }
  return small;
}

/** How many pixels differ, of all. */
function share(kept, seen) {
  if (kept.width !== seen.width || kept.height !== seen.height) return 1;
  let off = 0;
  for (let at = 0; at < kept.data.length; at += 4) {
    const differs = [0, 1, 2].some((channel) => Math.abs(kept.data[at + channel] - seen.data[at + channel]) > COLOUR_OFF);
    if (differs) off += 1;
  }
  return off / (kept.data.length / 4);
}

async function lookOver(page, name) {
  await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const violations = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations);
  for (const { id, impact, help, nodes } of violations) {
    if (!["serious", "critical"].includes(impact)) continue;
    problems.push(`${name}: axe ${impact}: ${id}, ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }
}

await main();
for (const problem of problems) console.log(JSON.stringify({ problem }));
console.log(JSON.stringify({ done: true, pictures: written.size }));
