// The start of the page: the only module with side effects. It asks the first questions and then fetches the rest of the
// code, so that the answers are on their way meanwhile.

import "./styles/base.css";
import "./styles/shell.css";
import "./styles/grid.css";
import "./styles/sessions.css";
import "./styles/list.css";
import "./styles/session.css";
import "./styles/live.css";
import "./styles/users.css";
import "./styles/settings.css";
import "./styles/first_run.css";
import { askEarly } from "./api/early";
import { BASE, queryOf } from "./api/query";
import { pageParams } from "./derive/list/params";
import { parsePlace } from "./derive/url_state";

/** Rows that take longer come into a page that is drawn without them: nobody notices so little. */
const ROWS_MS_MAX = 100;

const place = parsePlace(location.pathname, location.search);
const rows_url = place.view === "sessions" ? `${BASE}/sessions${queryOf(pageParams(place.list, Date.now()))}` : null;
const early = askEarly((input, init) => fetch(input, init), rows_url ? [rows_url] : []);
void draw();

async function draw(): Promise<void> {
  const code = import("./views/root").catch(() => null);
  // A near server has answered by now: drawing frame and rows at once is quicker than one after the other.
  if (rows_url) await Promise.all([code, early.wait(rows_url, ROWS_MS_MAX)]);
  const [views, root] = [await code, await body()];
  if (views) views.start(root, early);
  else root.textContent = "Kymo's page could not be loaded: reload it.";
}

/** This script does not wait until the document is there. */
async function body(): Promise<HTMLElement> {
  if (document.readyState === "loading") await new Promise((resolve) => addEventListener("DOMContentLoaded", resolve, { once: true }));
  return document.getElementById("root") ?? document.body;
}
