//! Every call gets every answer: none panics, asks for ever, or tells what nobody can read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use pipedrive::{DealCodes, Fielded, Pipedrive, PipedriveAuth, PipedriveConfig};
use serde_json::{Value, json};
use sync_core::{
    budget::{Class, Plan},
    documents::{FieldWrite, RollUpField, RollUpValue},
    error::{CallError, Effect, ErrorKind},
    fields::{Field, FieldTable, Values},
    handover::{ActivityChange, ActivityWords, AnswerField, AnsweredOn, Interest, NewActivity},
    hooks::HookEntity,
    ids::{ActivityId, DealId, NoteId, OrgId, PartyId, RelationId, SubscriptionId},
    ports::{Called, Crm, CrmAnswers, CrmDeals, CrmDocuments, Permit},
    value,
};

use crate::{
    answers::{SECRET, Scene, stubborn, told, wait},
    harness::{Target, hash},
    support::*,
};

const ANSWERS: Target<'_> = Target {
    name: "answers",
    home: env!("CARGO_MANIFEST_DIR"),
    inputs: 350,
    words: &[
        "orgs_walk",
        "deals_won",
        "notes_of",
        "relations_of",
        "prepare",
        "currencies",
        "subscribe",
        "create_org",
        "orgs_by_origin",
        "success",
        "data",
        "additional_data",
        "next_cursor",
        "next_start",
        "more_items_in_collection",
        "pagination",
        "custom_fields",
        "false",
        "id",
        "org_id",
        "owner_id",
        "label_ids",
        "value",
        "currency",
        "decimal_points",
        "update_time",
        "is_deleted",
        "retry-after: 86400",
        "x-daily-ratelimit-token-remaining: 0",
        "x-ratelimit-limit: 4294967295",
        "x-ratelimit-reset: 4294967295",
        "x-correlation-id: ",
        "200",
        "201",
        "400",
        "401",
        "403",
        "404",
        "410",
        "429",
        "500",
        "503",
        SECRET,
        PASSWORD,
        "p\\u0061ssw0rd-fedcba9876543210",
        "Unknown key",
        "daily",
        "field_code",
        "field_name",
        "field_type",
        "options",
        "2026-01-02 03:04:05",
        "USD",
    ],
};

const CALLS: &[&str] = &[
    "prepare",
    "survey",
    "whoami",
    "orgs_walk",
    "orgs_changed",
    "orgs_by_id",
    "many_orgs_by_id",
    "orgs_by_origin",
    "create_org",
    "update_org",
    "relate",
    "unrelate",
    "relations_of",
    "subscriptions",
    "subscribe",
    "unsubscribe",
    "deals_won",
    "deals_changed",
    "deals_by_id",
    "deals_of",
    "company",
    "directory",
    "ready_to_answer",
    "answer_on_deal",
    "answer_on_org",
    "create_activity",
    "find_activity",
    "change_activity",
    "deals_open",
    "currencies",
    "ready_to_show",
    "show_fields",
    "create_note",
    "update_note",
    "delete_note",
    "note",
    "notes_of",
    "users",
    "stages",
    "custom_fields",
    "first_organizations",
];

/// Calls that ask about fields and get the answer for that.
const OF_FIELDS: [&str; 5] = ["prepare", "survey", "custom_fields", "ready_to_answer", "ready_to_show"];

fn config() -> PipedriveConfig {
    PipedriveConfig {
        hook_login: Some(("pipedrive".to_owned(), PASSWORD.into())),
        fields: FieldTable::default().custom(),
        labels: vec!["ERP".to_owned()],
        asked: Interest {
            fields: vec!["Region".to_owned()],
            labels: true,
            on_deal: BTreeSet::from(AnswerField::ALL),
            on_org: BTreeSet::from([AnswerField::Status]),
            rolled: BTreeSet::from([
                RollUpField::InvoicedTotal,
                RollUpField::InvoiceCount,
                RollUpField::OldestUnpaidDue,
            ]),
        },
        base_url: "https://acme.pipedrive.com".to_owned(),
        auth: PipedriveAuth::ApiToken(SECRET.into()),
        plan: Plan::Lite,
        seats: 5,
        burst: None,
        search_burst: None,
        timeout: Duration::from_secs(30),
        owner_id: Some(11),
        visible_to: Some(3),
    }
}

/// Code of the custom field of this name: its bytes in hex, padded.
fn code(name: &str) -> String {
    let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex:0<40}")[..40].to_owned()
}

fn field(name: &str, kind: &str) -> Value {
    json!({ "field_name": name, "field_code": code(name), "field_type": kind, "is_custom_field": true })
}

