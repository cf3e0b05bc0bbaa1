// A session of a program: its threads, its metrics on the kymogram's axis, what of it is missing; files brought to the list.
//
// Usage: node views/process.mjs, with KYMO_URL, KYMO_TOKEN, KYMO_SIGN_IN, KYMO_MISSING_FILE and KYMO_CHROMIUM in the environment.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ask, complaints, KYMO_SIGN_IN, KYMO_URL, picture, run, signIn, step } from "./person.mjs";

const SALES = 120;
/** Refusals are part of what is tried here. */
const LETS_PASS = { lets_pass: [/status of 4(00|04|03|13)/, /status of 503/] };

async function visit(browser) {
  const page = await signIn(browser, KYMO_SIGN_IN, LETS_PASS);
  const { items } = await ask(page, "/sessions");
  const till = items.find(({ application }) => application === "till");
  const torn = items.find(({ application }) => application !== "till");
  await seeThreads(page, till);
  await seeMetrics(page, till);
  await readByKeys(page);
  await seeOneAxis(page, till);
  await sayWhatIsMissing(page, torn);
  await bringFiles(page, torn);
  await choosePolicy(page);
  await readersBringNone(page);
  assert.deepEqual(complaints, []);
}

const parameters = (page) => new URL(page.url()).searchParams;
const tab = (page, name) => page.getByRole("tab", { name });

async function seeThreads(page, { id, event_count }) {
  await page.goto(`${KYMO_URL}/sessions/${id}`);
  await tab(page, "Threads").click();
  const panel = page.getByRole("tabpanel", { name: "Threads" });
  await panel.getByText("3 threads, the most active first").waitFor().catch(async (thrown) => {
    throw new Error(`${thrown}: ${await panel.textContent()}`);
  });
  const printer = panel.getByRole("button", { name: /printer.*40 events/ });
  await panel.getByRole("button", { name: /scanner.*60 events/ }).waitFor();
  const { lanes, total } = await ask(page, `/sessions/${id}/threads`);
  assert.equal(total, 3);
  assert.equal(lanes.reduce((sum, { count }) => sum + count, 0), event_count, "each event is of one lane");
  assert.ok(lanes.every(({ count, buckets }) => count === buckets.reduce((sum, bucket) => sum + bucket.count, 0)));
  const few = await ask(page, `/sessions/${id}/threads?lanes=1`);
  assert.deepEqual([few.lanes.length, few.total, few.rest.count], [1, 3, event_count - few.lanes[0].count]);
  await picture(page, "threads");
  step("threads are told apart");

  const counted = page.waitForResponse((answer) => answer.url().includes("/density?") && answer.url().includes("thread.id"));
  await printer.click();
  await page.waitForURL((url) => url.searchParams.get("filter")?.startsWith("attributes.thread.id:"));
  await page.getByRole("status").getByText("40 events", { exact: true }).waitFor();
  const { buckets } = await (await counted).json();
  assert.equal(buckets.reduce((sum, { count }) => sum + count, 0), 40, "the kymogram is of what the filter leaves");
  await page.getByRole("slider", { name: /^Kymogram/ }).hover({ position: { x: 4, y: 60 } });
  await page.locator(".kymogram-hint").getByText(/that match/).or(page.locator(".kymogram-hint").getByText("nothing")).waitFor();
  await tab(page, "Threads").click();
  await page.getByRole("button", { name: /printer/, pressed: true }).click();
  await page.waitForURL((url) => !url.searchParams.has("filter"));
  step("the kymogram follows the filter");
}

