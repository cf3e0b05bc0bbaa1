// Support starts with a name: the list of users, and one of them.
//
// Usage: node views/users.mjs, with KYMO_URL, KYMO_TOKEN, KYMO_SIGN_IN and KYMO_CHROMIUM in the environment.

import assert from "node:assert/strict";
import { complaints, KYMO_SIGN_IN, KYMO_URL, picture, post, run, signIn, step } from "./person.mjs";

/** More than a page of the list holds. */
const CROWD = 130;
const HOUR_MS = 3_600_000;
const TRICKY = 'Zoë "Z" O\\Hara & co/1%';

function event(identity, hours_ago, more = {}) {
  const { data, ...rest } = more;
  const date = new Date(Date.now() - hours_ago * HOUR_MS).toISOString();
  return { type: "log", message: "hello", date, ...rest, data: { "@version": "2.1.0", "@user": identity, ...data } };
}

const error = (text) => ({ type: "error", message: text, data: { "@error": { type: "TypeError", message: text } } });

async function fill() {
  const ann = { identity: "ann@example.test", name: "Ann Okafor" };
  await post([
    event(ann, 60, error("an old one")),
    event(ann, 59.9, error("and one more")),
    event(ann, 30),
    event(ann, 5, { data: { "@version": "2.2.0" } }),
    event({ identity: TRICKY }, 4),
    event({ identity: "old@example.test" }, 24 * 20),
    ...Array.from({ length: CROWD }, (_, number) => event({ identity: `crowd-${number}@example.test` }, 40 + number / 100)),
  ]);
}

async function visit(browser) {
  await fill();
  const page = await signIn(browser, KYMO_SIGN_IN, { lets_pass: [/status of 40[04]/] });
  await page.getByRole("grid", { name: "Sessions" }).getByRole("row").nth(1).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("u");
  const users = page.getByRole("grid", { name: "Users" });
  await users.getByRole("row", { name: "Ann Okafor" }).waitFor();
  assert.equal(await page.title(), "Users · Kymo");
  step("list");

  await readRow(users);
  await pages(page, users);
  await filterAndRange(page, users);
  await followsWhatHappens(page, users);
  await oneUser(page, users);
  await trickyName(page, users);
  await picture(page, "user");
  assert.deepEqual(complaints, []);
}

/** What stands in the row of Ann. */
async function readRow(users) {
  const cells = users.getByRole("row", { name: "Ann Okafor" }).getByRole("gridcell");
  assert.deepEqual(await cells.allInnerTexts(), ["Ann Okafor", "ann@example.test", "3", "2", "5 h ago", "2 days ago", "Shop 2.2.0"]);
  assert.equal(await users.getByText("old@example.test").count(), 0, "20 days ago is not in the last 7 days");
}

/** All of the crowd is there, and only what is in sight exists. */
async function pages(page, users) {
  assert.ok((await users.getByRole("row").count()) < 70, "rows out of sight exist");
  await users.evaluate((grid) => grid.scrollTo(0, grid.scrollHeight));
  // The names of the columns, Ann, and the tricky one.
  await page.locator(`.user-grid[aria-rowcount="${CROWD + 3}"]`).waitFor();
  await users.evaluate((grid) => grid.scrollTo(0, grid.scrollHeight));
  await users.getByText(`crowd-${CROWD - 1}@example.test`).first().waitFor();
  await users.evaluate((grid) => grid.scrollTo(0, 0));
  step("pages");
}

