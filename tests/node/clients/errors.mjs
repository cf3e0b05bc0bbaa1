// Errors in every form in which the agent sends them.

import { client, done, drain, error, log, noticed, start, tellError } from "./agent.mjs";

class PaymentError extends Error {
  constructor(message, order) {
    super(message);
    this.name = "PaymentError";
    this.code = "E_DECLINED";
    this.order = order;
  }
}

function priceOf(item) {
  throw new TypeError(`no price for item ${item}`);
}

function caught(work) {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}

/** The form of the protocol. The agent itself leaves causes out, so an application that wants them builds it. */
function described(thrown) {
  const frame = { name: "checkout", file_name: "/srv/shop/checkout.mjs", line_number: 12, column: 5 };
  const inner = thrown.cause ? described(thrown.cause) : undefined;
  return { type: thrown.name, message: thrown.message, stack_trace: [frame], inner };
}

await start({ user: { id: "alice@example.test", name: "Alice Example" }, manage_session_id: true });
await log("shop", "before the errors", "info");
await error(caught(() => priceOf(17)));
await error(new PaymentError("card declined", { id: 4711, total: 12.5 }));

const cause = new RangeError("connection pool is empty", { cause: new Error("connect ECONNREFUSED") });
const outer = new Error("order not placed", { cause });
await client.createException(outer).setProperty("@error", described(outer)).submit();
tellError(outer, "error", [outer, cause, cause.cause]);

const fatal = new Error("disk is full");
await error(fatal, client.createException(fatal).markAsCritical(), "fatal");
await drain();

// What nobody catches is caught by the agent.
const uncaught = new SyntaxError("thrown from a timer");
await noticed(() => {
  setTimeout(() => {
    throw uncaught;
  });
});
tellError(uncaught);
const rejected = new Error("rejected and not handled");
await noticed(() => void Promise.reject(rejected));
tellError(rejected);

// The agent sends the first, holds the others back and sends them as one with their count on its way out.
for (let time = 0; time < 4; time++) {
  const again = new Error("again and again");
  again.stack = "Error: again and again\n    at retry (/srv/shop/retry.mjs:3:9)";
  await client.submitException(again);
  if (time < 2) tellError(again);
}
done();
