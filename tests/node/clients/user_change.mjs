// The user changes in the middle. With `managed` as argument the session has an id of its own.

import { become, done, drain, log, start } from "./agent.mjs";

const manage_session_id = process.argv[2] === "managed";
await start({ user: { id: "alice@example.test", name: "Alice Example" }, manage_session_id });
await log("shop", "alice looks around", "info");
become({ id: "bob@example.test", name: "Bob Example" });
await log("shop", "bob buys", "info");
await log("shop", "bob pays", "warn");
await drain();
done();
