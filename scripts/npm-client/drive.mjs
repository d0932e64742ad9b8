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
const relationships = new v1.OrganizationRelationshipsApi(one);
const notes = new v1.NotesApi(one);
const webhooks = new v1.WebhooksApi(one);
const currencies = new v1.CurrenciesApi(one);
const organizationsOne = new v1.OrganizationsApi(one);
const deals = new v2.DealsApi(two);
const dealFields = new v2.DealFieldsApi(two);
const pipelines = new v2.PipelinesApi(two);
const stages = new v2.StagesApi(two);
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

await step('organizationRelationships: made, listed from both sides, deleted', async () => {
  const [parent, daughter] = [made[0].id, made[1].id];
  const relation = await relationships.addOrganizationRelationship({
    AddOrganizationRelationshipRequest: {
      type: 'parent', rel_owner_org_id: parent, rel_linked_org_id: daughter, org_id: parent,
    },
  });
  assert.equal(relation.success, true);
  for (const org_id of [parent, daughter]) {
    const list = await relationships.getOrganizationRelationships({ org_id });
    assert.deepEqual(list.data.map((one) => one.id), [relation.data.id]);
  }
  const gone = await relationships.deleteOrganizationRelationship({ id: relation.data.id });
  assert.equal(gone.data.id, relation.data.id);
});

const field = await step('POST dealFields', async () => {
  const answer = await dealFields.addDealField({
    AddDealFieldRequest: { field_name: 'ERP open balance', field_type: 'monetary' },
  });
  const list = await dealFields.getDealFields({ limit: 500 });
  assert(list.data.some((known) => known.field_code === answer.data.field_code));
  return answer.data.field_code;
});

const deal = await step('deals: made, changed, won, found by organization, status, time and id', async () => {
  const answer = await deals.addDeal({
    AddDealRequest: { title: 'Big one', org_id: made[0].id, value: 1200.5, currency: 'EUR' },
  });
  assert.equal(answer.data.status, 'open');
  assert.equal(answer.data.won_time, null);
  const id = answer.data.id;
  const changed = await deals.updateDeal({
    id, UpdateDealRequest: { status: 'won', custom_fields: { [field]: { value: 99.95, currency: 'EUR' } } },
  });
  assert.equal(changed.data.status, 'won');
  assert.deepEqual(changed.data.custom_fields[field], { value: 99.95, currency: 'EUR' });
  for (const query of [
    { org_id: made[0].id }, { status: 'won' }, { ids: String(id) },
    { status: 'won', updated_since: changed.data.update_time, sort_by: 'update_time', sort_direction: 'asc' },
  ]) {
    const page = await deals.getDeals({ limit: 500, custom_fields: field, ...query });
    assert.deepEqual(page.data.map((one) => one.id), [id], JSON.stringify(query));
  }
  const one = await deals.getDeal({ id });
  assert.equal(one.data.title, 'Big one');
  return id;
});

await step('pipelines, stages, currencies and users', async () => {
  const all = await pipelines.getPipelines();
  const steps = await stages.getStages({ pipeline_id: all.data[0].id });
  assert(steps.data.length > 0);
  const money = await currencies.getCurrencies();
  assert.equal(money.data.find((one) => one.code === 'JPY').decimal_points, 0);
  const people = await users.getUsers();
  assert(people.data.some((person) => person.is_you));
});

await step('notes: made on a deal, changed, listed, deleted', async () => {
  const answer = await notes.addNote({ AddNoteRequest: { content: '<p>Invoice <b>1</b></p>', deal_id: deal } });
  const id = answer.data.id;
  const changed = await notes.updateNote({ id, NoteRequest: { content: '<p>Invoice <b>2</b></p>' } });
  assert.match(changed.data.content, /2/);
  const list = await notes.getNotes({ deal_id: deal });
  assert.deepEqual(list.data.map((note) => note.id), [id]);
  assert.equal(list.additional_data.pagination.more_items_in_collection, false);
  await notes.deleteNote({ id });
  const gone = await notes.getNote({ id });
  assert.equal(gone.data.active_flag, false);
});

await step('webhooks: made, listed, deleted', async () => {
  const answer = await webhooks.addWebhook({
    AddWebhookRequest: {
      subscription_url: 'https://sync.example.com/hooks', event_action: '*', event_object: 'organization',
      name: 'drive', version: '2.0', http_auth_user: 'u', http_auth_password: 'p',
    },
  });
  const list = await webhooks.getWebhooks();
  assert(list.data.some((hook) => hook.id === answer.data.id));
  await webhooks.deleteWebhook({ id: answer.data.id });
  const rest = await webhooks.getWebhooks();
  assert(!rest.data.some((hook) => hook.id === answer.data.id));
});

await step('the changelog of an organization', async () => {
  const log = await organizationsOne.getOrganizationChangelog({ id: made[0].id });
  assert(log.data.some((change) => change.field_key === 'name' && change.new_value === 'Müller Group'));
});

await step('OAuth: a code becomes tokens, and they open the door', async () => {
  const app = new v2.OAuth2Configuration({
    clientId: 'app', clientSecret: 'secret', redirectUri: 'https://sync.example.com/callback', host: base,
  });
  const answer = await fetch(app.authorizationUrl.replace('https://oauth.pipedrive.com', base), { redirect: 'manual' });
  const code = new URL(answer.headers.get('location')).searchParams.get('code');
  const token = await app.authorize(code);
  assert.equal(token.api_domain, base);
  const page = await new v2.OrganizationsApi(app).getOrganizations({ limit: 1 });
  assert.equal(page.data.length, 1);
});

await refused('an unknown custom field', /Unknown key/, () =>
  organizations.addOrganization({ AddOrganizationRequest: { name: 'X', custom_fields: { ['0'.repeat(40)]: 'x' } } }));
await refused('a fractional second', /updated_since/, () =>
  organizations.getOrganizations({ updated_since: '2026-01-01T00:00:00.5Z' }));
await refused('a name that is no text', /name/, () =>
  organizations.addOrganization({ AddOrganizationRequest: { name: 7 } }));

console.log(`${steps} steps: Pipedrive's own client is content with the simulator`);
