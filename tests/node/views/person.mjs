// A person with a browser, for the scripts of single views: signs in by a one-time link, and listens to what the browser
// complains about.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGUMENTS, WITHIN_MS } from "../chromium.mjs";

export const { KYMO_URL, KYMO_TOKEN, KYMO_SIGN_IN } = process.env;

/** What the browsers complained about: nothing is expected but what a script lets pass. */
export const complaints = [];

/** One JSON line for the test. */
export function print(line) {
  console.log(JSON.stringify(line));
}

export function step(name, more = {}) {
  print({ step: name, ...more });
}

/** Runs `visit` with a person of their own browser; prints the last word, or what went wrong. */
export async function run(visit) {
  const folder = mkdtempSync(join(tmpdir(), "kymo-view-"));
  let browser;
  try {
    browser = await chromium.launch({ executablePath: process.env.KYMO_CHROMIUM, args: ARGUMENTS });
    await visit(browser, folder);
    print({ done: true });
  } catch (thrown) {
    console.error(thrown);
    console.error("the browser said:", complaints);
    process.exitCode = 1;
  } finally {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** A browser's page of somebody who has just used that link. `lets_pass`: complaints that are part of what is done. */
export async function signIn(browser, link, { lets_pass = [], width = 1440, height = 900 } = {}) {
  const context = await browser.newContext({ viewport: { width, height } });
  context.setDefaultTimeout(WITHIN_MS);
  const page = await context.newPage();
  const complain = (text) => lets_pass.some((known) => known.test(text)) || complaints.push(text);
  page.on("pageerror", (thrown) => complain(`error: ${thrown.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complain(`${message.type()}: ${message.text()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (violation) => {
      console.error(`refused by ${violation.violatedDirective}: ${violation.blockedURI}`);
    });
  });
  await page.goto(link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Places" }).waitFor();
  return page;
}

/** Asks the API as the person who is signed in. */
export function ask(page, path) {
  return page.evaluate(async (asked) => {
    const answer = await fetch(asked);
    return { status: answer.status, ...(await answer.json()) };
  }, `/api/v1${path}`);
}

/** Posts events as an Exceptionless client does. */
export async function post(events, token = KYMO_TOKEN) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(`${KYMO_URL}/api/v2/events`, { method: "POST", headers, body: JSON.stringify(events) });
  if (answer.status !== 202) throw new Error(`events were answered with ${answer.status}: ${await answer.text()}`);
}

export async function picture(page, name) {
  const folder = process.env.KYMO_SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}
