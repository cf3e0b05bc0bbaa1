// The settings, clicked through by an admin of the server, and what a reader and an admin of one project see of them.
//
// Usage: node views/settings.mjs, with KYMO_URL, KYMO_TOKEN, KYMO_SIGN_IN and KYMO_CHROMIUM in the environment.

import assert from "node:assert/strict";
import { ask, complaints, KYMO_SIGN_IN, KYMO_URL, picture, post, run, signIn, step } from "./person.mjs";

const PASSWORD = "a few words nobody says";
/** Refusals are part of what is tried here. */
const LETS_PASS = { lets_pass: [/status of 40[0-9]/] };

async function visit(browser) {
  const page = await signIn(browser, KYMO_SIGN_IN, LETS_PASS);
  await page.getByRole("button", { name: "Skip for now" }).click();
  await openProject(page);
  await general(page);
  await limits(page);
  await clientSettings(page);
  await tokens(page);
  await connect(page);
  await newProject(page);
  await members(page, browser);
  await account(page, browser);
  await auditAndAbout(page);
  await narrow(page);
  assert.deepEqual(complaints, []);
}

async function openProject(page) {
  // Not while a field has the focus: there a comma is a comma.
  await page.getByRole("heading", { name: "Waiting for your first session" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press(",");
  await page.getByRole("main").getByRole("link", { name: "Shop" }).click();
  await page.getByRole("heading", { name: "Name and origins" }).waitFor();
  assert.equal(await page.title(), "Projects · Kymo");
}

const settings = (page) => ask(page, "/projects/shop");
const panel = (page, name) => page.getByRole("region", { name, exact: true });
const saved = (page) => page.getByRole("status").getByText("Saved").waitFor();

async function general(page) {
  const form = panel(page, "Name and origins");
  const name = form.getByLabel("Name", { exact: true });
  assert.ok(await form.getByRole("button", { name: "Save" }).isDisabled(), "nothing was changed");
  await name.fill("");
  await page.keyboard.press("Enter");
  await form.getByRole("alert").waitFor();
  assert.equal(await name.getAttribute("aria-invalid"), "true");
  await page.keyboard.press("Escape");
  assert.equal(await name.inputValue(), "Shop");
  await name.fill("Shop of ours");
  await form.getByLabel("Web origins").fill("https://shop.example/\nhttp://localhost:5173");
  await form.getByRole("button", { name: "Save" }).click();
  await saved(page);
  const { name: kept, origins } = await settings(page);
  assert.deepEqual([kept, origins], ["Shop of ours", ["https://shop.example", "http://localhost:5173"]]);
  await page.getByRole("banner").getByText("Shop of ours").waitFor();
  step("general");
}

async function limits(page) {
  const retention = panel(page, "Retention");
  await retention.getByText("Nothing is removed: the server has no limit of its own either.").waitFor();
  await retention.getByLabel("Days").fill("soon");
  await page.keyboard.press("Enter");
  await retention.getByText("Expected whole days, or nothing.").waitFor();
  await retention.getByLabel("Days").fill("0");
  await page.keyboard.press("Enter");
  await retention.getByRole("alert").filter({ hasNotText: "or nothing" }).waitFor();
  await retention.getByLabel("Days").fill("30");
  await retention.getByText("Sessions that were silent for 30 days are removed with all their events.").waitFor();
  await retention.getByText("begins to be removed within minutes").waitFor();
  await page.keyboard.press("Enter");
  await saved(page);
  assert.equal((await settings(page)).retention_days, 30);

  const form = panel(page, "Session limits");
  await form.getByLabel("Silence that splits").fill("soon");
  await page.keyboard.press("Enter");
  await form.getByText("Expected a length").waitFor();
  await form.getByLabel("Silence that splits").fill("20 min");
  await page.keyboard.press("Enter");
  await form.getByRole("alert").waitFor({ state: "detached" });
  await page.waitForFunction(async () => (await (await fetch("/api/v1/projects/shop")).json()).sessions.split_after_seconds === 1200);
  // Beyond what the server allows together with the first: said by it.
  await form.getByLabel("Silence that ends", { exact: true }).fill("1 h");
  await page.keyboard.press("Enter");
  await form.getByRole("alert").waitFor();
  await form.getByRole("button", { name: "Cancel" }).click();
  step("limits");
}

async function clientSettings(page) {
  const form = panel(page, "Client settings");
  await form.getByText("There is none").waitFor();
  await form.getByRole("button", { name: "Add a setting" }).click();
  await form.getByLabel("Name", { exact: true }).fill("@@nothing");
  await form.getByLabel("Value").fill("x");
  await page.keyboard.press("Enter");
  await form.getByRole("alert").waitFor();
  await form.getByLabel("Name", { exact: true }).fill("@@log:shop.cart");
  await form.getByLabel("Value").fill("warn");
  await page.keyboard.press("Enter");
  await form.getByText("@@log:shop.cart", { exact: true }).waitFor();
  assert.deepEqual((await settings(page)).client_settings, { "@@log:shop.cart": "warn" });
  await form.getByRole("button", { name: "Remove @@log:shop.cart" }).click();
  await form.getByText("There is none").waitFor();
  assert.deepEqual((await settings(page)).client_settings, {});
  step("client settings");
}

const statusOf = async (token) => (await fetch(`${KYMO_URL}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status;

async function tokens(page) {
  const list = panel(page, "Tokens");
  await list.getByRole("button", { name: "New token", exact: true }).click();
  await list.getByRole("radio", { name: /^Read/ }).check();
  await list.getByLabel("Name", { exact: true }).fill("reports");
  await list.getByLabel("Holds for").selectOption("30 days");
  await list.getByRole("button", { name: "Make the token" }).click();
  const secret = await list.getByRole("region", { name: "The new token" }).innerText();
  assert.match(secret, /^kymo_read_/);
  assert.equal(await statusOf(secret), 200);
  await list.getByRole("row", { name: "reports" }).getByText("Read").waitFor();
  await picture(page, "settings-token");

  await list.getByRole("button", { name: "New token", exact: true }).click();
  await list.getByLabel("Name", { exact: true }).fill("reports");
  await page.keyboard.press("Enter");
  await list.getByRole("alert").waitFor();
  await page.keyboard.press("Escape");
  await list.getByRole("button", { name: "New token", exact: true }).waitFor();

  await page.reload();
  await list.getByRole("row", { name: "reports" }).waitFor();
  assert.ok(!(await page.content()).includes(secret), "shown once");
  const revoke = list.getByRole("button", { name: "Revoke reports" });
  await revoke.click();
  const dialog = page.getByRole("dialog", { name: "Revoke “reports”?" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await statusOf(secret), 200, "not yet");
  await revoke.click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await list.getByRole("row", { name: "reports" }).waitFor({ state: "detached" });
  assert.equal(await statusOf(secret), 401);
  step("tokens");
}

/** A token that was just made is what the snippets have; what arrives is told. */
async function connect(page) {
  const list = panel(page, "Tokens");
  await list.getByRole("button", { name: "New token", exact: true }).click();
  await list.getByLabel("Name", { exact: true }).fill("by hand");
  await page.keyboard.press("Enter");
  const secret = await list.getByRole("region", { name: "The new token" }).innerText();
  const clients = panel(page, "Connect a client");
  await clients.getByRole("button", { name: "Choose a client" }).click();
  await clients.getByRole("radio", { name: "curl" }).check();
  const command = await clients.getByRole("region", { name: "In a terminal" }).innerText();
  assert.ok(command.includes(secret) && command.includes(KYMO_URL), command);
  await clients.getByRole("radio", { name: "Exceptionless, .NET" }).check();
  await clients.getByText("Not tested with this server yet.").waitFor();
  assert.ok((await clients.innerText()).includes(`client.Startup("${secret}");`));
  assert.equal((await ask(page, "/projects/shop/tokens")).items.filter(({ scope }) => scope === "ingest").length, 2, "none was made beside");
  await post([{ type: "log", message: "connected", data: { "@user": { identity: "ann" } } }], secret);
  await clients.getByRole("link", { name: "open the session" }).click();
  await page.getByRole("grid", { name: "Events" }).getByText("connected").waitFor();
  await page.goBack();
  step("connect");
}

async function newProject(page) {
  await page.getByRole("link", { name: "Projects", exact: true }).first().click();
  await page.getByRole("button", { name: "New project" }).click();
  await page.keyboard.type("Shop of ours");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("Build");
  await page.keyboard.press("Enter");
  await page.waitForURL(/settings\/projects\/build$/);
  await panel(page, "Tokens").getByText("There is none: nothing can send").waitFor();
  step("new project");
}

async function members(page, browser) {
  await page.getByRole("link", { name: "Members", exact: true }).click();
  await page.getByRole("button", { name: "Add a member" }).click();
  await page.keyboard.type("not a name");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("ann@example.test");
  await page.getByLabel("Role in Shop of ours").selectOption("reader");
  await page.getByRole("button", { name: "Add and make a link" }).click();
  const link = await page.getByRole("region", { name: "One-time link for ann@example.test" }).innerText();
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("row", { name: "ann@example.test" }).getByText("reader in shop").waitFor();

  const ann = await signIn(browser, link, LETS_PASS);
  await asReader(ann);

  await page.getByRole("link", { name: "ann@example.test" }).click();
  await page.getByLabel("Role in Shop of ours").selectOption("member");
  await page.getByRole("status").getByText("ann@example.test is member").waitFor();
  await asMember(ann);
  await page.getByLabel("Role in Shop of ours").selectOption("admin");
  await page.getByRole("status").getByText("ann@example.test is admin").waitFor();
  await asProjectAdmin(ann);

  await page.getByRole("button", { name: "New one-time link" }).click();
  const second = await page.getByRole("region", { name: "One-time link for" }).innerText();
  assert.notEqual(second, link);
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("status").getByText("is signed out").waitFor();
  await ann.getByRole("heading", { name: "Sign in to Kymo" }).waitFor();
  await ann.context().close();

  await page.getByRole("button", { name: "Remove ann@example.test" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.waitForURL(/settings\/members$/);
  await page.getByRole("row", { name: "admin" }).waitFor();
  await page.getByRole("row", { name: "ann@example.test" }).waitFor({ state: "detached" });

  // Who is the last one stays, and is told why.
  await page.getByRole("link", { name: "admin", exact: true }).click();
  await page.getByRole("checkbox", { name: /Admin of the server/ }).click();
  await page.getByRole("alert").getByText(/last/).waitFor();
  assert.ok(await page.getByRole("checkbox", { name: /Admin of the server/ }).isChecked());
  step("members");
}

const pagesOf = (page) => page.getByRole("navigation", { name: "Settings" }).getByRole("link").allInnerTexts();

async function asReader(ann) {
  await ann.getByRole("grid", { name: "Sessions" }).getByRole("row").nth(1).waitFor();
  await ann.getByRole("link", { name: "Settings" }).click();
  await ann.getByRole("heading", { name: "Password" }).waitFor();
  assert.deepEqual(await pagesOf(ann), ["My account", "About"]);
  await ann.getByText("You are reader in shop.").waitFor();
  for (const [place, says] of [
    ["projects", "Projects are for admins of a project"],
    ["projects/shop", "Projects are for admins of a project"],
    ["members", "Members are for admins of the server"],
    ["audit", "Audit log are for admins of a project"],
  ]) {
    await ann.goto(`${KYMO_URL}/settings/${place}`);
    await ann.getByRole("heading", { name: says }).waitFor();
  }
  await ann.getByText("You are signed in as ann@example.test, whose highest role is reader.").waitFor();
  step("reader");
}

async function asMember(ann) {
  await ann.goto(`${KYMO_URL}/settings/account`);
  await ann.getByText("You are member in shop.").waitFor();
  assert.deepEqual(await pagesOf(ann), ["My account", "About"]);
  step("member");
}

async function asProjectAdmin(ann) {
  await ann.goto(`${KYMO_URL}/settings/account`);
  await ann.getByText("You are admin in shop.").waitFor();
  assert.deepEqual(await pagesOf(ann), ["Projects", "My account", "Audit log", "About"]);
  await ann.getByRole("link", { name: "Projects", exact: true }).click();
  await ann.getByRole("main").getByRole("link", { name: "Shop of ours" }).waitFor();
  assert.equal(await ann.getByRole("button", { name: "New project" }).count(), 0);
  assert.equal(await ann.getByRole("main").getByRole("link", { name: "Build" }).count(), 0);
  // Not told that it is there.
  await ann.goto(`${KYMO_URL}/settings/projects/build`);
  await ann.getByRole("alert").getByText("not for you").waitFor();
  await ann.goto(`${KYMO_URL}/settings/projects/shop`);
  const people = panel(ann, "Members");
  await people.getByText("admin of the server").waitFor();
  await people.getByRole("button", { name: "Give somebody a role" }).click();
  await people.getByLabel("Name", { exact: true }).fill("nobody");
  await ann.keyboard.press("Enter");
  await people.getByRole("alert").waitFor();
  await ann.keyboard.press("Escape");
  step("project admin");
}

async function account(page, browser) {
  await page.getByRole("link", { name: "My account" }).click();
  const password = panel(page, "Password");
  await password.getByLabel("New password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await password.getByLabel("Password now").waitFor();
  await password.getByLabel("Password now").fill("not this one");
  await password.getByLabel("New password").fill(`${PASSWORD} again`);
  await page.keyboard.press("Enter");
  await password.getByRole("alert").getByText("This is not the password").waitFor();

  const other = await (await browser.newContext()).newPage();
  await other.goto(`${KYMO_URL}/login`);
  await other.getByLabel("Name").fill("admin");
  await other.getByLabel("Password").fill(PASSWORD);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.getByRole("grid", { name: "Sessions" }).waitFor();
  await page.reload();
  const browsers = panel(page, "Browsers");
  await browsers.getByText("this one", { exact: true }).waitFor();
  await browsers.getByRole("button", { name: "Sign out all others" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await browsers.getByRole("button", { name: "Sign out all others" }).waitFor({ state: "detached" });
  await other.getByRole("heading", { name: "Sign in to Kymo" }).waitFor();
  await other.context().close();

  await page.getByRole("main").getByRole("button", { name: "Dark" }).click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await picture(page, "settings-account-dark");
  await page.getByRole("main").getByRole("button", { name: "Auto" }).click();
  step("account");
}

async function auditAndAbout(page) {
  await page.getByRole("link", { name: "Audit log" }).click();
  const log = page.getByRole("region", { name: "Audit log" }).getByRole("table");
  await log.getByRole("row", { name: /revoked a token/ }).waitFor();
  await log.getByRole("row", { name: /removed a member.*ann@example.test/ }).waitFor();
  await page.getByLabel("Project of the audit log").selectOption("build");
  await page.waitForURL(/settings\/audit\/build$/);
  // The rows of all projects stay until those of this one are there.
  await log.getByRole("row", { name: /removed a member/ }).waitFor({ state: "detached" });
  await log.getByRole("row", { name: /made a project.*build/ }).waitFor();

  await page.getByRole("link", { name: "About" }).click();
  await page.getByText("It takes in what clients send.").waitFor();
  await page.getByText(/\d+ (GB|TB|MB)/).first().waitFor();
  await panel(page, "What came in").getByText("Stored as events").waitFor();
  step("audit and about");
}

/** On a telephone nothing is wider than the screen. */
async function narrow(page) {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const place of ["projects", "projects/shop", "members", "members/admin", "account", "audit", "about"]) {
    await page.goto(`${KYMO_URL}/settings/${place}`);
    await page.getByRole("heading", { level: 2 }).last().waitFor();
    const wide = await page.evaluate(() => {
      const shown = document.querySelector(".settings-page");
      return shown.scrollWidth - shown.clientWidth;
    });
    assert.ok(wide <= 0, `${place} is ${wide} pixels too wide`);
    await picture(page, `settings-${place.replace("/", "-")}-390`);
  }
  step("narrow");
}

await run(visit);