async function seeMetrics(page, { id }) {
  await tab(page, "Metrics").click();
  const panel = page.getByRole("tabpanel", { name: "Metrics" });
  await panel.getByRole("heading", { name: "shop.checkout" }).waitFor();
  await panel.getByRole("button", { name: "Choose series" }).click();
  const menu = page.getByRole("dialog", { name: "Series" });
  await menu.getByRole("searchbox", { name: "Find series" }).fill("queue");
  const queue = menu.getByRole("checkbox", { name: /shop\.queue till="3"/ });
  assert.equal(await menu.getByRole("checkbox").count(), 1);
  if (!(await queue.isChecked())) await queue.click();
  await page.keyboard.press("Escape");
  await panel.getByRole("heading", { name: 'shop.queue till="3"' }).waitFor();
  const { items } = await ask(page, `/sessions/${id}/metrics`);
  const series = items.find(({ name }) => name === "shop.queue");
  assert.deepEqual(
    [series.id, series.labels, series.unit, series.aggregation, series.samples, series.min, series.max, series.last],
    ['shop.queue{till="3"}', { till: "3" }, "{order}", "gauge", SALES, 0, 16, (SALES - 1) % 17],
  );
  const found = await ask(page, `/sessions/${id}/metrics/points?points=10&series=${encodeURIComponent(series.id)}`);
  assert.equal(found.points.reduce((sum, { samples }) => sum + samples, 0), SALES);
  assert.equal(Math.max(...found.points.map(({ max }) => max)), 16);
  const wrong = await Promise.all(["series=none", "series=shop.queue&figure=p50", "figure=value"].map((query) => ask(page, `/sessions/${id}/metrics/points?${query}`)));
  assert.deepEqual(wrong.map(({ status }) => status), [404, 400, 400]);
  await picture(page, "metrics");
  step("metrics are drawn");
}

async function readByKeys(page) {
  const panel = page.getByRole("tabpanel", { name: "Metrics" });
  const chart = panel.getByRole("slider", { name: /shop\.queue/ });
  await chart.focus();
  await page.keyboard.press("Home");
  assert.match(await chart.getAttribute("aria-valuetext"), /^\+00:00\.\d+, 0 order/);
  await page.keyboard.press("End");
  assert.match(await chart.getAttribute("aria-valuetext"), /^\+00:0\d\.\d+, \d+ order/);
  const row = panel.getByRole("listitem").filter({ has: page.getByRole("slider", { name: /shop\.queue/ }) });
  await row.getByText("As a table").click();
  const rows = row.getByRole("row");
  await rows.nth(SALES / 2).waitFor();
  await row.getByText("As a table").click();
  const orders = panel.getByRole("listitem").filter({ has: page.getByRole("slider", { name: /shop\.orders/ }) });
  await orders.getByRole("combobox").selectOption({ label: "per second" });
  await page.waitForURL((url) => url.searchParams.getAll("chart").some((chart) => chart.startsWith("rate~shop.orders")));
  await orders.getByText(/\/s/).first().waitFor();
  step("values are read by keys");
}

