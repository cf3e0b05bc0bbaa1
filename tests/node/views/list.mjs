// The list of sessions as a person uses it: figures, chart, filter with its offers, values of rows, order, saved views,
// export; what is shown when a part of it fails; a narrow screen; many rows. Prints one JSON line for each step.
//
// KYMO_URL, KYMO_TOKEN and KYMO_SIGN_IN name an empty server with one project, KYMO_CHROMIUM the browser.
// KYMO_SCREENSHOTS, if set, is a folder for pictures.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGUMENTS, WITHIN_MS } from "../chromium.mjs";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Sessions of the last day: one each half hour. */
const SESSIONS = 24;
/** Sessions of the day before yesterday: more than two pages of the list. */
const CROWD = 250;
/** As the agent does. */
const BATCH_EVENTS = 50;
const VERSIONS = ["1.0", "1.0", "2.0 beta"];

const begin_ms = Date.now();
/** What the browser complained about: nothing is expected but answers that are errors. */
const complaints = [];

async function main() {
  await fill();
  const browser = await chromium.launch({ executablePath: process.env.KYMO_CHROMIUM, args: ARGUMENTS });
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light", acceptDownloads: true });
    context.setDefaultTimeout(WITHIN_MS);
    const page = await context.newPage();
    listen(page);
    await signIn(page);
    for (const part of [figures, order, chart, range, writing, wrongFilter, rowValues, savedViews, exported, pinned, worthOpening, failures, manyRows, narrow, live]) {
      await part(page);
      print({ step: part.name });
    }
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
  }
}

/** Session `index`: of user 0 to 3, with 1 to 7 lines, an error in each fourth; the last two run. */
function eventsOf(index) {
  const runs = index >= SESSIONS - 2;
  const from_ms = runs ? begin_ms - 20_000 : begin_ms - (SESSIONS - index) * 30 * MINUTE_MS;
  const id = `list-session-${index}`;
  const at = (seconds) => new Date(from_ms + seconds * 1000).toISOString();
  const user = { identity: `user${index % 4}@example.test`, name: `User ${"ABCD"[index % 4]} Test` };
  const common = { "@version": VERSIONS[index % VERSIONS.length], "@user": user, "service.name": "Shop front" };
  const data = { ...common, "@ref:session": id };
  const lines = Array.from({ length: (index % 7) + 1 }, (_, line) => ({ type: "log", source: "cart", message: `line ${line}`, date: at(1 + line), data }));
  const errors = index % 4 === 1 ? [{ type: "error", date: at(9), data: { ...data, "@error": { type: "PriceError", message: "no price" } } }] : [];
  const end = runs ? [] : [{ type: "sessionend", date: at(10), data }];
  return [{ type: "session", reference_id: id, date: at(0), data: common }, ...lines, ...errors, ...end];
}

function crowdOf(index) {
  const date = new Date(begin_ms - 50 * HOUR_MS - index * 1000).toISOString();
  return [{ type: "session", reference_id: `crowd-session-${index}`, date, data: { "service.name": "Crowd", "@user": { identity: `crowd${index}` } } }];
}

async function fill() {
  const events = [
    ...Array.from({ length: CROWD }, (_, index) => crowdOf(index)),
    ...Array.from({ length: SESSIONS }, (_, index) => eventsOf(index)),
  ].flat();
  await post(events);
}

