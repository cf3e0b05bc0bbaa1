// A person reads one session: a long one that is over, from its end to its middle, its errors, a part of it, its user's
// other sessions; then one that goes on. Prints one JSON line for each step.
//
// KYMO_URL, KYMO_TOKEN and KYMO_SIGN_IN name the server, KYMO_CHROMIUM the browser.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGUMENTS, WITHIN_MS } from "../chromium.mjs";

const LINES = 1_600;
const STEP_MS = 500;
/** Repeated as often, from this line on. */
const [TICKS, TICKS_FROM] = [48, 100];
const ERRORS_AT = [20, 700, 1_200];
const isRed = (at) => at % 7 === 1;
const isTick = (at) => at >= TICKS_FROM && at < TICKS_FROM + TICKS;
const RED = Array.from({ length: LINES }, (_, at) => at).filter((at) => isRed(at) && !isTick(at) && !ERRORS_AT.includes(at)).length;
const HOUR_MS = 3_600_000;
const USER = { identity: "ann@example.test", name: "Ann Okafor" };

/** What the browser complained about: nothing is expected but what is asked for on purpose. */
const complaints = [];
/** Requests for events since they were last looked at. */
let asked = [];

/** The running session began a minute before. */
const now_ms = Date.now();

async function main() {
  await postSession("annssession00", now_ms - 4 * HOUR_MS, linesOf(now_ms - 4 * HOUR_MS, "annssession00"), true);
  await postSession("annsearlier00", now_ms - 9 * HOUR_MS, [line("annsearlier00", now_ms - 9 * HOUR_MS, "an earlier day")], true);
  await postSession("annsrunning00", now_ms - 60_000, Array.from({ length: 60 }, (_, at) => line("annsrunning00", now_ms - 50_000 + at * 100, `running ${at}`)), false);
  await post([{ type: "log", source: "alone", message: "of no session", date: new Date(now_ms).toISOString(), data: {} }]);
  const folder = mkdtempSync(join(tmpdir(), "kymo-chromium-"));
  let browser;
  try {
    browser = await chromium.launchPersistentContext(folder, {
      executablePath: process.env.KYMO_CHROMIUM, args: ARGUMENTS, viewport: { width: 1440, height: 900 }, acceptDownloads: true,
    });
    browser.setDefaultTimeout(WITHIN_MS);
    await browser.grantPermissions(["clipboard-read", "clipboard-write"], { origin: process.env.KYMO_URL });
    await visit(browser.pages()[0] ?? (await browser.newPage()));
  } finally {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function visit(page) {
  listen(page);
  await page.goto(process.env.KYMO_SIGN_IN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("grid", { name: "Sessions" }).getByRole("link", { name: "Ann Okafor" }).nth(2).waitFor();
  const id = await openLong(page);
  await readRuns(page);
  await jumpAndStep(page);
  await filterByWhatIsSeen(page);
  await useLinks(page, id);
  await brush(page);
  await brushByKeys(page);
  await seeErrors(page);
  await seeRelated(page);
  await exportAndPin(page);
  assert.deepEqual(complaints, []);
  await sayWhatIsMissing(page, id);
  await partsFailAlone(page, id);
  complaints.length = 0;
  await followRunning(page);
  await narrow(page, id);
  assert.deepEqual(complaints, []);
}

function listen(page) {
  page.on("pageerror", (thrown) => complaints.push(`error: ${thrown.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname.endsWith("/events")) asked.push(searchParams);
  });
}

const events = (page) => page.getByRole("grid", { name: "Events" });
const details = (page) => page.getByRole("complementary", { name: "Event details" });
const row = (page, name) => events(page).getByRole("row", { name });
const parameter = (page, name) => new URL(page.url()).searchParams.get(name);
/** The address follows what is done, soon after. */
const untilAddress = (page, holds) => page.waitForURL((url) => holds(url.searchParams, url));

async function openLong(page) {
  await page.goto(`${process.env.KYMO_URL}/sessions/annssession00`);
  await row(page, "line 1 of").waitFor();
  assert.equal(asked.filter((query) => query.has("offset")).length, 1, "one page is read at first");
  assert.ok((await page.locator(".grid-row").count()) < 200);
  const answer = await page.request.get(`${process.env.KYMO_URL}/api/v1/sessions/annssession00`);
  step("opened");
  return (await answer.json()).id;
}

/** Repeated lines are one row that opens and closes. */
async function readRuns(page) {
  await page.goto(`${process.env.KYMO_URL}/sessions/annssession00?event=${TICKS_FROM}`);
  await page.locator(".grid-row.active").waitFor();
  const run = events(page).getByRole("button", { name: `${TICKS} times the same, open` });
  await run.waitFor();
  assert.equal(await events(page).getByText("tick", { exact: true }).count(), 1);
  await run.click();
  const close = events(page).getByRole("button", { name: `${TICKS} times the same, close` });
  await close.waitFor();
  assert.ok((await events(page).getByText("tick", { exact: true }).count()) > 5);
  await close.click();
  await run.waitFor();
  const each = page.getByRole("button", { name: "Each line" });
  await each.click();
  await page.waitForURL(/grouped=false/);
  await run.waitFor({ state: "detached" });
  assert.ok((await events(page).getByText("tick", { exact: true }).count()) > 5);
  await each.click();
  await run.waitFor();
  step("runs open and close");
}

async function jumpAndStep(page) {
  asked = [];
  await events(page).focus();
  await page.keyboard.press("End");
  await row(page, `line ${LINES - 1} of`).waitFor();
  await page.keyboard.press("Home");
  await row(page, "line 1 of").waitFor();
  const pages_read = asked.filter((query) => query.has("offset")).length;
  assert.ok(pages_read <= 2, `${pages_read} pages read for a jump to the end and back`);

  await page.goto(`${process.env.KYMO_URL}/sessions/annssession00`);
  await row(page, "line 1 of").waitFor();
  for (const at of ERRORS_AT) {
    await page.keyboard.press("e");
    await details(page).getByText(`page ${at} is lost`, { exact: true }).waitFor();
    await page.locator(".grid-row.active").getByText(`page ${at} is lost`).waitFor();
  }
  await page.keyboard.press("e");
  await page.getByText("No further error").waitFor();
  await page.keyboard.press("E");
  await details(page).getByText(`page ${ERRORS_AT[1]} is lost`, { exact: true }).waitFor();
  await details(page).getByRole("region", { name: "Exception" }).getByText("SaveError").waitFor();
  const request = details(page).getByRole("region", { name: "Request" });
  await request.getByText("https://editor.test/save").waitFor();
  await request.getByText("Headers").click();
  await request.getByText("X-Trace").waitFor();
  await page.keyboard.press("j");
  await details(page).getByText(`line ${ERRORS_AT[1] + 1} of`, { exact: false }).first().waitFor();
  step("jumped and stepped");
}

async function filterByWhatIsSeen(page) {
  await details(page).getByRole("button", { name: "Filter for colour: red" }).click();
  await untilAddress(page, (query) => query.get("filter") === "attributes.colour:red");
  await page.getByRole("status").getByText(`${RED} events`).waitFor();
  const box = page.getByRole("searchbox", { name: "Filter events" }).or(page.getByRole("combobox", { name: "Filter events" }));
  await box.fill('"of the editor" attributes.colour:red -attributes.kind:odd');
  await page.keyboard.press("Tab");
  await untilAddress(page, (query) => (query.get("filter") ?? "").endsWith("-attributes.kind:odd"));
  await events(page).locator("mark").getByText("of the editor").first().waitFor();
  await box.fill("level:error");
  await page.keyboard.press("Tab");
  await page.getByRole("status").getByText(`${ERRORS_AT.length} events`).waitFor();
  await details(page).getByText("leaves this event out of the list").waitFor();
  await details(page).getByRole("button", { name: "Show all events" }).click();
  await page.locator(".grid-row.active").getByText(`line ${ERRORS_AT[1] + 1} of`).waitFor();
  step("filtered");
}

/** The link to an event alone leads to its session, however far down it is. */
async function useLinks(page, id) {
  await page.keyboard.press("y");
  await page.getByText("Link copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
  await details(page).getByRole("button", { name: "Link", exact: true }).click();
  await page.getByText("Link to the event copied").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(link.startsWith(`${process.env.KYMO_URL}/events/${id}.`), link);
  asked = [];
  await page.goto(link);
  await page.locator(".grid-row.active").getByText(`line ${ERRORS_AT[1] + 1} of`).waitFor();
  assert.equal(new URL(page.url()).pathname, `/sessions/${id}`);
  assert.ok(asked.filter((query) => query.has("offset")).every((query) => query.get("offset") === "500"), "only its page is read");
  await details(page).getByRole("button", { name: "Raw JSON" }).click();
  await details(page).getByText('"sequence": ').waitFor();

  const alone = await page.request.get(`${process.env.KYMO_URL}/api/v1/events?filter=category:alone`);
  await page.goto(`${process.env.KYMO_URL}/events/${(await alone.json()).items[0].id}`);
  await page.getByRole("heading", { name: "of no session" }).waitFor();
  await page.getByText("belongs to no session").waitFor();
  step("links lead there");
}

/** A part of the session is drawn with the pointer; back shows all of it again. */
async function brush(page) {
  await page.goto(`${process.env.KYMO_URL}/sessions/annssession00`);
  await row(page, "line 1 of").waitFor();
  const total = page.getByRole("status").getByText(/events$/);
  const all = await total.innerText();
  const drawing = page.getByRole("slider", { name: /Time in the session/ });
  const { x, y, width } = await drawing.boundingBox();
  await page.mouse.move(x + width * 0.5, y + 40);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.7, y + 40, { steps: 4 });
  await page.getByText(/^about/).waitFor();
  await page.mouse.up();
  await untilAddress(page, (query) => query.has("from") && query.has("to"));
  const part = page.getByRole("group", { name: "Part of the session" });
  await part.getByText("3 min long").waitFor();
  await page.waitForFunction((before) => document.querySelector(".total")?.textContent !== before && document.querySelector(".total")?.textContent !== "", all);
  const count = Number((await total.innerText()).replace(/\D/g, ""));
  assert.ok(count > LINES * 0.15 && count < LINES * 0.25, `${count} events in a fifth`);
  await part.getByRole("button", { name: "Zoom out" }).click();
  await part.getByText("5 min long").waitFor();
  await page.goBack();
  await part.getByText("3 min long").waitFor();
  await part.getByRole("button", { name: "Whole session" }).click();
  await untilAddress(page, (query) => !query.has("from"));
  await page.getByRole("status").getByText(all, { exact: true }).waitFor();

  // A click on a notch opens its error.
  await page.mouse.click(x + (width - 16) * (ERRORS_AT[1] / LINES), y + 5);
  await details(page).getByText(`page ${ERRORS_AT[1]} is lost`, { exact: true }).waitFor();
  step("brushed");
}

async function brushByKeys(page) {
  const drawing = page.getByRole("slider", { name: /Time in the session/ });
  await drawing.focus();
  await page.keyboard.press("Home");
  for (let press = 0; press < 10; press += 1) await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Enter");
  await untilAddress(page, (query) => query.has("from"));
  await drawing.press("Home");
  assert.match(await drawing.getAttribute("aria-valuetext"), /events?$/);
  await drawing.press("0");
  await untilAddress(page, (query) => !query.has("from"));
  step("brushed by keys");
}

async function seeErrors(page) {
  await page.getByRole("tab", { name: "Errors" }).click();
  const group = page.getByRole("region", { name: "SaveError" });
  await group.getByText(`× ${ERRORS_AT.length}`).waitFor();
  await group.getByText("/srv/editor/save.js:12:3").waitFor();
  await group.getByRole("listitem").nth(2).getByRole("button").click();
  await details(page).getByText(`page ${ERRORS_AT[2]} is lost`, { exact: true }).waitFor();
  assert.equal(parameter(page, "tab"), null);
  step("errors by kind");
}

async function seeRelated(page) {
  await page.getByRole("tab", { name: "Related" }).click();
  const part = page.getByRole("region", { name: "Other sessions of Ann Okafor" });
  await part.getByRole("link").nth(2).waitFor();
  await part.locator("tbody").getByRole("link").last().click();
  await page.waitForURL((url) => !url.pathname.endsWith("annssession00"));
  await row(page, "an earlier day").waitFor();
  await page.keyboard.press("[");
  await page.getByText("No earlier session of Ann Okafor").waitFor();
  await page.keyboard.press("]");
  await row(page, "line 1 of").waitFor();
  step("the user's other sessions");
}

async function exportAndPin(page) {
  await page.getByRole("tab", { name: "Events" }).click();
  await page.getByLabel("Severity").selectOption("error");
  await page.getByRole("status").getByText(`${ERRORS_AT.length} events`).waitFor();
  await page.locator("summary").getByText("Export").click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /^NDJSON/ }).click()]);
  const lines = readFileSync(await download.path(), "utf8").trim().split("\n").map((text) => JSON.parse(text));
  assert.deepEqual(lines.map((event) => event.exception.message), ERRORS_AT.map((at) => `page ${at} is lost`));
  await page.getByRole("button", { name: "Pin", exact: true }).click();
  const pinned = page.getByRole("button", { name: "Pinned" });
  await pinned.waitFor();
  await pinned.click();
  await page.getByRole("button", { name: "Pin", exact: true }).waitFor();
  step("exported and pinned");
}

async function sayWhatIsMissing(page, id) {
  await page.goto(`${process.env.KYMO_URL}/sessions/${id}?event=99999`);
  await details(page).getByText("This session has no event 99999").waitFor();
  await row(page, "line 1 of").waitFor();
  await page.goto(`${process.env.KYMO_URL}/events/${id}.99999`);
  await page.getByRole("heading", { name: "This event is not here" }).waitFor();
  await page.goto(`${process.env.KYMO_URL}/sessions/nothere`);
  await page.getByRole("heading", { name: "This session is not here" }).waitFor();
  await page.goto(`${process.env.KYMO_URL}/sessions/${id}?filter=lvel:warn`);
  await page.getByText("The filter is not understood.").waitFor();
  await page.getByText("did you mean level?").first().waitFor();
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await row(page, "line 1 of").waitFor();
  step("what is missing is said");
}

/** Each part tells its own failure, and the others go on. */
async function partsFailAlone(page, id) {
  const broken = (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: '{"title":"internal error","status":500,"detail":"on purpose"}' });
  await page.route("**/density?**", broken);
  await page.goto(`${process.env.KYMO_URL}/sessions/${id}`);
  await page.getByText("The kymogram could not be read.").waitFor();
  await row(page, "line 1 of").waitFor();
  await page.unroute("**/density?**");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("The kymogram could not be read.").waitFor({ state: "detached" });
  await page.route("**/events?**", broken);
  await page.goto(`${process.env.KYMO_URL}/sessions/${id}`);
  await page.getByText("The events could not be read.").waitFor();
  await page.getByRole("heading", { name: "Ann Okafor" }).waitFor();
  await page.unroute("**/events?**");
  await page.getByRole("button", { name: "Try again" }).click();
  await row(page, "line 1 of").waitFor();
  step("parts fail alone");
}

/** At the end of a session that goes on: followed, left, paused. */
async function followRunning(page) {
  await page.goto(`${process.env.KYMO_URL}/sessions/annsrunning00?follow=true`);
  await row(page, "running 59").waitFor();
  await post([line("annsrunning00", Date.now(), "running on")]);
  await row(page, "running on").waitFor();

  await page.keyboard.press("Space");
  await page.getByRole("button", { name: /^Paused\. Go on/ }).waitFor();
  await post([line("annsrunning00", Date.now(), "while paused")]);
  await page.getByRole("button", { name: /^Paused, 1 event came since/ }).waitFor();
  assert.equal(await row(page, "while paused").count(), 0);
  await page.keyboard.press("Space");
  await row(page, "while paused").waitFor();

  await events(page).hover();
  await page.mouse.wheel(0, -600);
  await untilAddress(page, (query) => !query.has("follow"));
  const before = await topRow(page);
  await post([line("annsrunning00", Date.now(), "further down")]);
  await page.getByRole("button", { name: "1 new event" }).waitFor();
  assert.deepEqual(await topRow(page), before, "what is read was moved");
  // Dated before all that is in sight.
  await post([line("annsrunning00", now_ms - 55_000, "came late")]);
  await page.getByRole("button", { name: "2 new events" }).waitFor();
  assert.deepEqual(await topRow(page), before, "what is read was moved by what came in above");
  await page.keyboard.press("f");
  await row(page, "further down").waitFor();
  step("followed");
}

/** The first whole row in sight, and where it stands. */
function topRow(page) {
  return events(page).evaluate((grid) => {
    const rows = [...grid.querySelectorAll(".grid-body .grid-row")].map((row) => ({ top: row.getBoundingClientRect().top, text: row.innerText }));
    const head = grid.querySelector(".grid-head").getBoundingClientRect().bottom;
    return rows.filter(({ top }) => top >= head).sort((one, other) => one.top - other.top)[0];
  });
}

/** On a phone the details are a sheet over the list. */
async function narrow(page, id) {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${process.env.KYMO_URL}/sessions/${id}`);
  await row(page, "line 1 of").waitFor();
  assert.equal(await details(page).isVisible(), false);
  await row(page, "line 1 of").click();
  await details(page).waitFor();
  await page.locator(".grid-row.active").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await details(page).getByRole("button", { name: "Close the details" }).click();
  await details(page).waitFor({ state: "hidden" });
  step("on a phone");
}

function linesOf(started_ms, session) {
  return Array.from({ length: LINES }, (_, at) => {
    const at_ms = started_ms + at * STEP_MS;
    if (ERRORS_AT.includes(at)) return errorOf(session, at_ms, at);
    if (isTick(at)) return line(session, at_ms, "tick");
    return line(session, at_ms, `line ${at} of the editor's log`, { colour: isRed(at) ? "red" : "blue", kind: at % 2 ? "odd" : "even" });
  });
}

function line(session, at_ms, message, data = {}) {
  return { type: "log", source: "editor.log", message, date: new Date(at_ms).toISOString(), data: { ...common(session), "@level": "info", ...data } };
}

function errorOf(session, at_ms, at) {
  const frame = { name: "save", file_name: "/srv/editor/save.js", line_number: 12, column: 3 };
  const request = { http_method: "POST", is_secure: true, host: "editor.test", path: "/save", headers: { "X-Trace": ["abc"] } };
  const error = { type: "SaveError", message: `page ${at} is lost`, stack_trace: [frame] };
  return { type: "error", date: new Date(at_ms).toISOString(), data: { ...common(session), "@error": error, "@request": request } };
}

function common(session) {
  return { "@user": USER, "@version": "2.4.1", "service.name": "Editor", "@ref:session": session };
}

async function postSession(session, started_ms, lines, is_over) {
  const { "@ref:session": reference_id, ...data } = common(session);
  const last_ms = Date.parse(lines.at(-1).date);
  await post([{ type: "session", reference_id, date: new Date(started_ms).toISOString(), data }]);
  for (let from = 0; from < lines.length; from += 200) await post(lines.slice(from, from + 200));
  if (is_over) await post([{ type: "sessionend", date: new Date(last_ms).toISOString(), data: common(session) }]);
}

async function post(batch) {
  const answer = await fetch(`${process.env.KYMO_URL}/api/v2/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.KYMO_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(batch),
  });
  assert.equal(answer.status, 202, await answer.text());
}

function step(name) {
  print({ step: name });
}

function print(value) {
  console.log(JSON.stringify(value));
}

try {
  await main();
  print({ done: true });
} catch (thrown) {
  console.error(thrown);
  console.error("the browser said:", complaints);
  process.exitCode = 1;
}
