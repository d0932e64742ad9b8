// An admin changes what is mapped: it is tried while it is typed, shown as the writes that it would bring, saved, and written.
import assert from "node:assert/strict";
import { press } from "./connect.mjs";

export async function remap(world, page, { step, look, go, until, organizations, party }) {
  step("a field of one's own is tried on a customer while it is typed");
  await go("/c/acme/mapping");
  await look(page);
  await page.fill("#mc", `${party.PartyNumber}`);
  await page.waitForSelector("#tried td:has-text('Renamed by finance AG')");
  await page.check("input[name=more][value=currency]");
  await page.waitForSelector("#tried th:text-is('Currency')");
  await page.fill("#i0", "kind");
  await page.fill("#n0", "Number told");
  await page.fill("#e0", "PartyNumber ~ | upper");
  await page.waitForSelector("#tried .error");
  await page.fill("#e0", 'PartyNumber ~ "!"');
  await page.waitForSelector(`#tried td:text-is('${party.PartyNumber}!')`);
  assert.equal(await page.inputValue("#n0"), "Number told", "what was typed stays");
  await look(page, "mapping-editor");

  step("what it would write is told before it is saved; then it is written");
  await page.selectOption("select[name='owner.phone']", "ask");
  await press(page, "button[value=plan]");
  await page.waitForSelector("h2:text-is('What would be written')");
  assert.match(await page.textContent("#tried .asks"), /Not read yet: .*Number told/);
  await look(page);
  await press(page, "button[value=save]");
  await page.waitForSelector("text=Saved. Both sides are read again");
  assert.equal(await page.inputValue("#e0"), 'PartyNumber ~ "!"');
  await until("the CRM shows it", async () => JSON.stringify(await organizations()).includes(`"${party.PartyNumber}!"`));
  await page.fill("#e0", 'PartyNumber ~ "?"');
  await press(page, "button[value=plan]");
  await page.waitForSelector("#tried .tag:text-is('update')");
  const row = page.locator("#tried tr", { has: page.locator("ins", { hasText: "?" }) }).first();
  assert.match(await row.textContent(), /!.*\?/, "old and new are shown");
  assert.match(await page.textContent("#tried"), /[1-9]\d* tokens/);
  await go("/c/acme/setup");
  assert.ok(await page.locator("ins:has-text('Number told')").count(), "a version tells what changed");
}
