// Pipedrive's own client drives the simulator through every operation that our client uses; what it gets back must
// make sense to it. usage: node drive.mjs http://127.0.0.1:7002
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const v1 = require('pipedrive/v1');
const v2 = require('pipedrive/v2');

const [base] = process.argv.slice(2);
assert(base, 'the address of the simulator is missing');
const apiKey = '0123456789012345678901234567890123456789';
const two = new v2.Configuration({ apiKey, basePath: `${base}/api/v2` });
const one = new v1.Configuration({ apiKey, basePath: `${base}/v1` });
const organizations = new v2.OrganizationsApi(two);
const fields = new v2.OrganizationFieldsApi(two);
const search = new v2.ItemSearchApi(two);
const users = new v1.UsersApi(one);
let steps = 0;

async function step(name, run) {
  const result = await run();
  steps += 1;
  console.log(`ok ${steps} ${name}`);
  return result;
}

// The client throws the body of a refusal.
async function refused(name, words, run) {
  await step(`${name} is refused`, async () => {
    const error = await run().then(() => null, (error) => error);
    assert(error, `${name} was accepted`);
    assert.equal(error.success, false);
    assert.match(error.error, words);
  });
}

await step('GET /v1/users/me', async () => {
  const me = await users.getCurrentUser();
  assert.equal(me.success, true);
  assert.equal(typeof me.data.id, 'number');
  assert.equal(typeof me.data.company_id, 'number');
});

const code = await step('POST organizationFields', async () => {
  const made = await fields.addOrganizationField({
    AddOrganizationFieldRequest: { field_name: 'ERP customer id', field_type: 'varchar' },
  });
  assert.match(made.data.field_code, /^[0-9a-f]{40}$/);
  return made.data.field_code;
});

await step('GET organizationFields finds it over all pages', async () => {
  const found = [];
  let cursor;
  do {
    const page = await fields.getOrganizationFields({ limit: 5, cursor });
    found.push(...page.data);
    cursor = page.additional_data?.next_cursor ?? undefined;
  } while (cursor);
  const field = found.find((field) => field.field_code === code);
  assert.equal(field.field_name, 'ERP customer id');
  assert.equal(field.field_type, 'varchar');
  assert.equal(field.is_custom_field, true);
  assert(found.length > 5, 'the fields that every company has are there, too');
});

const made = await step('POST organizations', async () => {
  const all = [];
  for (let number = 0; number < 7; number += 1) {
    const answer = await organizations.addOrganization({
      AddOrganizationRequest: {
        name: `Müller & Söhne ${number}`,
        address: { value: 'Hauptstr. 1, 10115 Berlin' },
        website: 'https://mueller.example',
        custom_fields: { [code]: `30000020000000${number}` },
      },
    });
    assert.equal(answer.success, true);
    assert.equal(answer.data.custom_fields[code], `30000020000000${number}`);
    assert.equal(answer.data.address.value, 'Hauptstr. 1, 10115 Berlin');
    all.push(answer.data);
  }
  return all;
});

await step('GET organizations walks by cursor without a gap', async () => {
  const seen = [];
  let cursor;
  do {
    const page = await organizations.getOrganizations({
      sort_by: 'id', sort_direction: 'asc', limit: 3, custom_fields: code, cursor,
    });
    seen.push(...page.data.map((organization) => organization.id));
    cursor = page.additional_data?.next_cursor ?? undefined;
  } while (cursor);
  const ids = made.map((organization) => organization.id);
  assert.deepEqual(seen.filter((id) => ids.includes(id)), ids);
  assert.deepEqual([...seen].sort((a, b) => a - b), seen);
});

await step('GET organizations by ids', async () => {
  const page = await organizations.getOrganizations({ ids: `${made[1].id},${made[3].id},999999` });
  assert.deepEqual(page.data.map((organization) => organization.id).sort(), [made[1].id, made[3].id].sort());
});

await step('PATCH organizations changes what is sent and leaves the rest', async () => {
  const answer = await organizations.updateOrganization({
    id: made[0].id,
    UpdateOrganizationRequest: { name: 'Müller Group', custom_fields: { [code]: null } },
  });
  assert.equal(answer.data.name, 'Müller Group');
  assert.equal(answer.data.custom_fields[code], null);
  assert.equal(answer.data.website, 'https://mueller.example');
});

await step('GET organizations changed since', async () => {
  const since = made[0].update_time;
  const page = await organizations.getOrganizations({
    updated_since: since, sort_by: 'update_time', sort_direction: 'asc', limit: 500,
  });
  assert(page.data.some((organization) => organization.id === made[0].id), 'updated_since is inclusive');
});

await step('GET itemSearch/field finds it once the index has it', async () => {
  for (let tries = 0; tries < 40; tries += 1) {
    const found = await search.searchItemByField({
      term: '300000200000003', entity_type: 'organization', field: code, match: 'exact', limit: 100,
    });
    const ids = found.data.map((hit) => hit.id ?? hit.item?.id);
    if (ids.length > 0) {
      assert.deepEqual(ids, [made[3].id]);
      return;
    }
    await fetch(`${base}/_sim/clock`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"advance_seconds": 1}',
    });
  }
  assert.fail('the search index never has it');
});

await step('GET organizations/{id}', async () => {
  const answer = await organizations.getOrganization({ id: made[2].id });
  assert.equal(answer.data.name, 'Müller & Söhne 2');
});

await step('DELETE organizations/{id}, after which lists leave it out', async () => {
  const answer = await organizations.deleteOrganization({ id: made[2].id });
  assert.equal(answer.data.id, made[2].id);
  const page = await organizations.getOrganizations({ ids: String(made[2].id) });
  assert.deepEqual(page.data, []);
});

await refused('an unknown custom field', /Unknown key/, () =>
  organizations.addOrganization({ AddOrganizationRequest: { name: 'X', custom_fields: { ['0'.repeat(40)]: 'x' } } }));
await refused('a fractional second', /updated_since/, () =>
  organizations.getOrganizations({ updated_since: '2026-01-01T00:00:00.5Z' }));
await refused('a name that is no text', /name/, () =>
  organizations.addOrganization({ AddOrganizationRequest: { name: 7 } }));

console.log(`${steps} steps: Pipedrive's own client is content with the simulator`);