/** The charts lie below the kymogram, point for point, and a range of one is that of all. */
async function seeOneAxis(page, { started_at }) {
  const panel = page.getByRole("tabpanel", { name: "Metrics" });
  const chart = panel.getByRole("slider", { name: /shop\.queue/ });
  const kymogram = page.getByRole("slider", { name: /^Kymogram/ });
  const [above, below] = [await kymogram.boundingBox(), await chart.boundingBox()];
  assert.deepEqual([below.x, below.width], [above.x, above.width]);
  await chart.hover({ position: { x: 300, y: 40 } });
  await page.locator(".kymogram-hint").waitFor();
  await page.mouse.down();
  await page.mouse.move(below.x + 700, below.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL((url) => url.searchParams.has("from"));
  await page.getByRole("group", { name: "Part of the session" }).waitFor();
  assert.ok(Date.parse(parameters(page).get("from")) > Date.parse(started_at));
  await picture(page, "metrics-range");
  await page.getByRole("button", { name: "Whole session" }).click();
  await page.waitForURL((url) => !url.searchParams.has("from"));
  step("one axis");
}

async function sayWhatIsMissing(page, { id, process }) {
  assert.ok(process.missing > 0);
  const { gaps } = await ask(page, `/sessions/${id}/density`);
  assert.equal(gaps.reduce((sum, { events }) => sum + events, 0), process.missing);
  await page.goto(`${KYMO_URL}/sessions/${id}`);
  const note = page.getByRole("group", { name: "Not here in full" });
  await note.getByText("This session is not here in full").waitFor();
  const path = "**/api/v1/sessions/*/request";
  // A server of before.
  await page.route(path, (route) => route.fulfill({ status: 404, contentType: "application/problem+json", body: '{"title":"not found","status":404,"detail":"no such path"}' }));
  await note.getByRole("button", { name: "Request this session" }).click();
  await note.getByText("This server cannot ask for sessions").waitFor();
  await page.unroute(path);
  await picture(page, "partial");
  await note.getByRole("button", { name: "Request this session" }).click();
  await note.getByText("It was asked for").waitFor();
  const { process: asked } = await ask(page, `/sessions/${id}`);
  assert.equal(asked.requested, true);
  step("what is missing is said and asked for");
}

const IMPORT = "**/api/v1/projects/*/import";

async function bringFiles(page, { id }) {
  await page.goto(KYMO_URL);
  await page.getByRole("button", { name: "Import" }).click();
  const dialog = page.getByRole("dialog", { name: "Import sessions" });
  const files = dialog.getByLabel("Session files");
  await files.setInputFiles([{ name: "holiday.png", mimeType: "image/png", buffer: Buffer.from("no session") }]);
  const picture_file = dialog.getByRole("listitem").filter({ hasText: "holiday.png" });
  await picture_file.getByText("expected a session file or a package").waitFor();

  // The disk of the server is full once.
  await page.route(IMPORT, (route) => {
    assert.equal(route.request().headers()["content-type"], "application/octet-stream");
    return route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"title":"service unavailable","status":503,"detail":"the disk is full, make room"}' });
  });
  await drop(page, process.env.KYMO_MISSING_FILE);
  const missing = dialog.getByRole("listitem").filter({ hasText: "missing.kymo" });
  await missing.getByText("the disk is full, make room").waitFor();
  await picture(page, "import");
  await page.unroute(IMPORT);
  await missing.getByRole("button", { name: "Try again" }).click();
  await missing.getByText(/gone on with, \d/).waitFor();
  await missing.getByRole("link", { name: /Open session/ }).click();
  await page.waitForURL(new RegExp(`/sessions/${id}`));
  // All of it is here now.
  const { process: whole } = await ask(page, `/sessions/${id}`);
  assert.equal(whole.missing, 0);
  step("files are brought");
}

/** What programs send: shown by servers that have the setting. */
async function choosePolicy(page) {
  await page.goto(`${KYMO_URL}/settings/projects/shop`);
  const panel = page.getByRole("region", { name: "What programs send", exact: true });
  await panel.getByRole("radio", { name: "All sessions", checked: true }).waitFor();
  await panel.getByRole("radio", { name: "Sessions with errors" }).check();
  await panel.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").getByText("Saved").waitFor();
  assert.ok(await panel.getByRole("radio", { name: "Sessions with errors" }).isChecked());
  assert.ok(await panel.getByRole("button", { name: "Save" }).isDisabled());
  const { upload } = await ask(page, "/projects/shop");
  assert.equal(upload.wanted, "with_errors");
  step("what programs send is chosen");
}

/** As a file manager lets a file fall anywhere on the page. */
async function drop(page, path) {
  const bytes = [...readFileSync(path)];
  const carried = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(content)], "missing.kymo"));
    return transfer;
  }, bytes);
  await page.dispatchEvent("body", "dragover", { dataTransfer: carried });
  await page.getByText("Drop session files or packages here").waitFor();
  await page.dispatchEvent("body", "drop", { dataTransfer: carried });
}

async function readersBringNone(page) {
  await page.route("**/api/v1/me", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), is_server_admin: false, roles: { shop: "reader" } } });
  });
  await page.goto(KYMO_URL);
  await page.getByRole("grid", { name: "Sessions" }).getByRole("link").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Import" }).count(), 0);
  // Questions that are under way are answered first.
  await page.unrouteAll({ behavior: "wait" });
  step("readers bring none");
}

await run(visit);
