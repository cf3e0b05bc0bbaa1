// Two people follow one program, from its first line to its end: one pauses, one reads further up and loses the connection for a
// while. Both have every line once.
//
// Usage: node views/live_program.mjs SESSION, with KYMO_URL, KYMO_SIGN_IN and KYMO_CHROMIUM in the environment. Says when both are there,
// so that the program goes on, and when it need not any more; a line on standard input says how many lines it logged then.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { complaints, KYMO_SIGN_IN, KYMO_URL, picture, print, run, signIn, step } from "./person.mjs";
import { allRows, bar, events, row } from "./live_rows.mjs";

const [session] = process.argv.slice(2);
const input = createInterface({ input: process.stdin });

await run(async (browser) => {
  const logged = once(input, "line");
  const one = await signIn(browser, KYMO_SIGN_IN, { lets_pass: [/WebSocket/, /status of 404/] });
  const other = await one.context().newPage();
  let socket = null;
  /** Once the first connection is lost, the next ones wait for this. */
  let seen = Promise.resolve();
  await other.routeWebSocket(/\/api\/v1\/stream/, async (taken) => {
    await seen;
    taken.connectToServer();
    socket = taken;
  });
  await one.getByRole("link", { name: "Live" }).click();
  await one.getByRole("grid", { name: "Sessions that run" }).getByRole("link").first().click();
  await other.goto(`${KYMO_URL}/sessions/${session}?follow=true`);
  for (const page of [one, other]) {
    await untilThere(page, 1);
    await bar(page).getByText("Live", { exact: true }).waitFor();
  }
  print({ answer: "there" });

  await untilThere(one, 80);
  await events(one).focus();
  await one.keyboard.press("Space");
  await one.getByRole("button", { name: /^Paused, \d+ events came since/ }).waitFor();
  await untilThere(other, 160);
  await events(other).hover();
  await other.mouse.wheel(0, -600);
  await other.waitForURL((url) => !url.searchParams.has("follow"));
  let isSeen;
  seen = new Promise((done) => (isSeen = done));
  await socket.close();
  await other.getByText("Reconnecting").waitFor();
  isSeen();
  await other.getByText("Reconnecting").waitFor({ state: "hidden" });
  await other.getByRole("button", { name: /new events$/ }).waitFor();
  print({ answer: "enough" });
  const [lines] = await logged;
  await other.getByRole("button", { name: /new events$/ }).click();
  await events(one).focus();
  await one.keyboard.press("Space");
  const wanted = Array.from({ length: Number(lines) }, (_, at) => `sold ${at + 1} for ${(at + 1) * 7}`);
  for (const [name, page] of Object.entries({ one, other })) {
    await row(page, `sold ${lines} for`).waitFor();
    assert.deepEqual((await allRows(page)).filter((text) => text.startsWith("sold")), wanted);
    step(`complete at ${name}`);
  }
  await picture(one, "live-program");
  print({ answer: "complete" });
  for (const page of [one, other]) await bar(page).getByText("The session has ended: normal").waitFor();
  step("the end is told");
  assert.deepEqual(complaints, []);
});
/** So many events and more: each is in sight for a moment only. */
function untilThere(page, count) {
  return events(page).evaluate(async (grid, wanted) => {
    while (Number(grid.getAttribute("aria-rowcount")) <= wanted) await new Promise((done) => requestAnimationFrame(done));
  }, count);
}

// What is still to be said nobody waits for.
input.close();
process.stdin.destroy();
