// Does what it is told by lines on standard input and answers each with the settings the agent has then: `log SOURCE`
// sends one line of that source, `describe` tells what the user says about an event before the event is sent.

import { createInterface } from "node:readline";
import { client, done, drain, log, print, start } from "./agent.mjs";

const commands = {
  async log(source) {
    await log(source, `a line of ${source}`, "info");
    // The agent fetches settings before it takes an answer that names a newer version for done.
    await drain();
  },
  async describe() {
    const id = "described-0001";
    await client.updateUserEmailAndDescription(id, "alice@example.test", "it broke");
    await client.createLog("described", "an event of its own id", "info").setReferenceId(id).submit();
    await drain();
  },
};

await start({ user: { id: "alice@example.test", name: "Alice Example" }, manage_session_id: true });
await drain();
print({ answer: "start", settings: client.config.settings });
for await (const line of createInterface({ input: process.stdin })) {
  const [word, argument] = line.split(" ");
  await commands[word](argument);
  print({ answer: word, settings: client.config.settings });
}
done();
