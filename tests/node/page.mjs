// A person with a browser: signs in by the one-time link, sees a session come while looking at the list, opens it and
// reads its error, in light and in dark. Prints one JSON line for each step with the milliseconds it took.
//
// KYMO_URL, KYMO_TOKEN and KYMO_SIGN_IN name the server, KYMO_CHROMIUM the browser. KYMO_SCREENSHOTS, if set, is a folder
// for pictures.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGUMENTS, WITHIN_MS } from "./chromium.mjs";
import { client, drain, become, error, log, print, start } from "./clients/agent.mjs";

const MARKUP = "<img src=x onerror=alert(1)>";

/** What the browser complained about: nothing is expected. */
const complaints = [];

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "kymo-chromium-"));
  let browser;
  try {
    browser = await chromium.launchPersistentContext(folder, {
      executablePath: process.env.KYMO_CHROMIUM,
      args: ARGUMENTS,
      viewport: { width: 1440, height: 900 },
      colorScheme: "light",
    });
    browser.setDefaultTimeout(WITHIN_MS);
    await visit(browser);
  } finally {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function visit(browser) {
  const page = browser.pages()[0] ?? (await browser.newPage());
  await listen(page);
  await signIn(page);
  await page.getByRole("button", { name: "Skip for now" }).click();
  await page.getByRole("heading", { name: "Waiting for your first session" }).waitFor();
  await picture(page, "first-run");

  // A mark that a reload would wipe out.
  await page.evaluate(() => (window.kymo_test_mark = true));
  await firstSession(page);
  await start({ user: user("light"), manage_session_id: true });
  await seeAndRead(page, "light");
  await client.submitSessionEnd();

  await page.emulateMedia({ colorScheme: "dark" });
  become(user("dark"));
  await client.submitSessionStart();
  await seeAndRead(page, "dark");
  assert.equal(await page.evaluate(() => window.kymo_test_mark), true, "the page was loaded again");
  assert.deepEqual(complaints, []);

  await linkWorksOnce(browser);
}

async function listen(page) {
  page.on("pageerror", (thrown) => complaints.push(`error: ${thrown.message}`));
  page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (violation) => {
      console.error(`refused by ${violation.violatedDirective}: ${violation.blockedURI}`);
    });
  });
}

async function signIn(page) {
  await page.goto(process.env.KYMO_SIGN_IN);
  await picture(page, "sign-in");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Places" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/");
  step("signed in");
}

/** The page that waits turns into the session that comes first; the list is behind it. */
async function firstSession(page) {
  const headers = { authorization: `Bearer ${process.env.KYMO_TOKEN}`, "content-type": "application/json" };
  const body = JSON.stringify({ type: "log", message: "the first of all", data: { "@user": { identity: "first@example.test" } } });
  await fetch(`${process.env.KYMO_URL}/api/v2/events`, { method: "POST", headers, body });
  await page.getByRole("grid", { name: "Events" }).getByText("the first of all").waitFor();
  await page.getByRole("link", { name: "Sessions", exact: true }).click();
}

/** The session that the agent has started comes into sight by itself; its error is read. */
async function seeAndRead(page, scheme) {
  const { name } = user(scheme);
  const sessions = page.getByRole("grid", { name: "Sessions" });
  await log("shop.cart", `item 17 added in ${scheme}`, "info");
  await log("shop.cart", MARKUP, "warn");
  const thrown = new PriceError(`no price in ${scheme}`);
  const id = `price-error-${scheme}`;
  await client.updateUserEmailAndDescription(id, "alice@example.test", `${MARKUP} in ${scheme}`);
  await error(thrown, client.createException(thrown).setReferenceId(id));
  const link = sessions.getByRole("link", { name });
  assert.equal(await link.count(), 0);

  const posted_at = performance.now();
  await drain();
  await link.waitFor();
  step("session in sight", { scheme, ms_after_post: Math.round(performance.now() - posted_at) });
  await sessions.getByRole("row", { name }).getByRole("gridcell").filter({ hasText: /^1$/ }).waitFor();
  await sawScheme(page, scheme);
  await picture(page, `sessions-${scheme}`);

  await link.click();
  const events = page.getByRole("grid", { name: "Events" });
  await events.getByText(MARKUP).waitFor();
  await events.getByText(`item 17 added in ${scheme}`).waitFor();
  await events.getByText(`no price in ${scheme}`).click();
  await readError(page, scheme);
  await picture(page, `session-${scheme}`);
  await addWhileLooking(events, scheme);

  await page.getByRole("link", { name: "Sessions", exact: true }).click();
  await link.waitFor();
  step("read", { scheme });
}

async function readError(page, scheme) {
  const details = page.getByRole("complementary", { name: "Event details" });
  const exception = details.getByRole("region", { name: "Exception" });
  await exception.getByText("PriceError", { exact: true }).waitFor();
  await exception.getByText(`no price in ${scheme}`, { exact: true }).waitFor();
  // The agent leaves out "async" and names the file as a URL.
  await exception.getByText("seeAndRead").waitFor();
  await exception.getByText("page.mjs:").first().waitFor();
  const said = details.getByRole("region", { name: "User description" });
  await said.getByText(`${MARKUP} in ${scheme}`, { exact: true }).waitFor();
  await said.getByText("alice@example.test").waitFor();
}

/** What is logged while the session is open appears at its end. */
async function addWhileLooking(events, scheme) {
  const posted_at = performance.now();
  await log("shop.cart", `one more in ${scheme}`, "info");
  await drain();
  await events.getByText(`one more in ${scheme}`).waitFor();
  step("event in sight", { scheme, ms_after_post: Math.round(performance.now() - posted_at) });
}

/** Dark is light text on dark ground, and the other way round. */
async function sawScheme(page, scheme) {
  const [ground, text] = await page.evaluate(() => {
    const drawing = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const { backgroundColor, color } = getComputedStyle(document.body);
    return [backgroundColor, color].map((colour) => {
      drawing.fillStyle = colour;
      drawing.fillRect(0, 0, 1, 1);
      const [red, green, blue] = drawing.getImageData(0, 0, 1, 1).data;
      return (red + green + blue) / 3;
    });
  });
  assert.ok(scheme === "dark" ? ground < 80 && text > 170 : ground > 230 && text < 90, `${ground} ${text}`);
}

async function linkWorksOnce(browser) {
  const page = await browser.newPage();
  await browser.clearCookies();
  await page.goto(process.env.KYMO_URL);
  await page.getByRole("heading", { name: "Sign in to Kymo" }).waitFor();
  await page.goto(process.env.KYMO_SIGN_IN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This link does not hold").waitFor();
  step("used link refused");
}

class PriceError extends Error {
  name = "PriceError";
}

function user(scheme) {
  return { id: `${scheme}@example.test`, name: `Alice ${scheme}` };
}

function step(name, more = {}) {
  print({ step: name, ...more });
}

async function picture(page, name) {
  const folder = process.env.KYMO_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}

// The agent takes uncaught errors for the application's and goes on, so none may come through.
try {
  await main();
  print({ done: true });
} catch (thrown) {
  console.error(thrown);
  console.error("the browser said:", complaints);
  process.exitCode = 1;
}