/// The fields that a good company has.
fn fields() -> Value {
    let mapped = FieldTable::default().custom();
    let mut rows: Vec<Value> =
        mapped.iter().map(|own| field(&own.name, pipedrive::type_name(own.kind))).collect();
    rows.extend(AnswerField::ALL.map(|answer| field(answer.label(), "varchar")));
    for rolled in [RollUpField::InvoicedTotal, RollUpField::InvoiceCount, RollUpField::OldestUnpaidDue] {
        rows.push(field(rolled.label(), pipedrive::type_name(rolled.kind())));
    }
    rows.push(json!({ "field_name": "Labels", "field_code": "label_ids", "field_type": "set", "is_custom_field": false,
        "options": [{ "id": 1, "label": "ERP" }, { "id": 2, "label": "VIP" }] }));
    json!({ "success": true, "data": rows, "additional_data": { "next_cursor": null } })
}

fn crm(scene: &Scene) -> Pipedrive {
    let given = OF_FIELDS.contains(&scene.call.as_str());
    let good = fields();
    let transport = stubborn(scene, move |sent| {
        (!given && sent.method == "GET" && sent.path().ends_with("Fields")).then(|| ok(good.clone()))
    });
    let (clock, sleeper) = clock();
    let (ledger, vault) = (Ledger::of(1_000_000), Arc::new(Vault::default()));
    Pipedrive::new(config(), transport, Arc::new(clock), sleeper, ledger, vault).unwrap()
}

async fn permit(crm: &Pipedrive) -> Called<Permit> {
    Ok(crm.permits(Class::Edit, 5, 1).await?.pop().unwrap())
}

/// Makes a call; what it gives is not looked at, except that nothing is given that was not asked for.
async fn make(crm: &Pipedrive, call: &str) -> Called<()> {
    let (class, cursor) = (Class::Edit, None);
    let (org, deal, note) = (OrgId(7), DealId(42), NoteId(3));
    let from = at("2026-01-02T03:04:05.678Z");
    let words = || ActivityWords { subject: "To do".to_owned(), note: "<p>mlc:1</p>".to_owned() };
    if !OF_FIELDS.contains(&call) {
        crm.prepare().await?;
    }
    match call {
        "prepare" => crm.prepare().await,
        "survey" => crm.survey().await.map(drop),
        "whoami" => crm.whoami().await.map(drop),
        "orgs_walk" => {
            crm.orgs_walk(cursor, class).await.map(|page| assert_eq!(page.more, page.next.is_some()))
        }
        "orgs_changed" => crm.orgs_changed(from, cursor, class).await.map(drop),
        "orgs_by_id" => crm.orgs_by_id(&[org], class).await.map(drop),
        "many_orgs_by_id" => {
            let ids: Vec<OrgId> = (1..=12).map(OrgId).collect();
            crm.orgs_by_id(&ids, class).await.map(drop)
        }
        "orgs_by_origin" => crm.orgs_by_origin(PartyId(300_000_200_000_001), class).await.map(drop),
        "create_org" => {
            let values = Values::from_iter([(Field::Name, value::Value::Text("Acme".to_owned()))]);
            crm.create_org(permit(crm).await?, &values).await.map(drop)
        }
        "update_org" => {
            let changes =
                [(Field::Name, Some(value::Value::Text("Acme".to_owned()))), (Field::ErpCustomerId, None)];
            crm.update_org(permit(crm).await?, org, &changes).await.map(drop)
        }
        "relate" => {
            crm.relate(permit(crm).await?, org, OrgId(8)).await.map(|made| assert_eq!(made.parent, org))
        }
        "unrelate" => crm.unrelate(permit(crm).await?, RelationId(1)).await,
        "relations_of" => crm.relations_of(org, class).await.map(|found| {
            assert!(found.iter().all(|relation| relation.parent == org || relation.daughter == org));
        }),
        "subscriptions" => crm.subscriptions(class).await.map(drop),
        "subscribe" => crm
            .subscribe(class, HookEntity::Deal, "https://here.example/hooks/a/b", "ml-connector")
            .await
            .map(drop),
        "unsubscribe" => crm.unsubscribe(class, SubscriptionId(1)).await,
        "deals_won" => CrmDeals::deals_won(crm, cursor, class).await.map(drop),
        "deals_changed" => CrmDeals::deals_changed(crm, from, cursor, class).await.map(drop),
        "deals_by_id" => CrmDeals::deals_by_id(crm, &[deal], class).await.map(drop),
        "deals_of" => crm.deals_of(org, &DealCodes::default(), cursor, class).await.map(drop),
        "company" => CrmDeals::company(crm).await.map(drop),
        "directory" => CrmDeals::directory(crm, class).await.map(drop),
        "ready_to_answer" => crm.ready_to_answer(AnsweredOn::Deals, class).await.map(drop),
        "answer_on_deal" => {
            crm.ready_to_answer(AnsweredOn::Deals, class).await?;
            let changes = BTreeMap::from([
                (AnswerField::Status, Some("created".to_owned())),
                (AnswerField::Link, None),
            ]);
            crm.answer_on_deal(permit(crm).await?, deal, &changes).await.map(drop)
        }
        "answer_on_org" => {
            crm.ready_to_answer(AnsweredOn::Orgs, class).await?;
            crm.answer_on_org(permit(crm).await?, org, &BTreeMap::from([(AnswerField::Status, None)])).await
        }
        "create_activity" => {
            let due = jiff::civil::date(2026, 11, 24);
            let activity = NewActivity { deal, org: Some(org), owner: Some(11), due, words: words() };
            crm.create_activity(permit(crm).await?, &activity).await.map(drop)
        }
        "find_activity" => crm.find_activity(deal, "mlc:1", class).await.map(drop),
        "change_activity" => {
            crm.change_activity(permit(crm).await?, ActivityId(9), &ActivityChange::Words(words())).await
        }
        "deals_open" => CrmDocuments::deals_open(crm, cursor, class).await.map(drop),
        "currencies" => CrmDocuments::currencies(crm, class).await.map(drop),
        "ready_to_show" => crm.ready_to_show(class).await,
        "show_fields" => {
            crm.ready_to_show(class).await?;
            let write = FieldWrite {
                field: RollUpField::InvoiceCount,
                value: Some(RollUpValue::Count(3)),
                reason: "test",
            };
            crm.show_fields(permit(crm).await?, deal, &[write]).await.map(drop)
        }
        "create_note" => {
            CrmDocuments::create_note(crm, permit(crm).await?, deal, "<p>x</p>").await.map(|note| {
                assert_eq!(note.deal, Some(deal));
            })
        }
        "update_note" => CrmDocuments::update_note(crm, permit(crm).await?, note, "<p>x</p>").await.map(drop),
        "delete_note" => CrmDocuments::delete_note(crm, permit(crm).await?, note).await,
        "note" => CrmDocuments::note(crm, note, class).await.map(drop),
        "notes_of" => CrmDocuments::notes_of(crm, deal, class).await.map(drop),
        "users" => crm.users(class).await.map(drop),
        "stages" => crm.stages(class).await.map(drop),
        "custom_fields" => crm.custom_fields(Fielded::Organizations).await.map(drop),
        "first_organizations" => crm.first_organizations().await.map(drop),
        other => panic!("no call is named {other}"),
    }
}

