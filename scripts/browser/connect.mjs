// An admin connects both systems, sees what would happen, and switches the connection on: nothing of it stands in a file.
import assert from "node:assert/strict";

// Presses a button or a link that leads to a page, and waits for that page.
export async function press(page, selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: "load" }), page.click(selector)]);
}

const oracle = "section[aria-labelledby=s1]";
const pipedrive = "section[aria-labelledby=s2]";

export async function connect(world, page, { step, look, go }) {
  step("a connection is made; each system is tested as soon as it is described");
  await press(page, "text=New connection");
  await look(page);
  await page.fill("#name", "acme");
  await press(page, "button.main");
  const erp = `http://127.0.0.1:${world.erp}`;
  const crm = `http://127.0.0.1:${world.crm}`;
  await page.fill("#o1", "http://127.0.0.1:9");
  await page.fill("#o2", `${erp}/oauth2/v1/token`);
  await page.fill("#o3", "connector");
  await page.fill("#o4", "secret");
  await page.fill("#o5", "urn:opc:resource:fa:instanceid=1urn:opc:resource:consumer::all");
  await press(page, "button[value=oracle]");
  await page.waitForSelector("#live .bad");
  await look(page);
  await page.fill("#o1", erp);
  await press(page, "button[value=oracle]");
  await page.waitForSelector("#live:not(:has(.bad)) .ok");
  assert.equal(await page.inputValue("#o4"), "", "a secret is not shown again");

  step("access to Pipedrive by real redirects");
  await page.click(`${pipedrive} summary:has-text("By an app")`);
  await page.fill("#a1", crm);
  await page.fill("#a2", "app");
  await page.fill("#a3", "app secret");
  await page.selectOption("#ap", "ultimate");
  await page.fill("#as", "50");
  await page.click(`${pipedrive} summary:has-text("Addresses of the consent")`);
  await page.fill("#a6", `${crm}/oauth/authorize`);
  await page.fill("#a7", `${crm}/oauth/token`);
  await page.fill("#a8", `${crm}/oauth/revoke`);
  await press(page, "button[value=app]");
  await page.waitForSelector("#live:has-text('pipedrive.credentials')");
  await press(page, "button[value=consent]");
  await look(page);
  await press(page, "text=Give access in Pipedrive");
  await page.waitForSelector("text=acme is connected");
  await press(page, "text=To the connection in the console");
  await press(page, "button[value=test]");
  await page.waitForSelector("#live:not(:has([role=status])):not(:has(.bad))");
  await page.reload();
  assert.equal(await page.locator("h2 .tag.ok").count(), 2, "both work");
  await look(page, "setup", true);

  step("settings as text: what is wrong is told with its place, what is right becomes a version");
  const text = await page.inputValue("#x1");
  assert.ok(!/"(app )?secret"/.test(text) && text.includes("kept"), text);
  await page.fill("#x1", `${text}\n[connection.sync]\npoll_every = "soon"\n`);
  await press(page, "button[value=text]");
  assert.match(await page.textContent("[role=alert]"), /poll_every|duration/);
  await page.fill("#x1", `${text}\n${world.settings()}`);
  await press(page, "button[value=text]");
  await page.waitForSelector("text=Changed.");
  assert.ok(await page.locator("ins:has-text('connection.customers_from_crm')").count());

  step("a mapping is tried on a customer before it is saved");
  const { parties } = await world.atErp("_sim/truth");
  const tried = await page.inputValue("#x1");
  await page.fill("#x1", `${tried}\n[connection.fields]\nmore = ["currency"]\n`);
  await page.fill("#x2", `${parties[0].PartyNumber}`);
  await press(page, "button[value=try]");
  await page.waitForSelector(`#tried td:has-text("${parties[0].OrganizationName}")`);
  assert.ok(await page.locator("#tried th:has-text('urrency')").count(), "a field that is only tried");
  await look(page);

  step("the fit report; a deal is won before the connection is switched on");
  const bygone = { value: "1 Old Road, Springfield", locality: "Springfield", postal_code: "62701", country: "US", admin_area_level_1: "IL" };
  const org_id = await world.enter("organizations", { name: "Bygone Mills Ltd", address: bygone });
  await world.enter("deals", { title: "Won long ago", org_id, value: 50, currency: "USD", status: "won" });
  await press(page, "nav >> text=Fit");
  await look(page);
  await press(page, "button.main");
  await page.waitForSelector("text=What a sync would do now", { timeout: 60000 });
  assert.match(await page.textContent("main"), /It fits/);
  await look(page, "fit");
  const organizations = async () => (await world.at(world.crm, "api/v2/organizations?limit=500")).data;
  assert.equal((await organizations()).length, 1, "nothing is written");

  step("it is switched on");
  await press(page, "nav >> text=Setup");
  await page.fill("#n1", "6");
  await press(page, "button[value=on]");
  await page.waitForSelector("text=It is on.");
  await go("/");
  await page.waitForSelector("text=In sync");
}