async function filterAndRange(page, users) {
  await page.keyboard.press("/");
  await page.keyboard.type("user:crowd version:2.1.0");
  await users.getByText("Ann Okafor").waitFor({ state: "detached" });
  assert.match(page.url(), /filter=user%3Acrowd/);
  const filter = page.getByRole("combobox", { name: "Filter" });
  await filter.fill("lvel:warn");
  await filter.press("Enter");
  await page.getByRole("alert").filter({ hasText: "There is no field lvel." }).waitFor();
  await filter.fill("user:nobody");
  await page.getByText("No user matches in the last 7 days.").waitFor();
  await page.getByText("Clear the filter", { exact: true }).click();
  await users.getByRole("row", { name: "Ann Okafor" }).waitFor();
  await page.getByRole("button", { name: "Range: Last 7 days" }).click();
  await page.getByRole("button", { name: "All time" }).click();
  await filter.fill("user:old");
  await users.getByText("old@example.test").first().waitFor();
  assert.match(page.url(), /range=all/);
  await page.reload();
  await users.getByText("old@example.test").first().waitFor();
  await page.goto(`${KYMO_URL}/users`);
  step("filter and range");
}

async function followsWhatHappens(page, users) {
  await users.getByRole("row", { name: "Ann Okafor" }).waitFor();
  await post([event({ identity: "late@example.test", name: "Late Comer" }, 0)]);
  const first = users.getByRole("row").nth(1);
  await first.getByText("Late Comer").waitFor();
  await first.getByRole("img", { name: "running now" }).waitFor();
  step("follows");
}

/** By keyboard: second row, open, errors first, and back. */
async function oneUser(page, users) {
  await users.focus();
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowDown");
  const active = await users.getAttribute("aria-activedescendant");
  assert.equal(active, "user-1");
  const chosen = (await page.locator("#user-1").getByRole("gridcell").first().innerText()).trim();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: chosen }).waitFor();
  await page.keyboard.press("Escape");
  await users.getByRole("link", { name: "Ann Okafor" }).click();

  await page.getByRole("heading", { level: 1, name: "Ann Okafor" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/users/ann%40example.test");
  const figures = page.getByRole("group", { name: "Figures of the user" });
  await figures.getByText("Shop 2.2.0").waitFor();
  const texts = (await figures.innerText()).replaceAll("\n", " ");
  assert.match(texts, /3 sessions 0 running 1 with errors 2 errors 4 events 5 h ago last seen 2 days ago first seen/);
  const sessions = page.getByRole("grid", { name: "Sessions of the user" });
  const first_errors = () => sessions.getByRole("row").nth(1).getByRole("gridcell").nth(6).innerText();
  await sessions.getByRole("row").nth(3).waitFor();
  assert.equal(await first_errors(), "2", "errors first");
  assert.equal(await sessions.getByRole("row").nth(4).count(), 0, "only sessions of hers");
  await page.getByRole("button", { name: "Newest first" }).click();
  await sessions.getByRole("row").nth(1).getByText("5 h ago").first().waitFor();
  assert.match(page.url(), /order=newest/);
  await sessions.getByRole("row").nth(1).click();
  await page.getByRole("grid", { name: "Events" }).getByText("hello").first().waitFor();
  await page.goBack();
  await sessions.getByRole("row").nth(1).getByText("5 h ago").first().waitFor();
  await page.getByRole("link", { name: "Open in Sessions" }).click();
  await page.getByRole("grid", { name: "Sessions" }).getByRole("row").nth(3).waitFor();
  assert.equal(await page.getByRole("grid", { name: "Sessions" }).getAttribute("aria-rowcount"), "4");
  step("one user");
}

/** Every sign that an address, a filter or a header could stumble over. */
async function trickyName(page, users) {
  await page.getByRole("link", { name: "Users", exact: true }).click();
  await users.getByRole("link", { name: TRICKY }).click();
  await page.getByRole("heading", { level: 1, name: TRICKY }).waitFor();
  const sessions = page.getByRole("grid", { name: "Sessions of the user" });
  await sessions.getByRole("row").nth(1).waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: TRICKY }).waitFor();
  await sessions.getByRole("row").nth(1).waitFor();
  await page.goto(`${KYMO_URL}/users/nobody`);
  await page.getByText("No session that is kept names this user.").waitFor();
  await page.goBack();
  await sessions.getByRole("row").nth(1).waitFor();
  step("tricky name");
}

await run(visit);
