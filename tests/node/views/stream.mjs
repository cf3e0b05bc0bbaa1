// The page follows what happens by a WebSocket, by server-sent events where something in between closes those, and says
// so when it cannot. Prints one JSON line for each step.

import assert from "node:assert/strict";
import { KYMO_SIGN_IN, complaints, post, run, signIn, step } from "./person.mjs";

/** One more than after which a page without sockets takes the other way. */
const REFUSED = 3;
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
  await comeBack(page, streams);
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

/** Where sockets get through, a server that is away for a while is waited for, and no other way is taken. */
async function comeBack(page, streams) {
  let [socket, refused_count, first_word] = [null, 0, () => {}];
  const opened = new Promise((done) => (first_word = done));
  await page.routeWebSocket(/\/api\/v1\/stream/, (taken) => {
    if (socket !== null && refused_count < REFUSED) {
      refused_count += 1;
      return void taken.close();
    }
    const server = taken.connectToServer();
    server.onMessage((text) => {
      taken.send(text);
      first_word();
    });
    socket = taken;
  });
  await page.reload();
  await inSight(page, "Second Comer");
  for (let number = 1, is_told = false; !is_told; number += 1) {
    await post([visit(`Early ${number}`)]);
    is_told = await Promise.race([opened.then(() => true), inSight(page, `Early ${number}`).then(() => false)]);
  }
  await socket.close();
  await page.getByText("Reconnecting").waitFor();
  await page.getByText("Reconnecting").waitFor({ state: "hidden" });
  assert.equal(refused_count, REFUSED);
  assert.deepEqual([...new Set(streams)], ["/api/v1/stream"]);
  await page.unrouteAll();
}

function visit(name) {
  return { type: "log", message: "here", data: { "@user": { identity: name.replace(" ", ".").toLowerCase(), name } } };
}

function inSight(page, name) {
  return page.getByRole("grid", { name: "Sessions" }).getByRole("row", { name }).waitFor();
}