/// What deliveries are to show.
const PASSWORD: &str = "passw0rd-fedcba9876543210";

type Ended = Result<(), (ErrorKind, Effect)>;

fn ended(scene: &Scene) -> Ended {
    let outcome = wait(make(&crm(scene), &scene.call));
    outcome.map_err(|error| {
        told(&error, SECRET, scene);
        if scene.call == "subscribe" {
            told(&error, PASSWORD, scene);
        }
        let CallError { kind, effect, .. } = error;
        (kind, effect)
    })
}

fn answer(scene: &Scene) {
    let outcome = ended(scene);
    if let Some(marked) = scene.marked() {
        assert_eq!(ended(&marked), outcome, "the mark of UTF-8 before an answer says nothing");
    }
}

#[test]
fn fuzz_answers() {
    ANSWERS.run(|input| {
        let mut scene = Scene::parse(input);
        if !CALLS.contains(&scene.call.as_str()) {
            let some = hash(scene.call.as_bytes()) % u64::try_from(CALLS.len()).unwrap();
            scene = scene.to(CALLS[usize::try_from(some).unwrap()]);
        }
        answer(&scene);
    });
}

/// What is always refused is never read to its end.
#[test]
fn fuzz_begins_with_good_ones_too() {
    let corpus = ANSWERS.corpus();
    let good = corpus.values().filter(|input| ended(&Scene::parse(input)).is_ok()).count();
    assert!(good * 5 >= corpus.len(), "{good} of {}", corpus.len());
}

#[test]
fn fuzz_every_call_with_every_answer() {
    for (name, input) in ANSWERS.corpus() {
        let scene = Scene::parse(&input);
        for call in CALLS {
            println!("{call} of {name}");
            drop(ended(&scene.to(call)));
        }
    }
}
