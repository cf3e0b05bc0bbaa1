// What the web page takes in a real browser: until the list is there, until a row that was just posted is in sight, and
// to scroll through a session of many events. Prints one JSON line for each figure.
//
// KYMO_URL, KYMO_TOKEN and KYMO_SIGN_IN name the server, KYMO_CHROMIUM the browser, KYMO_SESSION the session to scroll.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGUMENTS, WITHIN_MS } from "./chromium.mjs";

/** Of each figure the median counts. */
const ROUNDS = 5;
/** A person with a good mouse wheel: some 3,000 pixels in a second. */
const SCROLL_STEP_PX = 50;
const SCROLL_FRAMES = 600;

const url = process.env.KYMO_URL;

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "kymo-chromium-"));
  let browser;
  try {
    browser = await chromium.launchPersistentContext(folder, {
      executablePath: process.env.KYMO_CHROMIUM,
      args: ARGUMENTS,
      viewport: { width: 1440, height: 900 },
    });
    browser.setDefaultTimeout(WITHIN_MS);
    const page = browser.pages()[0] ?? (await browser.newPage());
    await page.goto(process.env.KYMO_SIGN_IN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("navigation", { name: "Places" }).waitFor();

    tell("first_content", await rounds(() => firstContent(page)));
    tell("row_in_sight", await rounds((round) => rowInSight(page, round)));
    await scroll(page);
  } finally {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Milliseconds from the beginning of a navigation to the first frame with rows. */
async function firstContent(page) {
  await page.goto("about:blank");
  await page.addInitScript(watchForRows);
  await page.goto(url, { waitUntil: "commit" });
  const rows_at = await page.waitForFunction(() => window.kymo_rows_at);
  return rows_at.jsonValue();
}

function watchForRows() {
  const look = () => {
    if (document.querySelector(".grid-body .grid-row")) window.kymo_rows_at = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** Milliseconds from the post's beginning to the frame that shows its session. */
async function rowInSight(page, round) {
  const name = `Newcomer ${round} ${Date.now()}`;
  const seen = page.evaluate((name) => new Promise((resolve) => {
    const look = () => {
      const names = [...document.querySelectorAll(".grid-body .cell-user")];
      if (names.some((cell) => cell.textContent.includes(name))) resolve(Date.now());
      else requestAnimationFrame(look);
    };
    look();
  }), name);
  const posted_at = Date.now();
  const answer = await fetch(`${url}/api/v2/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.KYMO_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify([{ type: "log", message: "here", data: { "@user": { identity: name, name } } }]),
  });
  assert.equal(answer.status, 202);
  return (await seen) - posted_at;
}

/** Scrolls frame by frame from the top, then jumps to the middle and the end and scrolls there. */
async function scroll(page) {
  await page.goto(`${url}/sessions/${process.env.KYMO_SESSION}`);
  await page.locator(".grid-body .grid-row").first().waitFor();
  const frames = await page.evaluate(async ({ step, count }) => {
    const grid = document.querySelector(".grid");
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const lengths = [];
    let rows_most = 0;
    let reached = 0;
    for (const start of [0, 0.5, 1]) {
      if (start > 0) grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * start - (start === 1 ? step * count / 3 : 0);
      await frame();
      let before = await frame();
      for (let n = 0; n < count / 3; n += 1) {
        grid.scrollTop += step;
        const now = await frame();
        lengths.push(now - before);
        before = now;
        rows_most = Math.max(rows_most, document.querySelectorAll(".grid-row").length);
      }
      reached = Math.max(reached, (grid.scrollTop + grid.clientHeight) / 28);
    }
    lengths.sort((one, other) => one - other);
    return { p95: lengths[Math.floor(lengths.length * 0.95)], rows_most, reached: Math.round(reached) };
  }, { step: SCROLL_STEP_PX, count: SCROLL_FRAMES });
  tell("frame_p95", frames.p95);
  tell("rows_most", frames.rows_most);
  tell("rows_reached", frames.reached);
}

async function rounds(measure) {
  const values = [];
  for (let round = 0; round < ROUNDS; round += 1) values.push(await measure(round));
  values.sort((one, other) => one - other);
  return values[Math.floor(ROUNDS / 2)];
}

function tell(figure, value) {
  console.log(JSON.stringify({ figure, value }));
}

await main();
console.log(JSON.stringify({ done: true }));
