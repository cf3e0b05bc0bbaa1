// Does what it is told by lines on standard input, so that a test can take the server away at a certain moment:
// `log N`, `try` (send once), `drain` (send until nothing waits). Each is answered by a line when it is done. It ends with
// its input.

import { createInterface } from "node:readline";
import { client, done, drain, log, print, start, waiting } from "./agent.mjs";

let lines = 0;

const commands = {
  async log(count) {
    for (let line = 0; line < Number(count); line++) {
      lines += 1;
      await log("shop.sync", `line ${lines}`, "info");
    }
  },
  try: () => client.processQueue(),
  drain,
};

await start({ user: { id: "alice@example.test", name: "Alice Example" }, manage_session_id: true });
print({ answer: "start", waiting: waiting() });
for await (const line of createInterface({ input: process.stdin })) {
  const [word, argument] = line.split(" ");
  await commands[word](argument);
  print({ answer: word, waiting: waiting() });
}
done();
