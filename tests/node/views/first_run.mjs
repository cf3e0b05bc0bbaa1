// The first minute with a new server: from the one-time link to the first session, by pasting what the page says.
//
// Usage: node views/first_run.mjs CLIENT [password], with KYMO_URL, KYMO_SIGN_IN and KYMO_CHROMIUM in the environment. CLIENT is
// the name that the page gives it; `password`: one is set, else that step is skipped.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { complaints, KYMO_SIGN_IN, picture, run, signIn, step } from "./person.mjs";

const [name, with_password] = process.argv.slice(2);
const find = createRequire(import.meta.url).resolve;
const MODULES = new URL("../node_modules", import.meta.url).pathname;

/** What stands in for a bundler: the modules that snippets import, as files of the page's own site. */
const LOUPE_SHIM = `globalThis.exports = {};
await import("/loupe.js");
export const { LoupeAgent } = globalThis.exports["loupe-typescript"];
`;
const IMPORTS = {
  "@exceptionless/browser": "/exceptionless.js",
  "@gibraltarsoftware/loupe-typescript": "/loupe-shim.js",
};

const PASSWORD = "a few words nobody says";

async function visit(browser, folder) {
  const started_at = performance.now();
  const page = await signIn(browser, KYMO_SIGN_IN, { lets_pass: [/status of 400/] });
  await passwordStep(page);
  await page.getByRole("heading", { name: "What shall be watched?" }).waitFor();
  await page.keyboard.type("Shop");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Waiting for your first session" }).waitFor();
  await picture(page, "first-run-waiting");

  const paste = CLIENTS[name];
  assert.ok(paste, `no client is called ${name}`);
  await page.getByRole("radio", { name }).check();
  const end = await paste(page, browser, folder);
  await page.waitForURL(/\/sessions\//);
  await page.getByRole("grid", { name: "Events" }).getByText(/^hello from/).waitFor();
  await picture(page, "first-run-session");
  step("first session", { client: name, seconds: Math.round((performance.now() - started_at) / 100) / 10 });
  await end?.();

  // Back is the list, which is none of a first run any more.
  await page.getByRole("link", { name: "Sessions", exact: true }).click();
  await page.getByRole("grid", { name: "Sessions" }).getByRole("row").nth(1).waitFor();
  assert.deepEqual(complaints, []);
}

async function passwordStep(page) {
  await page.getByRole("heading", { name: "Choose a password" }).waitFor();
  if (!with_password) return page.getByRole("button", { name: "Skip for now" }).click();
  const field = page.getByRole("textbox", { name: "Password" });
  await field.fill("short");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("12 to 256 characters").waitFor();
  await field.fill(PASSWORD);
  await page.keyboard.press("Enter");
}

/** The very text that one would copy. */
function textOf(page, label) {
  return page.getByRole("region", { name: label }).innerText();
}

const CLIENTS = {
  async "curl"(page) {
    await shell(await textOf(page, "In a terminal"));
  },

  async "Exceptionless, Node.js"(page, _, folder) {
    // What `npm install` would do, from what is installed here.
    assert.equal(await textOf(page, "In a terminal"), "npm install @exceptionless/node");
    await symlink(MODULES, join(folder, "node_modules"));
    await writeFile(join(folder, "first.mjs"), await textOf(page, /as first\.mjs/));
    const command = await textOf(page, "Run it");
    const program = spawn("sh", ["-c", `exec ${command}`], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    const ended = once(program, "exit");
    return async () => {
      program.kill();
      await ended;
    };
  },

  async "Exceptionless, web page"(page, browser) {
    await pasteIntoPage(page, browser, "npm install @exceptionless/browser");
  },

  async "Loupe, web page"(page, browser) {
    await pasteIntoPage(page, browser, "npm install @gibraltarsoftware/loupe-typescript");
  },
};

async function shell(command) {
  const program = spawn("sh", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = await once(program, "exit");
  assert.equal(code, 0, command);
}

/** A page of another origin, which is asked for and let in. */
async function pasteIntoPage(page, browser, install) {
  let program = "";
  const files = {
    "/exceptionless.js": () => readFile(find("@exceptionless/browser").replace(/index\.js$/, "index.bundle.js")),
    "/loupe.js": () => readFile(find("@gibraltarsoftware/loupe-typescript").replace(/index\.js$/, "loupe.typescript.js")),
    "/loupe-shim.js": () => LOUPE_SHIM,
    "/first.js": () => program,
  };
  const html = `<!doctype html><title>A shop</title>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module" src="/first.js"></script>`;
  const site = createServer(async (request, response) => {
    const file = files[request.url];
    response.writeHead(200, { "content-type": file ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8" }).end(file ? await file() : html);
  });
  site.listen(0);
  await once(site, "listening");
  site.unref();
  const origin = `http://localhost:${site.address().port}`;

  // Nothing, and something that is no origin, are said to be so; then the right one, with the slash that people copy.
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: "Show the code" }).click();
  await page.getByRole("alert").getByText("Expected an origin").waitFor();
  const field = page.getByLabel("Where is the page served from?");
  await field.fill("shop");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasNotText: "Expected an origin, as the browser" }).waitFor();
  await field.fill(`${origin}/`);
  await page.keyboard.press("Enter");
  assert.equal(await textOf(page, "In a terminal"), install);
  program = await textOf(page, "In the first module of your page");
  const shop = await (await browser.newContext()).newPage();
  shop.on("pageerror", (thrown) => complaints.push(`the pasted program: ${thrown.message}`));
  await shop.goto(origin);
}

await run(visit);