async function post(events) {
  for (let from = 0; from < events.length; from += BATCH_EVENTS) {
    const answer = await fetch(`${process.env.KYMO_URL}/api/v2/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${process.env.KYMO_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(events.slice(from, from + BATCH_EVENTS)),
    });
    assert.equal(answer.status, 202);
  }
}

function listen(page) {
  page.on("pageerror", (thrown) => complaints.push(`error: ${thrown.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
}

async function signIn(page) {
  await page.goto(process.env.KYMO_SIGN_IN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await grid(page).waitFor();
}

const grid = (page) => page.getByRole("grid", { name: "Sessions" });
const rows = (page) => grid(page).locator(".grid-body [role=row]");
const filter = (page) => page.getByRole("combobox", { name: "Filter" });
const tile = (page, label) => page.getByRole("group", { name: "Figures of the range" }).getByRole("button", { name: label });
const address = (page) => new URL(page.url()).searchParams;

/** Goes to a state of the list as a person with a link does. */
async function show(page, query, count) {
  await page.goto(`${process.env.KYMO_URL}/?${new URLSearchParams(query)}`);
  await counts(page, count);
}

/** The list has that many rows: its grid counts the head as one. */
async function counts(page, count) {
  await page.locator(`[role=grid][aria-rowcount="${count + 1}"]`).waitFor();
}

async function filterIs(page, text) {
  await page.waitForFunction((wanted) => (new URLSearchParams(location.search).get("filter") ?? "") === wanted, text);
}

async function figures(page) {
  await show(page, { range: "24h" }, SESSIONS);
  await tile(page, /^24 sessions/).waitFor();
  await picture(page, "list");
  await tile(page, "running").click();
  await counts(page, 2);
  assert.equal(await tile(page, "running").getAttribute("aria-pressed"), "true");
  await tile(page, "running").click();
  await counts(page, SESSIONS);

  await tile(page, /with errors/).first().click();
  await counts(page, 6);
  assert.equal(address(page).get("errors"), "true");
  await tile(page, "without errors").click();
  await counts(page, 18);
  assert.equal(address(page).get("errors"), "false");
  assert.equal(await tile(page, /^6 with errors/).getAttribute("aria-pressed"), "false");
  await page.goBack();
  await counts(page, 6);
  await tile(page, /^24 sessions/).click();
  await counts(page, SESSIONS);
  const users = page.getByRole("link", { name: /^4 users/ });
  assert.equal(await users.getAttribute("href"), "/users?range=24h");
}

async function order(page) {
  const head = grid(page).getByRole("columnheader", { name: "Events" });
  assert.equal(await head.getAttribute("aria-sort"), "none");
  await head.getByRole("button").click();
  await grid(page).locator('[role=columnheader][aria-sort="descending"]', { hasText: "Events" }).waitFor();
  const count = (row) => rows(page).nth(row).locator("[aria-colindex='7']");
  // The start of the session, seven lines, the error, the end.
  await count(0).getByText("10", { exact: true }).waitFor();
  await head.getByRole("button").click();
  await page.waitForURL(/sort=events/);
  await count(0).getByText("3", { exact: true }).waitFor();
  await page.goBack();
  await page.goBack();
  await grid(page).locator('[role=columnheader][aria-sort="descending"]', { hasText: "Started" }).waitFor();
}

async function chart(page) {
  const plot = page.getByRole("slider");
  const box = await plot.boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.8, y);
  await page.locator(".tip").waitFor();
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, y, { steps: 3 });
  assert.match(await plot.getAttribute("aria-valuetext"), /: \d+ sessions? started, \d+ with errors$/);
  await page.mouse.up();
  await page.getByRole("button", { name: "Reset range" }).waitFor();
  const [from, to] = address(page).get("range").split("..").map((moment) => Date.parse(moment));
  assert.ok(from < to && to - from >= 2 * HOUR_MS && to - from <= 3 * HOUR_MS, address(page).get("range"));
  // One each half hour, and perhaps one that was going on at either end.
  await page.waitForFunction(() => document.querySelector("[role=grid]").ariaRowCount <= 8);
  await page.goBack();
  await counts(page, SESSIONS);
  await page.getByRole("button", { name: "Reset range" }).waitFor({ state: "detached" });

  // Escape takes the drag back, also for what the pointer does after it.
  const before = page.url();
  await page.mouse.move(box.x + box.width * 0.8, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, y, { steps: 3 });
  await page.keyboard.press("Escape");
  await page.mouse.move(box.x + box.width * 0.95, y, { steps: 3 });
  assert.match(await plot.getAttribute("aria-valuetext"), /user/, "one bar, which is told with its users");
  await page.mouse.up();
  assert.equal(page.url(), before);

  await plot.focus();
  await page.keyboard.press("End");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("Shift+PageUp");
  const said = await plot.getAttribute("aria-valuetext");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Reset range" }).waitFor();
  assert.match(said, /sessions? started/);
  await page.getByRole("button", { name: "Reset range" }).click();
  await counts(page, SESSIONS);
  assert.equal(address(page).get("range"), "24h", "back to where one came from");
}

async function range(page) {
  const menu = () => page.getByRole("dialog", { name: "Range" });
  await page.getByRole("button", { name: "Range: Last 24 hours" }).click();
  await menu().getByRole("button", { name: "Last 7 days" }).click();
  await counts(page, 100);
  await page.getByRole("button", { name: "Range: Last 7 days" }).click();
  const field = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
  await menu().getByLabel("From").fill(field(begin_ms - 100 * MINUTE_MS));
  await menu().getByLabel("To").fill(field(begin_ms - 2 * HOUR_MS));
  await menu().getByRole("button", { name: "Show this range" }).click();
  await menu().getByText("The end has to be after the beginning.").waitFor();
  await menu().getByLabel("To").fill(field(begin_ms + HOUR_MS));
  await menu().getByRole("button", { name: "Show this range" }).click();
  // One that ended an hour and a half ago, two that run.
  await counts(page, 3);
  await page.getByRole("button", { name: /^Range: \d{4}/ }).click();
  await page.keyboard.press("Escape");
  assert.equal(await menu().isVisible(), false);
  await show(page, { range: "24h" }, SESSIONS);
}

async function writing(page) {
  const offer = (name) => page.getByRole("option", { name });
  await page.keyboard.press("/");
  await page.keyboard.type("vers");
  await offer(/^version /).waitFor();
  await page.keyboard.press("ArrowDown");
  assert.equal(await offer(/^version /).getAttribute("aria-selected"), "true");
  await page.keyboard.press("Enter");
  assert.equal(await filter(page).inputValue(), "version:");
  await offer(/^1\.0 .*16 sessions/).waitFor();
  await page.keyboard.type("be");
  await offer(/^2\.0 beta/).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await filter(page).inputValue(), 'version:"2.0 beta" ');
  await filterIs(page, 'version:"2.0 beta"');
  await counts(page, 8);

  await page.keyboard.type("error:");
  await offer(/^true/).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("listbox").waitFor({ state: "detached" });
  await page.keyboard.type("true");
  await page.keyboard.press("Enter");
  await counts(page, 2);
  await page.keyboard.press("Escape");
  assert.equal(await filter(page).evaluate((field) => field === document.activeElement), false, "the field is left");
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await counts(page, SESSIONS);
}

async function wrongFilter(page) {
  await filter(page).fill("user:user2 lvel:warn");
  await filter(page).press("Enter");
  const fault = page.getByRole("alert").filter({ hasText: "There is no field lvel." });
  await fault.waitFor();
  assert.equal(await filter(page).getAttribute("aria-invalid"), "true");
  assert.equal(await page.locator(".filter-mirror .wrong").textContent(), "lvel");
  // The other parts do not say it again, and the last answer stays in sight.
  assert.equal(await page.getByRole("alert").count(), 1);
  assert.ok((await rows(page).count()) > 10);
  await picture(page, "wrong-filter");
  await fault.getByRole("button", { name: "Write level" }).click();
  await filterIs(page, "user:user2 level:warn");
  await counts(page, 0);
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await counts(page, SESSIONS);
}

async function rowValues(page) {
  const item = (name) => page.getByRole("menuitemcheckbox", { name, exact: true });
  await rows(page).first().getByRole("button", { name: "Shop front" }).click();
  await item("Only application Shop front").click();
  await filterIs(page, 'application:"Shop front"');
  await rows(page).first().getByRole("button", { name: "2.0 beta" }).click();
  await item("Without version 2.0 beta").click();
  await filterIs(page, 'application:"Shop front" -version:"2.0 beta"');
  await counts(page, 16);

  // By keyboard: the first row, all its values.
  await grid(page).focus();
  await page.keyboard.press("j");
  await page.keyboard.press("v");
  await page.getByRole("menu", { name: "Filter by" }).waitFor();
  const user = await page.evaluate(() => document.activeElement.textContent.replace(/^.*user /, "").trim());
  await page.keyboard.press("Enter");
  await page.waitForURL(/user.id/);
  await counts(page, 4);
  assert.equal(new Set(await rows(page).getByRole("link").allTextContents()).size, 1);
  await page.keyboard.press("j");
  await page.keyboard.press("v");
  assert.equal(await item(`Only user ${user}`).getAttribute("aria-checked"), "true");
  await page.keyboard.press("Escape");
  assert.equal(await grid(page).evaluate((element) => element === document.activeElement), true);
  await page.goBack();
  await counts(page, 16);
  await show(page, { range: "24h" }, SESSIONS);
}

async function savedViews(page) {
  const menu = page.getByRole("dialog", { name: "Saved views" });
  await show(page, { range: "24h", errors: "true", sort: "-events" }, 6);
  await page.getByRole("button", { name: "Views" }).click();
  await menu.getByText("Nothing is saved yet").waitFor();
  await menu.getByRole("textbox", { name: "Name of the view" }).fill("Broken today");
  await menu.getByRole("checkbox", { name: "Share with all who see the project" }).check();
  await menu.getByRole("button", { name: "Save", exact: true }).click();
  await menu.getByRole("link", { name: /^Broken today.*shared/ }).waitFor();
  await page.keyboard.press("Escape");

  await show(page, { range: "24h" }, SESSIONS);
  await page.getByRole("button", { name: "Views" }).click();
  await menu.getByRole("link", { name: /^Broken today/ }).click();
  await counts(page, 6);
  assert.deepEqual([...address(page)].sort(), [["errors", "true"], ["range", "24h"], ["sort", "-events"]]);
  await page.getByRole("button", { name: "Views" }).click();
  await menu.getByRole("button", { name: "Rename Broken today" }).click();
  await menu.getByRole("textbox", { name: "New name of Broken today" }).fill("Errors");
  await page.keyboard.press("Enter");
  await menu.getByRole("link", { name: /^Errors/ }).waitFor();
  await menu.getByRole("button", { name: "Delete Errors" }).click();
  await menu.getByRole("button", { name: "Delete for good" }).click();
  await menu.getByText("Nothing is saved yet").waitFor();
  await page.keyboard.press("Escape");
}

async function exported(page) {
  const menu = page.getByRole("dialog", { name: "Export" });
  const lines = async (format) => {
    await page.getByRole("button", { name: "Export" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), menu.getByRole("link", { name: format }).click()]);
    return readFileSync(await download.path(), "utf8").trim().split("\n");
  };
  await show(page, { range: "24h", errors: "true", sort: "-events" }, 6);
  const csv = await lines("CSV");
  assert.equal(csv.length, 7);
  assert.match(csv[0], /^id,project,/);
  const counted = (await lines("NDJSON")).map((line) => JSON.parse(line).event_count);
  assert.deepEqual(counted, counted.toSorted((left, right) => right - left), "in the order of the list");
  assert.equal(counted.length, 6);
}

