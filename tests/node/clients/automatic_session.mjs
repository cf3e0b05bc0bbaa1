// A session by user identity with every sort of event but errors. The last events are left to the agent's own way out,
// which sends them beside the close call.

import { client, custom, done, drain, log, notFound, start, usage } from "./agent.mjs";

const id = process.env.KYMO_USER ?? "alice@example.test";
await start({ user: { id, name: "Alice Example" } });
for (const level of ["trace", "debug", "info", "warn", "error", "fatal"]) {
  await log("shop.cart", `a line at ${level}`, level);
}
await drain();
await usage("express checkout");
await notFound("/products/17");
await custom("order", "shop.orders", "placed");
await log("shop.orders", "umlauts äöü, 漢字, 🛒, \"quotes\", \\ and\ttabs\nin two lines", "info");
await log("shop.orders", "<img src=x onerror=alert(1)>", "warn");
await drain();
await client.submitSessionHeartbeat();
await log("shop.orders", "thank you", "info");
await log("shop.orders", "good bye", "info");
done();
