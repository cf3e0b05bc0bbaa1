// What runs now, and one session of it followed: from what is stored on, through a pause, a cut, a filter, what is missed and what is
// stored meanwhile. The live part of the server is played, see live_stand.mjs.
//
// Usage: node views/live.mjs, with KYMO_URL, KYMO_TOKEN, KYMO_SIGN_IN and KYMO_CHROMIUM in the environment.

import assert from "node:assert/strict";
import { ask, complaints, KYMO_SIGN_IN, KYMO_URL, picture, run, signIn, step } from "./person.mjs";
import { allRows, bar, events, row } from "./live_rows.mjs";
import { LiveStand } from "./live_stand.mjs";

/** Refusals, and connections that are cut. */
const LETS_PASS = { lets_pass: [/status of 4(00|04|09)/, /status of 503/, /WebSocket/] };
const TABS = 8;
/** As the page keeps them at most, state/session/live_tail.ts. */
const KEPT_MAX = 20_000;

const stand = new LiveStand();

async function visit(browser) {
  const page = await signIn(browser, KYMO_SIGN_IN, LETS_PASS);
  await stand.install(page.context());
  await seeNothing(page);
  await seeWhatRuns(page);
  await failAndMend(page);
  const till = await follow(page);
  await pause(page, till);
  await readFurtherUp(page, till);
  await cutAndMend(page, till);
  await storeMeanwhile(page, till);
  await filterLive(page, till);
  await sayWhatIsWrong(page, till);
  await askProgram(page);
  await seeItEnd(page, till);
  await followUnstored(page);
  await keepLittle(page);
  await hide(page);
  await inEightTabs(page);
  await switchOn(page);
  assert.deepEqual(complaints, []);
}

const live = (page) => page.getByRole("grid", { name: "Sessions that run" });
const total = (page, text) => page.getByRole("status").getByText(text, { exact: true }).waitFor();
const lines = (from, to, word = "sold") => Array.from({ length: to - from + 1 }, (_, at) => [`${word} ${from + at}`, "info"]);
/** What pages asked to follow since. */
const followed = () => stand.said.filter(({ type }) => type === "follow");

