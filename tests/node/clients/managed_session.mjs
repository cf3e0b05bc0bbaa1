// Two sessions with ids that the agent chose: the first is ended by a call, the second by the end of the program. More
// events than fit one batch.

import { client, done, drain, log, start, usage } from "./agent.mjs";

/** The agent sends 50 at a time. */
const LINES = 120;

const user = { id: "alice@example.test", name: "Alice Example" };
await start({ user, manage_session_id: true });
for (let line = 0; line < LINES; line++) await log("shop.import", `line ${line}`, "debug");
await drain();
await client.submitSessionEnd();

await start({ user, manage_session_id: true });
await usage("second visit");
await log("shop", "back again", "info");
await drain();
done();
