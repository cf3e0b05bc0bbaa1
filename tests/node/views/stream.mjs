// The page follows what happens by a WebSocket, by server-sent events where something in between closes those, and says
// so when it cannot. Prints one JSON line for each step.

import assert from "node:assert/strict";
import { KYMO_SIGN_IN, complaints, post, run, signIn, step } from "./person.mjs";

/** What the browser says of a socket that is closed at once. */
const CLOSED = /WebSocket connection|ERR_|status of 5/;

await run(async (browser) => {
  await post([visit("First Comer")]);
  const page = await signIn(browser, KYMO_SIGN_IN, { lets_pass: [CLOSED] });
  const streams = [];
  page.on("websocket", (socket) => streams.push(new URL(socket.url()).pathname));
  page.on("request", (request) => {
    if (request.resourceType() === "eventsource") streams.push(new URL(request.url()).pathname);
  });
  await page.reload();
  await inSight(page, "First Comer");
  await post([visit("Second Comer")]);
  await inSight(page, "Second Comer");
  assert.deepEqual([...new Set(streams)], ["/api/v1/stream"]);
  step("by a WebSocket");

  await page.routeWebSocket(/\/api\/v1\/stream/, (socket) => socket.close());
  const events = page.waitForRequest((request) => request.url().endsWith("/api/v1/changes"));
  await page.reload();
  await inSight(page, "Second Comer");
  await events;
  await page.getByText("Reconnecting").waitFor({ state: "hidden" });
  await post([visit("Third Comer")]);
  await inSight(page, "Third Comer");
  step("by server-sent events");

  await page.route(/\/api\/v1\/changes/, (route) => route.abort());
  await page.reload();
  await page.getByText("Reconnecting").waitFor();
  step("says that it is not told");

  await page.unrouteAll();
  await post([visit("Fourth Comer")]);
  await inSight(page, "Fourth Comer");
  await page.getByText("Reconnecting").waitFor({ state: "hidden" });
  step("again by itself");
  assert.deepEqual(complaints, []);
});

function visit(name) {
  return { type: "log", message: "here", data: { "@user": { identity: name.replace(" ", ".").toLowerCase(), name } } };
}

function inSight(page, name) {
  return page.getByRole("grid", { name: "Sessions" }).getByRole("row", { name }).waitFor();
}