async function pinned(page) {
  const [{ id }] = (await (await page.request.get(`${process.env.KYMO_URL}/api/v1/sessions?limit=1`)).json()).items;
  const status = await page.evaluate(async (path) => (await fetch(path, { method: "PUT" })).status, `/api/v1/sessions/${id}/pin`);
  assert.equal(status, 204);
  await show(page, { range: "24h" }, SESSIONS);
  await rows(page).first().getByRole("img", { name: "pinned" }).waitFor();
  assert.equal(await rows(page).getByRole("img", { name: "pinned" }).count(), 1);
}

async function worthOpening(page) {
  const strip = page.getByRole("region", { name: "Worth opening today" });
  const answer = await page.request.get(`${process.env.KYMO_URL}/api/v1/sessions?limit=1`);
  const [session] = (await answer.json()).items;
  const items = [{ rule: "a_rule_of_tomorrow", reason: "something that was never there before", session }];
  await page.route("**/worth-opening*", (route) => route.fulfill({ json: { items } }));
  await show(page, { range: "24h" }, SESSIONS);
  await strip.getByRole("link", { name: /something that was never there before/ }).click();
  await page.waitForURL(`**/sessions/${session.id}`);
  await page.unroute("**/worth-opening*");
  await page.route("**/worth-opening*", (route) => route.fulfill({ json: { items: [] } }));
  await show(page, { range: "24h" }, SESSIONS);
  await strip.waitFor({ state: "detached" });
  await page.unroute("**/worth-opening*");
}

