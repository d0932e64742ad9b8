// What a person does with the console, from the first link to the answer to "why is this value here?".
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { connect, press } from "./connect.mjs";
import { remap } from "./remap.mjs";
import { World, until } from "./world.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const screens = join(here, "../../docs/screens");
const write = process.argv.includes("--write");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
if (!executablePath) throw new Error("Chromium was not found: apt-get install chromium");

const complaints = [];
let looked = 0;

// A window whose complaints are ours.
async function window_of(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on("response", (answer) => {
    if (answer.status() >= 500) complaints.push(`${answer.url()}: ${answer.status()}`);
  });
  return page;
}

// What axe has to say about the page, and a picture of it.
async function look(page, name, long = false) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  for (const { id, help, nodes } of violations) {
    complaints.push(`${page.url()}: ${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
  }
  looked += 1;
  if (name && write) await page.screenshot({ path: join(screens, `${name}.png`), fullPage: !long });
}

async function reload_until(page, what, so, seconds) {
  return until(what, async () => {
    await page.reload();
    return so();
  }, seconds);
}

async function drive(world, browser) {
  const page = await window_of(browser);
  const step = (text) => console.log(`  ${text}`);
  const go = (path) => page.goto(world.console + path);

  step("the first link makes the first admin");
  await page.goto(world.link);
  await look(page, "welcome");
  await page.fill("#name", "Ada");
  await page.fill("#password", "correct horse battery staple");
  await page.fill("#again", "correct horse battery staple");
  await page.click("button.main");
  await page.waitForURL(`${world.console}/`);
  const cookie = (await page.context().cookies()).find((one) => one.name === "__Host-ml-connector");
  assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === "Lax", JSON.stringify(cookie));

  await connect(world, page, { step, look, go });

  step("a first load that is more than daily work waits for approval");
  const held = () => page.locator("a", { hasText: /\d+ mass_change/ }).count();
  await reload_until(page, "something is held", held);
  await look(page, "overview");
  await go("/c/acme/plan");
  await reload_until(page, "the plan can be approved", () => page.locator("text=Approve all of this page").count());
  await look(page, "plan");
  const waiting = await page.locator("section.card input[name=party]").count();
  assert.ok(waiting >= 4, `${waiting} wait`);
  await page.locator("section.card input[name=party]").first().check();
  await press(page, "text=Approve what is chosen");
  await page.waitForSelector("text=1 answered");
  await press(page, "button[value=all]");
  await page.waitForSelector("p.said");
  const organizations = async () => (await world.at(world.crm, "api/v2/organizations?limit=500")).data;
  await until("everybody has an organization", async () => {
    await go("/c/acme/plan");
    return page.locator("text=Nothing would be written").count();
  });
  const all = await organizations();
  assert.ok(all.length > 6, `${all.length} organizations`);

  step("a won deal becomes a customer of the ERP, and the console shows it");
  const address = { value: "7 Console Road, Springfield", locality: "Springfield", postal_code: "62701", country: "US",
    admin_area_level_1: "IL" };
  const org_id = await world.enter("organizations", { name: "<script>alert(1)</script> Works Ltd", address });
  const deal = await world.enter("deals", { title: "A <b>bold</b> deal", org_id, value: 100, currency: "USD", status: "won" });
  const won = await until("the customer in the ERP", async () => {
    const { parties } = await world.atErp("_sim/truth");
    return parties.find((party) => party.OrganizationName.includes("Works Ltd"));
  });
  await until("the handover is done", async () => {
    await go(`/c/acme/handovers/organization/${org_id}`);
    return page.locator("text=Nothing is asked about it").count();
  });
  await look(page, "handover");
  await until("it is found", async () => {
    await go(`/c/acme/customers?search=${encodeURIComponent("<SCRIPT>")}`);
    return page.locator("table a").count();
  });
  await press(page, "table a");
  assert.equal(page.url(), `${world.console}/c/acme/customers/${won.PartyId}`);
  assert.match(await page.textContent("h1"), /<script>alert\(1\)<\/script> Works Ltd/);
  await look(page);

  step("a deal that was won before is asked for");
  await go("/c/acme/plan");
  await press(page, "text=older won deals");
  await reload_until(page, "the older deal is there", () => page.locator("h2:has-text('Bygone Mills Ltd')").count());
  await look(page, "older-deals");
  await page.locator("input[name=deal]").first().check();
  await press(page, "text=Ask for those that are chosen");
  await page.waitForSelector("p.said");
  await until("it is a customer of the ERP", async () => {
    const { parties } = await world.atErp("_sim/truth");
    return parties.some((party) => party.OrganizationName === "Bygone Mills Ltd");
  });

  step("an organization is deleted; the question is answered");
  const gone = all[0];
  await world.at(world.crm, `_sim/organizations/${gone.id}`, null, "DELETE");
  await until("it is asked", async () => {
    await go("/c/acme/holds?reason=organization_gone");
    return page.locator("tbody a").count();
  });
  await look(page, "questions");
  await press(page, "tbody a");
  await look(page, "question");
  await press(page, "button[value=recreate]");
  await page.waitForSelector("text=Answered");
  await reload_until(page, "it has an organization again", async () => {
    const its = await page.locator("dt:text-is('Organization in the CRM') + dd").textContent();
    return its !== "none" && its !== `${gone.id}`;
  });

  step("finance changes a name; in two clicks it is told why the CRM says so");
  const { parties } = await world.atErp("_sim/truth");
  const renamed = parties.find((party) => all.some((one) => one.id !== gone.id && one.name === party.OrganizationName));
  await world.atErp("_sim/fusion/party", { PartyNumber: renamed.PartyNumber, set: { OrganizationName: "Renamed by finance AG" } });
  await go(`/c/acme/customers/${renamed.PartyId}`);
  await press(page, "text=Sync this customer now");
  await page.waitForSelector("p.said");
  await until("the CRM says so", async () => (await organizations()).some((one) => one.name === "Renamed by finance AG"));
  await go("/c/acme/customers");
  // The CRM says so a moment before our own receipt does.
  await reload_until(page, "the list says so", () => page.locator("text=Renamed by finance AG").count());
  await press(page, "text=Renamed by finance AG");
  await page.waitForSelector("tr:has(th:text-is('Name')) td:has-text('Written')");
  await look(page, "customer");

  await remap(world, page, { step, look, go, until, organizations, party: renamed });

  step("writes are shown as they happen");
  await go("/c/acme");
  await look(page, "status", true);
  const rows = () => page.locator("tbody[hx-sse\\:connect] tr").count();
  const before = await rows();
  await world.atErp("_sim/fusion/party", { PartyNumber: renamed.PartyNumber, set: { OrganizationName: "Renamed once more AG" } });
  await page.evaluate(() => fetch("/c/acme/sync", { method: "POST" }));
  await until("a new row", async () => (await rows()) > before);
  assert.match(await page.textContent("tbody[hx-sse\\:connect] tr"), /Renamed once more AG/);

  step("a program gets a token, and what people did is told");
  await go("/tokens");
  await page.fill("#name", "reporting");
  await page.click("button.main");
  const token = await page.textContent("code.secret");
  await look(page);
  const api = (path, options = {}) =>
    fetch(`${world.console}/api/v1/${path}`, { ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } });
  assert.equal((await (await api("me")).json()).role, "viewer");
  assert.equal((await api("connections/acme/sync", { method: "POST", body: "{}", headers: { "content-type": "application/json" } })).status, 403);
  assert.ok((await (await api("connections/acme/customers")).json()).items.length > 6);

  step("every page, as an admin");
  const document = (await (await api("connections/acme/documents?decision=attached")).json()).items[0];
  const paths = ["/", "/c/acme/fit", "/reference", "/people", "/tokens", "/deeds", "/connections/new", "/c/acme/setup", "/c/acme/mapping", "/c/acme", "/c/acme/customers", "/c/acme/holds",
    "/c/acme/handovers", "/c/acme/documents", "/c/acme/documents?decision=attached", "/c/acme/plan", "/c/acme/plan/deals", "/c/acme/journal",
    `/c/acme/deals/${deal}`, ...(document ? [`/c/acme/documents/${document.document}`] : [])];
  for (const path of paths) {
    await go(path);
    await look(page, path === "/c/acme/journal" ? "journal" : path === "/deeds" ? "deeds" : null, true);
  }
  await page.emulateMedia({ colorScheme: "dark" });
  for (const path of ["/", "/c/acme/journal"]) {
    await go(path);
    await look(page);
  }

  step("a viewer, without JavaScript, on a small screen: everything can be read, nothing can be done");
  await go("/people");
  await page.click("button.main");
  const link = await page.textContent("code.secret");
  assert.ok(link.startsWith(`${world.console}/welcome/`), link);
  const plain = await window_of(browser, { javaScriptEnabled: false, viewport: { width: 400, height: 800 } });
  await plain.goto(link);
  await plain.fill("#name", "Grace");
  await plain.fill("#password", "a quiet viewer of pages");
  await plain.fill("#again", "a quiet viewer of pages");
  await plain.click("button.main");
  for (const path of paths) {
    const answer = await plain.goto(world.console + path);
    const admins = ["/people", "/tokens", "/deeds", "/connections/new", "/c/acme/setup", "/c/acme/mapping"].includes(path);
    assert.equal(answer.status(), admins ? 403 : 200, path);
    const buttons = await plain.locator("main form[method=post]:has(button) button").allTextContents();
    assert.deepEqual(buttons, [], path);
  }
  await plain.click("text=Log out");
  await plain.waitForSelector("text=You are logged out");
  if (write) await plain.screenshot({ path: join(screens, "login.png") });
  await plain.fill("#name", "grace");
  await plain.fill("#password", "a wrong viewer of pages");
  await plain.click("button.main");
  await plain.waitForSelector("text=The name or the password is wrong");

  step("keys are enough");
  await go("/c/acme/customers");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
}

if (write) mkdirSync(screens, { recursive: true });
const world = await World.start({ customers: 12 });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  await drive(world, browser);
  // Settings that are wrong, a wrong password, and pages that a viewer may not see, are answers that browsers complain about.
  const real = complaints.filter((text) => !/status of (401|403|422)/.test(text));
  assert.deepEqual(real, []);
  console.log(`${looked} pages looked at by axe: no violation, no complaint of the browser`);
} catch (error) {
  for (const [number, context] of browser.contexts().entries()) {
    for (const page of context.pages()) {
      console.error(`--- ${page.url()}\n${(await page.innerText("body").catch(() => "")).slice(0, 4000)}`);
      if (process.env.SHOT) await page.screenshot({ path: `${process.env.SHOT}-${number}.png` }).catch(() => null);
    }
  }
  console.error(complaints.join("\n"));
  console.error(world.said.split("\n").slice(-20).join("\n"));
  throw error;
} finally {
  await browser.close();
  await world.stop();
}
