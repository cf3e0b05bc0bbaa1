// What is read out of an event: its request, its template, and the group that an error is of.

import { expect, it } from "vitest";
import type { SessionEvent } from "../../api/types";
import { errorGroups } from "./error_groups";
import { requestOf } from "./request";
import { templateOf } from "./template";

it("a request of Exceptionless", () => {
  const request = requestOf({
    "@request": {
      http_method: "POST", is_secure: true, host: "shop.test", port: 8443, path: "/cart", user_agent: "UA", cookies: { a: "1" },
      headers: { Accept: ["text/html", "*/*"] }, query_string: {}, post_data: "a=1",
    },
  });
  expect(request?.method).toBe("POST");
  expect(request?.url).toBe("https://shop.test:8443/cart");
  expect(request?.parts).toEqual([
    { title: "", facts: [{ name: "User agent", value: "UA" }] },
    { title: "Headers", facts: [{ name: "Accept", value: "text/html, */*" }] },
    { title: "Cookies", facts: [{ name: "a", value: "1" }] },
  ]);
  expect(request?.body).toBe("a=1");
});

it.each([
  [{ host: "h", path: "/p", is_secure: false, port: 80 }, "http://h/p"],
  [{ host: "h", path: "p" }, "http://h/p"],
  [{ path: "https://h/p" }, "https://h/p"],
  [{}, "/"],
])("the address of %o", (request, url) => expect(requestOf({ "@request": request })?.url).toBe(url));

it("a request in OpenTelemetry's words", () => {
  const request = requestOf({
    "http.request.method": "GET", "url.full": "https://h/p?q=1", "http.response.status_code": 502, "http.request.header.accept": ["a"],
  });
  expect(request).toEqual({
    method: "GET", url: "https://h/p?q=1", status: "502", body: null, parts: [{ title: "Headers", facts: [{ name: "accept", value: "a" }] }],
  });
  expect(requestOf({ "url.full": "https://h/" })).toBeNull();
});

it("a template with what was put into it", () => {
  expect(templateOf({ "@mt": "paid {Amount:n} to {@Whom} by {how}", Amount: 3, Whom: { id: 1 } })).toEqual({
    text: "paid {Amount:n} to {@Whom} by {how}",
    arguments: [{ name: "Amount", value: "3" }, { name: "Whom", value: '{"id":1}' }],
  });
  expect(templateOf({ message: "no template" })).toBeNull();
});

it("errors of a kind are one group, in order of the first", () => {
  const error = (sequence: number, type: string, message: string) =>
    ({ sequence, kind: "error", severity: "error", category: null, message, exception: { type, message, frames: [], inner: null } }) as unknown as SessionEvent;
  const groups = errorGroups([error(1, "A", "item 17 is gone\nmore"), error(2, "B", "x"), error(3, "A", "item 4711 is gone"), error(4, "A", "other")]);
  expect(groups.map((group) => [group.type, group.message, group.events.map(({ sequence }) => sequence)])).toEqual([
    ["A", "item 17 is gone", [1, 3]],
    ["B", "x", [2]],
    ["A", "other", [4]],
  ]);
});