/** Each part fails by itself, says so, and comes back. */
async function failures(page) {
  const parts = [
    ["**/sessions/counts*", "The chart could not be read."],
    ["**/sessions/summary*", "The figures could not be read."],
    ["**/sessions/worth-opening*", "It could not be read:"],
    [/\/api\/v1\/sessions\?/, "The sessions could not be read."],
  ];
  const problem = { status: 500, contentType: "application/problem+json", body: JSON.stringify({ title: "internal server error", detail: "broken on purpose" }) };
  for (const [path, words] of parts) {
    await page.route(path, (route) => route.fulfill(problem));
    await page.goto(`${process.env.KYMO_URL}/?range=24h`);
    const alert = page.getByRole("alert").filter({ hasText: words });
    await alert.getByText("broken on purpose").waitFor();
    assert.equal(await page.getByRole("alert").count(), 1, words);
    if (!String(path).includes("\\?")) await counts(page, SESSIONS);
    await picture(page, `failed-${parts.findIndex((part) => part[0] === path)}`);
    await page.unroute(path);
    await alert.getByRole("button", { name: "Try again" }).click();
    await alert.waitFor({ state: "detached" });
    await counts(page, SESSIONS);
  }
  // Where nothing is reached one of them speaks for all.
  await page.route("**/api/v1/sessions**", (route) => route.abort());
  await page.goto(`${process.env.KYMO_URL}/?range=24h`);
  const alert = page.getByRole("alert");
  await alert.filter({ hasText: "The sessions could not be read. the server was not reached" }).waitFor();
  await page.waitForFunction(() => document.querySelector(".chart").ariaBusy !== "true");
  await picture(page, "nothing-reached");
  assert.equal(await alert.count(), 1);
  await page.unroute("**/api/v1/sessions**");
  await alert.getByRole("button", { name: "Try again" }).click();
  await counts(page, SESSIONS);
  await page.getByRole("slider").waitFor();
  await tile(page, /^24 sessions/).waitFor();
  // Without the fields nothing is offered, and the filter works.
  await page.route("**/filter/*", (route) => route.abort());
  await show(page, { range: "24h" }, SESSIONS);
  await filter(page).fill("error:true");
  await filter(page).press("Enter");
  await counts(page, 6);
  await page.unroute("**/filter/*");
}