async function seeNothing(page) {
  stand.switched = { enabled: false, agents: null, viewers: null };
  await page.getByRole("link", { name: "Live" }).click();
  await page.getByRole("heading", { name: "Live is off" }).waitFor();
  await page.getByText("enabled = true").waitFor();
  await page.getByText("live.enabled=true").waitFor();
  await page.getByText(".live(true)").waitFor();
  await picture(page, "live-off");
  stand.switched = { enabled: true, agents: { port: 1, tls: false }, viewers: { port: 2, tls: false } };
  await page.reload();
  await page.getByRole("heading", { name: "Nothing runs now" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Settings of the project" }).getAttribute("href"), "/settings/projects/shop");
  step("says how it is switched on");
}

async function seeWhatRuns(page) {
  const ids = ["one", "two", "three"];
  ids.forEach((id, at) => stand.start(`session-${id}`, { name: `Till ${id}`, started_ms: Date.now() - (at + 1) * 60_000 }));
  stand.tellLive();
  await live(page).getByRole("row", { name: "Till one" }).waitFor();
  assert.deepEqual(await live(page).getByRole("link").allInnerTexts(), ["Till one", "Till two", "Till three"], "newest first");
  await live(page).focus();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.locator(".live-grid .active").getByText("Till two").waitFor();
  // One that begins stands above, and who was chosen stays chosen.
  stand.start("session-new", { name: "Till new", started_ms: Date.now() });
  stand.tellLive();
  await live(page).getByRole("row", { name: "Till new" }).waitFor();
  await page.locator(".live-grid .active").getByText("Till two").waitFor();
  await page.keyboard.press("k");
  await page.locator(".live-grid .active").getByText("Till one").waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/sessions\/session-one\?follow=true$/);
  await page.goBack();
  const box = page.getByRole("combobox", { name: "Filter" });
  await box.fill("user:three");
  await box.press("Enter");
  await live(page).getByRole("row", { name: "Till one" }).waitFor({ state: "detached" });
  assert.deepEqual(await live(page).getByRole("link").allInnerTexts(), ["Till three"]);
  await box.fill("usr:three");
  await box.press("Enter");
  await page.getByText("There is no field usr.").waitFor();
  await box.fill("user:nobody");
  await box.press("Enter");
  await page.getByText("No session that runs matches.").waitFor();
  await page.getByRole("button", { name: "Clear the filter" }).last().click();
  await live(page).getByRole("row", { name: "Till one" }).waitFor();
  for (const id of [...ids, "new"]) stand.programs.get(`session-${id}`).end("normal");
  await page.getByRole("heading", { name: "Nothing runs now" }).waitFor();
  step("what runs is listed");
}

async function failAndMend(page) {
  const path = /\/api\/v1\/live\/sessions(\?|$)/;
  await page.route(path, (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"title":"service unavailable","status":503,"detail":"too busy"}' }));
  await page.goto(`${KYMO_URL}/live`);
  await page.getByText("What runs now could not be read.").waitFor();
  await page.unroute(path);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Nothing runs now" }).waitFor();
  step("a failure is told and mended");
}

/** From what is stored on: two pages of it, and what has come since. */
async function follow(page) {
  const till = stand.start("till-one");
  till.burst(lines(1, 700));
  till.stored_until = 650;
  stand.tellLive();
  await live(page).getByRole("link", { name: "Ann Okafor" }).click();
  await row(page, "sold 700").waitFor();
  const { after, filter } = followed().at(-1);
  assert.deepEqual([after, filter], [650, ""]);
  till.log("sold 701");
  await row(page, "sold 701").waitFor();
  await total(page, "701 events");
  await bar(page).getByText("Live", { exact: true }).waitFor();
  await bar(page).getByText("its clock is 1.2 s ahead").waitFor();
  await page.keyboard.press("k");
  await page.locator(".grid-row.active").getByText("sold").waitFor();
  await page.getByRole("complementary", { name: "Event details" }).getByText(/^sold \d+$/).first().waitFor();
  await picture(page, "live-followed");
  await page.keyboard.press("f");
  await complete(page, till);
  step("followed from what is stored on");
  return till;
}

async function pause(page, till) {
  await page.keyboard.press("Space");
  till.burst(lines(702, 711));
  await page.getByRole("button", { name: /^Paused, 10 events came since/ }).waitFor();
  assert.equal(await row(page, "sold 711").count(), 0);
  await page.keyboard.press("Space");
  await row(page, "sold 711").waitFor();
  await complete(page, till);
  step("paused, and nothing lost");
}

async function readFurtherUp(page, till) {
  await events(page).hover();
  await page.mouse.wheel(0, -400);
  await page.waitForURL((url) => !url.searchParams.has("follow"));
  const before = await topRow(page);
  till.burst(lines(712, 721));
  await page.getByRole("button", { name: "10 new events" }).waitFor();
  assert.deepEqual(await topRow(page), before, "what is read was moved");
  // Also when it goes over to what is stored.
  till.store();
  await page.waitForResponse((answer) => answer.url().includes("/density?"));
  assert.deepEqual(await topRow(page), before, "what is read was moved by what was stored");
  await page.keyboard.press("f");
  await row(page, "sold 721").waitFor();
  await complete(page, till);
  step("reads further up");
}

async function cutAndMend(page, till) {
  stand.cut();
  await page.getByText("Reconnecting").waitFor();
  till.burst(lines(722, 740));
  const before = followed().length;
  stand.mend();
  await row(page, "sold 740").waitFor();
  assert.equal(followed()[before].after, 721, "goes on behind what it has");
  await complete(page, till);
  step("cut and mended");
}

/** Uploaded while it is followed: in parts, with more that comes between. */
async function storeMeanwhile(page, till) {
  till.store(735);
  till.burst(lines(741, 745));
  till.store(743);
  till.burst(lines(746, 760));
  await row(page, "sold 760").waitFor();
  await complete(page, till);
  till.store();
  till.log("sold 761");
  await row(page, "sold 761").waitFor();
  await complete(page, till);
  step("stored meanwhile, and nothing twice");
}

async function filterLive(page, till) {
  const box = page.getByRole("searchbox", { name: "Filter events" });
  await box.fill("odd");
  await page.keyboard.press("Tab");
  await page.getByText("No event of this session matches yet.").waitFor();
  await until(() => followed().at(-1).filter === "odd");
  till.burst([["even 762", "info"], ["odd 763", "info"], ["even 764", "info"], ["odd 765", "warn"]]);
  await row(page, "odd 765").waitFor();
  await total(page, "2 events");
  await page.getByLabel("Severity", { exact: true }).selectOption("warn");
  await total(page, "1 event");
  assert.equal(followed().at(-1).filter, "(odd) level:>=warn");
  await page.getByLabel("Severity", { exact: true }).selectOption("");
  await box.fill("");
  await page.keyboard.press("Tab");
  await row(page, "odd 765").waitFor();
  await complete(page, till);
  step("filters what comes");
}

async function sayWhatIsWrong(page, till) {
  till.tell({ type: "lag", agent_has: 2_765, server_has: 765 });
  await bar(page).getByText("the line is slow: 2,000 behind").waitFor();
  // Nothing more of it: it is over by itself.
  await bar(page).getByText("the line is slow").waitFor({ state: "detached" });
  const missed_from = till.events.length + 1;
  till.skip(40);
  till.tell({ type: "missed", first: missed_from, last: till.events.length, why: "it was too slow" });
  till.log("after the gap");
  await row(page, "after the gap").waitFor();
  await events(page).getByText("40 records did not come (it was too slow)").waitFor();
  await picture(page, "live-missed");
  // Keys step over it.
  await page.keyboard.press("End");
  await row(page, "after the gap").click();
  await page.keyboard.press("k");
  await page.locator(".grid-row.active").getByText("odd 765").waitFor();
  await page.keyboard.press("j");
  await page.locator(".grid-row.active").getByText("after the gap").waitFor();
  till.store();
  await events(page).getByText("40 records did not come").waitFor({ state: "detached" });
  await page.keyboard.press("f");
  await total(page, `${till.events.length} events`);
  step("what is wrong is said");
}

async function askProgram(page) {
  await page.getByRole("button", { name: "Send now" }).click();
  await page.getByText("The program sends what there is").waitFor();
  await page.getByRole("button", { name: "Close fragment" }).click();
  await page.getByText("The fragment is closed").waitFor();
  await page.getByRole("button", { name: "Raise verbosity…" }).click();
  const form = page.getByRole("form", { name: "Raise verbosity" });
  await form.getByLabel("What it is to record").fill("debgu");
  await form.getByRole("button", { name: "Raise" }).click();
  await form.getByText("did you mean debug?").waitFor();
  await form.getByLabel("What it is to record").fill("info,shop=debug");
  await form.getByLabel("For how many minutes").fill("5");
  await picture(page, "live-verbosity");
  await form.getByRole("button", { name: "Raise" }).click();
  await page.getByText("It records info,shop=debug for 5 minutes").waitFor();
  assert.deepEqual(stand.commands, [
    { command: "send_now" }, { command: "roll" }, { command: "verbosity", filter: "debgu", seconds: 600 },
    { command: "verbosity", filter: "info,shop=debug", seconds: 300 },
  ]);
  step("the program is asked");
}

async function seeItEnd(page, till) {
  till.is_away = true;
  stand.tellLive();
  await bar(page).getByText("The program is not connected; it goes on as soon as it is").waitFor();
  till.log("closing");
  till.end("normal");
  await row(page, "closing").waitFor();
  await bar(page).getByText("The session has ended: normal").waitFor();
  till.store();
  await page.getByText("ended normally").waitFor();
  await total(page, `${till.events.length} events`);
  step("the end is told");
}

/** Of one that is not stored at all everything comes live, from its beginning; and stays when it is over. */
async function followUnstored(page) {
  const till = stand.start("till-unstored");
  till.burst(lines(1, 30));
  await page.goto(`${KYMO_URL}/sessions/till-unstored`);
  await row(page, "sold 30").waitFor();
  await page.getByRole("heading", { name: "Ann Okafor" }).waitFor();
  assert.equal(followed().at(-1).after, null);
  await complete(page, till);
  till.end("crashed");
  await bar(page).getByText("The session has ended: crashed").waitFor();
  await complete(page, till);
  step("from the beginning of one that is not stored");
}

/** The memory of a tab is bounded: what was let go is said, and comes back when it is stored. */
async function keepLittle(page) {
  const till = stand.start("till-long", { step_ms: 10 });
  till.burst(lines(1, 5));
  await page.goto(`${KYMO_URL}/sessions/till-long?follow=true&grouped=false`);
  await row(page, "sold 5").waitFor();
  for (let from = 6; from < KEPT_MAX + 6_000; from += 1_000) till.burst(lines(from, from + 999));
  const last = till.events.length;
  await row(page, `sold ${last}`).waitFor();
  await events(page).focus();
  await page.keyboard.press("Home");
  await events(page).getByText(/older events were let go to spare memory/).waitFor();
  const kept = await rowCount(page);
  assert.ok(kept >= KEPT_MAX && kept <= KEPT_MAX * 1.1 + 1, `${kept} rows`);
  await picture(page, "live-let-go");
  till.store();
  await events(page).getByText("sold 1", { exact: true }).waitFor();
  await total(page, `${last.toLocaleString("en")} events`);
  // Paused for long: no more is taken, and then what is left comes.
  await page.keyboard.press("f");
  await row(page, `sold ${last}`).waitFor();
  await page.keyboard.press("Space");
  for (let from = last + 1; from <= last + 2 * KEPT_MAX; from += 1_000) till.burst(lines(from, from + 999));
  await page.getByRole("button", { name: /^Paused, more than 40,000 events came since/ }).waitFor();
  await until(() => stand.follows().length === 0);
  till.log("after the pause");
  await page.keyboard.press("Space");
  await row(page, "after the pause").waitFor();
  assert.equal(followed().at(-1).after, last + 2 * KEPT_MAX);
  till.end("normal");
  step("keeps no more than it may");
}

async function hide(page) {
  const till = stand.start("till-hidden");
  till.burst(lines(1, 20));
  await page.goto(`${KYMO_URL}/sessions/till-hidden?follow=true`);
  await row(page, "sold 20").waitFor();
  const show = (is_hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, is_hidden);
  await show(true);
  await until(() => stand.follows().length === 0);
  till.burst(lines(21, 40));
  await show(false);
  await row(page, "sold 40").waitFor();
  assert.equal(followed().at(-1).after, 20);
  await complete(page, till);
  till.end("normal");
  step("hidden, and back exactly");
}

async function inEightTabs(page) {
  const till = stand.start("till-eight");
  till.burst(lines(1, 10));
  const tabs = await Promise.all(Array.from({ length: TABS }, () => page.context().newPage()));
  await Promise.all(tabs.map((tab) => tab.goto(`${KYMO_URL}/sessions/till-eight?follow=true`)));
  await Promise.all(tabs.map((tab) => row(tab, "sold 10").waitFor()));
  await until(() => stand.follows().length === TABS);
  for (let from = 11; from <= 110; from += 10) till.burst(lines(from, from + 9));
  await Promise.all(tabs.map((tab) => row(tab, "sold 110").waitFor()));
  for (const tab of tabs) await complete(tab, till);
  await Promise.all(tabs.map((tab) => tab.close()));
  till.end("normal");
  step("in eight tabs at once");
}

async function switchOn(page) {
  await page.goto(`${KYMO_URL}/settings/projects/shop`);
  const panel = page.getByRole("region", { name: "Live", exact: true });
  const box = panel.getByRole("switch", { name: "Programs of this project may connect" });
  assert.equal(await box.isChecked(), false);
  await box.click();
  await page.getByRole("status").getByText("Live is on for this project").waitFor();
  await panel.getByText(".live(true)").waitFor();
  assert.equal(await box.isChecked(), true);
  assert.deepEqual((await ask(page, "/projects/shop")).live, { enabled: true });
  await box.click();
  await page.getByRole("status").getByText("Live is off").waitFor();
  assert.equal(await box.isChecked(), false);
  assert.deepEqual((await ask(page, "/projects/shop")).live, { enabled: false });
  step("a project is switched on");
}

/** Each event has one row, in order: all rows are looked at, from the top down. */
async function complete(page, till) {
  const seen = await allRows(page);
  assert.deepEqual(seen, till.events.map(({ message }) => message));
  if (till.is_over) return;
  const button = bar(page).getByRole("button", { name: "Follow", exact: true });
  if ((await button.getAttribute("aria-pressed")) === "false") await button.click();
  await page.waitForURL((url) => url.searchParams.has("follow"));
  // A button keeps the keys that press it.
  await events(page).focus();
}

async function rowCount(page) {
  return Number(await events(page).getAttribute("aria-rowcount")) - 1;
}

/** The first whole row in sight, and where it stands. */
function topRow(page) {
  return events(page).evaluate((grid) => {
    const rows = [...grid.querySelectorAll(".grid-body .grid-row")].map((row) => ({ top: row.getBoundingClientRect().top, text: row.innerText }));
    const head = grid.querySelector(".grid-head").getBoundingClientRect().bottom;
    return rows.filter(({ top }) => top >= head).sort((one, other) => one.top - other.top)[0];
  });
}

/** What the stand is told comes in its own time. */
async function until(holds) {
  while (!holds()) await new Promise((done) => setImmediate(done));
}

await run(visit);