async function manyRows(page) {
  await show(page, { filter: "application:Crowd" }, 100);
  const toEnd = () => grid(page).evaluate((element) => (element.scrollTop = element.scrollHeight));
  for (const count of [200, CROWD]) {
    await toEnd();
    await counts(page, count);
  }
  await toEnd();
  await grid(page).getByRole("row", { name: `crowd${CROWD - 1}` }).waitFor();
  assert.ok((await rows(page).count()) < 200, "only rows in sight exist");
}

async function narrow(page) {
  await page.setViewportSize({ width: 390, height: 800 });
  await show(page, { range: "24h" }, SESSIONS);
  await page.getByRole("slider").waitFor();
  await plainWidth(page);
  // The order of a column that has no room here.
  await page.getByRole("combobox", { name: "Order" }).selectOption("Most events");
  await page.waitForURL(/sort=-events/);
  await page.goBack();
  await counts(page, SESSIONS);
  for (const name of ["Views", "Export", "Range: Last 24 hours"]) {
    await page.getByRole("button", { name }).click();
    const box = await page.getByRole("dialog", { name: name.replace(/:.*/, "").replace("Views", "Saved views") }).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 390, `${name} lies within the screen`);
    await page.keyboard.press("Escape");
  }
  await picture(page, "narrow");
  await page.goto(`${process.env.KYMO_URL}/?range=${new Date(begin_ms - 20 * HOUR_MS).toISOString()}..${new Date(begin_ms + HOUR_MS).toISOString()}`);
  await counts(page, SESSIONS);
  const reset = await page.getByRole("button", { name: "Reset range" }).boundingBox();
  assert.ok(reset.x + reset.width <= 390, "the way back lies within the screen");
  await plainWidth(page);
}

/** What arrives comes into sight at the top, in any order, and moves nothing for who reads further down. */
async function live(page) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await show(page, { range: "24h", sort: "-events" }, SESSIONS);
  const last = SESSIONS - 1;
  const [{ data }] = eventsOf(last);
  const line = (number) => ({
    type: "log", source: "cart", message: `more ${number}`, date: new Date(begin_ms - 10_000 + number).toISOString(),
    data: { ...data, "@ref:session": `list-session-${last}` },
  });
  await post(Array.from({ length: 12 }, (_, number) => line(number)));
  const expected = String(1 + (last % 7) + 1 + 12);
  await rows(page).first().locator("[aria-colindex='7']").getByText(expected, { exact: true }).waitFor();

  await show(page, { filter: "application:Crowd" }, 100);
  const scroll = (top) => grid(page).evaluate((element, to) => {
    if (to !== null) element.scrollTop = to;
    return element.scrollTop;
  }, top);
  assert.equal(await scroll(560), 560);
  await page.locator("[role=row][aria-rowindex='25']").waitFor();
  const [newcomer] = crowdOf(CROWD);
  await post([{ ...newcomer, date: new Date().toISOString() }]);
  const pill = page.getByRole("button", { name: "1 new session" });
  await pill.waitFor();
  assert.equal(await scroll(null), 560, "nothing has moved");
  await pill.click();
  await rows(page).first().getByRole("link", { name: `crowd${CROWD}` }).waitFor();
  assert.equal(await scroll(null), 0);
}

async function plainWidth(page) {
  const is_wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(is_wide, false, "nothing hangs out at the right");
}

async function picture(page, name) {
  const folder = process.env.KYMO_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}

function print(line) {
  console.log(JSON.stringify(line));
}

try {
  await main();
  print({ done: true });
} catch (thrown) {
  console.error(thrown);
  console.error("the browser said:", complaints);
  process.exitCode = 1;
}
