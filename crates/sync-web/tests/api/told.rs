//! Approval, checks, audits, webhooks, deals, repetitions and deeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use sync_core::{
    budget::Class,
    documents::{Attachment, Document, DocumentQuestion, ErpPurchaseOrder, Unmatched},
    guard::Wave,
    handover::{Cause, Question, Subject},
    hold::HoldReason,
    hooks::{Check, HookEntity, HookEvent},
    ids::{DealId, OrgId, PartyId, PurchaseOrderId, SubscriptionId},
    pair::Pair,
    policy::Policy,
    poll::{Again, ErpCursor},
};
use sync_engine::{
    Planner, Reads,
    audit::{AUDIT, AuditState, Audited, Difference},
    streams::{CrmCursor, CrmStream, ErpStream, Stream},
    subscriptions::{HookState, STATE, digest},
};
use sync_store::{
    Decided, DecisionKey, DocumentId, Errand, HookRow, PageQuestion, SettledDocument, StagedKind, StagedRow,
};
use sync_web::{
    Parts,
    fit::{FitFinding, Severity},
    setup::{Look, Looks},
};

use crate::{
    Api, all,
    nobody::Nobody,
    support::{TOKEN, World, at},
};

fn staged(id: i64, body: String, malformed: Option<&str>) -> StagedRow {
    StagedRow {
        id,
        party: None,
        parent: None,
        stamp: at(1),
        hash: id.to_string(),
        body,
        malformed: malformed.map(str::to_owned),
    }
}

#[tokio::test]
async fn what_the_mass_guard_holds_is_approved_all_of_it_some_or_none() {
    let world = World::new().await;
    let api = Api::of(&world, world.parts().0).await;
    let mut tx = world.store.write(&world.fence).await.unwrap();
    let many = HoldReason::MassChange { wave: Wave::Creates, limit: 5, minutes: 60 };
    for party in 1..=4 {
        tx.open_hold(PartyId(party), &many, at(0)).await.unwrap();
    }
    tx.open_hold(PartyId(9), &HoldReason::PartyMissing, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let path = "connections/acme/plan/approve";
    let none = api.post(path, &json!({ "approve": "none" })).await;
    assert_eq!(none, (200, json!({ "approved": [], "not_held": [], "left": 4 })));
    let some = json!({ "approve": "some", "parties": [2, 9, 77] });
    assert_eq!(api.ask("viewer", path, Some(&some)).await.0, 403);
    let some = api.ask("approver", path, Some(&some)).await;
    assert_eq!(some, (200, json!({ "approved": [2], "not_held": [9, 77], "left": 3 })));
    for body in [
        json!({ "approve": "some" }),
        json!({ "approve": "all", "parties": [1] }),
        json!({ "approve": "everything" }),
        json!({ "approve": "some", "parties": vec![1; 1_001] }),
    ] {
        assert_eq!(api.post(path, &body).await.0, 400, "{body}");
    }
    let rest = api.post(path, &json!({ "approve": "all" })).await;
    assert_eq!(rest, (200, json!({ "approved": [1, 3, 4], "not_held": [], "left": 0 })));
    let mut tx = world.store.read(world.connection).await.unwrap();
    assert!(tx.open_hold_of(PartyId(9)).await.unwrap().is_some(), "nobody asked the guard about it");
    assert!(tx.answers(&[PartyId(2)]).await.unwrap()[&PartyId(2)].lets_pass(at(60)));
    // Who did it is told to admins, a page after the other.
    assert_eq!(api.ask("approver", "deeds", None).await.0, 403);
    let deeds = api.told("deeds?limit=3").await;
    assert_eq!(all(&deeds, "about"), ["party 4", "party 3", "party 1"]);
    let before = api.told(&format!("deeds?cursor={}", deeds["next_cursor"].as_str().unwrap())).await;
    assert_eq!(all(&before, "who"), ["token approver"]);
    assert_eq!(all(&before, "connection"), ["acme"]);
    assert!(before["next_cursor"].is_null());
    assert_eq!(api.get("deeds?cursor=last").await.0, 400);
}

#[tokio::test]
async fn both_systems_are_tested_and_the_findings_are_told() {
    let world = World::new().await;
    let (looks, mut asked) = Looks::new();
    let api = Api::of(&world, Parts { looks: Arc::clone(&looks), ..world.parts().0 }).await;
    let path = "connections/acme/check";
    let before = api.told(path).await;
    assert!(before["checked_at"].is_null() && before["good"].is_null(), "{before}");
    assert_eq!(api.ask("viewer", path, Some(&json!({}))).await.0, 403);
    assert_eq!(api.post(path, &json!({ "deep": true })).await.0, 400);
    let (status, since) = api.ask("approver", path, Some(&json!({}))).await;
    assert_eq!((status, &since["since"]), (202, &json!("2026-01-01T00:00:00Z")));
    assert_eq!(asked.try_recv().ok(), Some(("acme".to_owned(), Look::Access)));
    assert_eq!(api.told(path).await["running_since"], "2026-01-01T00:00:00Z");
    let finding = |severity, remedy: Option<&str>| FitFinding {
        name: "fusion.scope".to_owned(),
        severity,
        seen: "no accounts".to_owned(),
        remedy: remedy.map(str::to_owned),
        place: Some("Security Console".to_owned()),
    };
    let missing = finding(Severity::Problem, Some("add the role"));
    looks.ended("acme", Ok(vec![finding(Severity::Ok, None), missing]), at(5));
    let found = api.ask("viewer", path, None).await.1;
    assert_eq!((&found["good"], &found["running_since"]), (&json!(false), &json!(null)));
    let told = &found["findings"][1];
    assert_eq!((&told["where"], &told["remedy"]), (&json!("Security Console"), &json!("add the role")));
    looks.ended("acme", Ok(vec![finding(Severity::Warning, None)]), at(6));
    assert_eq!(api.told(path).await["good"], true);
    drop(asked);
    assert_eq!(api.post(path, &json!({})).await.0, 409, "nobody looks");
    assert_eq!(api.get("connections/other/check").await.0, 404);
}

#[tokio::test]
async fn the_last_audit_is_told_and_what_differs_now() {
    let world = World::new().await;
    let path = "connections/acme/audit/customers";
    let api = Api::of(&world, world.parts().0).await;
    assert_eq!(api.told("connections/acme/audit").await, json!({ "last": null, "under_way": null }));
    assert_eq!(api.get(path).await.0, 409, "another process knows its rules");
    let policy = Policy::of(BTreeSet::new(), SignedDuration::ZERO, SignedDuration::ZERO);
    let planner = Planner {
        store: world.store.clone(),
        connection: world.connection,
        policy,
        crm: Arc::new(Nobody),
        clock: Arc::new(world.clock.clone()),
        reads: Reads::Nothing,
    };
    let planners = BTreeMap::from([("acme".to_owned(), planner)]);
    let api = Api { router: sync_web::router(Parts { planners, ..world.parts().0 }) };
    assert_eq!(api.get(path).await.0, 409, "not everything was read");

    let mut tx = world.store.write(&world.fence).await.unwrap();
    let erp = ErpStream { cursor: ErpCursor::Idle { watermark: at(0) }, ..ErpStream::default() };
    for stream in [Stream::Accounts, Stream::Parties] {
        tx.put_cursor(stream.name(), &erp, at(1)).await.unwrap();
    }
    let crm = CrmStream { cursor: CrmCursor::Idle { watermark: at(0) }, ..CrmStream::default() };
    tx.put_cursor(Stream::Orgs.name(), &crm, at(1)).await.unwrap();
    // More than one page of those that nobody works on.
    let rows: Vec<StagedRow> = (1..=250).map(|id| staged(id, "{}".to_owned(), Some("no name"))).collect();
    tx.stage(StagedKind::Party, &rows, at(2), 1).await.unwrap();
    let pair = |party, org| Pair {
        party: PartyId(party),
        org: OrgId(org),
        erp_mirror: BTreeMap::new(),
        crm_mirror: BTreeMap::new(),
        written: BTreeMap::new(),
    };
    let pairs: Vec<Pair> = (1..=250).map(|party| pair(party, 1_000 + party)).collect();
    tx.put_pairs(&pairs, at(2)).await.unwrap();
    tx.enqueue(&[PartyId(1)], Class::Edit, at(3), "poll").await.unwrap();
    tx.open_hold(PartyId(2), &HoldReason::Malformed { reason: "no name".to_owned() }, at(3)).await.unwrap();
    let example = Difference { party: PartyId(3), org: None, what: "create its organization".to_owned() };
    let last = Audited {
        began_at: at(4),
        ended_at: Some(at(9)),
        as_of: Some(at(2)),
        customers: 10,
        equal: 8,
        working: 1,
        held: 0,
        found: 1,
        examples: vec![example],
    };
    tx.put_cursor(AUDIT, &AuditState { last: Some(last), now: None }, at(9)).await.unwrap();
    tx.commit().await.unwrap();

    let told = api.ask("viewer", "connections/acme/audit", None).await.1;
    assert_eq!((&told["last"]["equal"], &told["last"]["customers"]), (&json!(8), &json!(10)));
    assert_eq!(told["last"]["as_of"], "2026-01-01T00:00:02Z");
    assert_eq!(told["last"]["examples"][0]["what"], "create its organization");
    let (mut cursor, mut seen, mut compared) = (String::new(), Vec::new(), Vec::new());
    loop {
        let page = api.told(&format!("{path}?limit=120{cursor}")).await;
        seen.extend(page["items"].as_array().unwrap().clone());
        compared.push(page["compared"].as_u64().unwrap());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let parties: Vec<i64> = seen.iter().map(|one| one["party"].as_i64().unwrap()).collect();
    assert_eq!((compared, parties), (vec![120, 120, 10], (1..=250).collect()), "each once");
    let standings: Vec<_> = seen[..3].iter().map(|one| one["standing"].as_str().unwrap()).collect();
    assert_eq!(standings, ["working", "held", "found"]);
    assert_eq!((&seen[1]["organization"], &seen[2]["organization"]), (&json!(1_002), &json!(1_003)));
    assert!(seen[1]["what"].is_null(), "the question tells it");
    assert!(seen[2]["what"].as_str().unwrap().contains("no name"), "{}", seen[2]);
    assert_eq!(api.get(&format!("{path}?limit=0")).await.0, 400);
}

#[tokio::test]
async fn where_webhooks_come_in_is_told_to_admins_alone() {
    let world = World::new().await;
    let api = Api::of(&world, world.parts().0).await;
    let path = "connections/acme/webhooks";
    let address = "https://sync.example.com/hooks/acme/path";
    let mut tx = world.store.write(&world.fence).await.unwrap();
    let state = HookState { stands: true, proven: true, announced: 12, missed: 3, ..HookState::default() };
    tx.put_cursor(STATE, &state, at(10)).await.unwrap();
    tx.put_subscription(SubscriptionId(5), HookEntity::Deal, &digest("elsewhere"), at(1)).await.unwrap();
    tx.put_subscription(SubscriptionId(6), HookEntity::Organization, &digest(address), at(2)).await.unwrap();
    tx.commit().await.unwrap();
    let event = |key: &str| HookEvent {
        subscription: Some(SubscriptionId(6)),
        key: key.to_owned(),
        entity: HookEntity::Organization,
        record: 17,
        action: "change".to_owned(),
        at: None,
        urgent: true,
        merged: None,
    };
    for (key, second) in [("a", 20), ("b", 21)] {
        let row = HookRow { event: event(key), vouched: vec![Check::Basic], body: "{}".to_owned() };
        world.store.put_hooks(world.connection, &[row], at(second)).await.unwrap();
    }
    let told = api.told(&format!("{path}?limit=1")).await;
    assert_eq!((&told["address"], &told["taken_in"]), (&json!(address), &json!(true)));
    assert_eq!((&told["state"]["healthy"], &told["state"]["missed"]), (&json!(true), &json!(3)));
    let events = told["events"].as_array().unwrap();
    assert_eq!((events.len(), &events[0]["event"], &events[0]["id"]), (1, &json!("b"), &json!(17)));
    let [one, other] = &told["subscriptions"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!(
        (&one["id"], &one["secret"], &one["record"]),
        (&json!(6), &json!("current"), &json!("organization"))
    );
    assert_eq!(one["first_event_at"], "2026-01-01T00:00:20Z");
    assert_eq!(other["secret"], "unknown");
    for token in ["viewer", "approver"] {
        let (status, told) = api.ask(token, path, None).await;
        assert_eq!((status, &told["address"], &told["taken_in"]), (200, &json!(null), &json!(true)));
        assert!(!told.to_string().contains("sync.example.com"), "{told}");
        assert_eq!(told["events"].as_array().unwrap().len(), 2);
    }
    assert_eq!(api.get(&format!("{path}?limit=201")).await.0, 400);
}

#[tokio::test]
async fn deals_to_work_through_come_in_pages() {
    let world = World::new().await;
    let api = Api::of(&world, world.parts().0).await;
    let path = "connections/acme/deals";
    let deal = |id: i64, status: &str| {
        json!({
            "id": id, "title": format!("Deal {id}"), "status": status, "value": null, "org": 5, "person": null,
            "owner": null, "pipeline": null, "stage": null, "won_at": "2026-01-01T00:00:00Z", "added_at": null,
            "expected_close": null, "archived": false, "updated_at": "2026-01-01T00:00:00Z", "custom": {}
        })
        .to_string()
    };
    let mut tx = world.store.write(&world.fence).await.unwrap();
    // More open ones than are read at a time stand between two won ones.
    let rows: Vec<StagedRow> = (1..=700)
        .map(|id| staged(id, deal(id, if [1, 600, 700].contains(&id) { "won" } else { "open" }), None))
        .collect();
    tx.stage(StagedKind::Deal, &rows, at(2), 1).await.unwrap();
    let question = DocumentQuestion::examples().remove(1);
    let question =
        PageQuestion { key: question.key().to_owned(), body: serde_json::to_string(&question).unwrap() };
    tx.enqueue_deal_pages(&[DealId(7), DealId(8)], Class::Document, at(2), "test").await.unwrap();
    tx.put_page_question(DealId(8), Some(&question), at(3)).await.unwrap();
    tx.put_page_question(DealId(7), Some(&question), at(4)).await.unwrap();
    tx.commit().await.unwrap();

    let first = api.told(&format!("{path}?which=without_documents&limit=2")).await;
    assert_eq!(all(&first, "deal"), [1, 600]);
    assert_eq!(all(&first, "title"), ["Deal 1", "Deal 600"]);
    let next = first["next_cursor"].as_str().unwrap();
    let second = api.ask("viewer", &format!("{path}?which=without_documents&cursor={next}"), None).await.1;
    assert_eq!((all(&second, "deal"), &second["next_cursor"]), (vec![&json!(700)], &json!(null)));

    let first = api.told(&format!("{path}?which=asked&limit=1")).await;
    assert_eq!(all(&first, "deal"), [8], "the oldest question first");
    assert!(first["items"][0]["question"].as_str().unwrap().len() > 10, "{first}");
    let asked = first["next_cursor"].as_str().unwrap();
    let second = api.told(&format!("{path}?which=asked&cursor={asked}")).await;
    assert_eq!((all(&second, "deal"), &second["next_cursor"]), (vec![&json!(7)], &json!(null)));

    for query in [
        String::new(),
        "?which=all".to_owned(),
        format!("?which=asked&cursor={next}"),
        format!("?which=without_documents&cursor={asked}"),
        "?which=asked&cursor=-".to_owned(),
    ] {
        assert_eq!(api.get(&format!("{path}{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn a_resync_is_wished_for() {
    let world = World::new().await;
    let api = Api::of(&world, world.parts().0).await;
    let path = "connections/acme/resync";
    let since = json!({ "since": "2025-11-01T08:00:00Z" });
    assert_eq!(api.ask("viewer", path, Some(&since)).await.0, 403);
    let (status, wished) = api.ask("approver", path, Some(&since)).await;
    assert_eq!(status, 202, "{wished}");
    let wish = api.told(&format!("connections/acme/wishes/{}", wished["wish"])).await;
    assert_eq!((&wish["asked_by"], &wish["begun"]), (&json!("token approver"), &json!(false)));
    assert_eq!(api.post(path, &json!({ "everything": true })).await.0, 202);
    let mut tx = world.store.read(world.connection).await.unwrap();
    let errands = tx.open_errands().await.unwrap().into_iter().map(|(_, errand)| errand);
    let since = "2025-11-01T08:00:00Z".parse().unwrap();
    assert_eq!(errands.collect::<Vec<_>>(), [Errand::Again(Again::From(since)), Errand::Again(Again::All)]);
    for body in [
        json!({}),
        json!({ "everything": false }),
        json!({ "since": "2025-11-01T08:00:00Z", "everything": true }),
        json!({ "since": "2027-01-01T00:00:00Z" }),
        json!({ "since": "yesterday" }),
    ] {
        assert_eq!(api.post(path, &body).await.0, 400, "{body}");
    }
    assert_eq!(api.ask(TOKEN, "connections/other/resync", Some(&json!({ "everything": true }))).await.0, 404);
}

/// All pages of a list, one record a page: a field of each record.
async fn walked(api: &Api, path: &str, field: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = api.told(&format!("{path}{joint}limit=1{cursor}")).await;
        found.extend(all(&page, field).into_iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
    panic!("{path} has no end: {found:?}");
}

#[tokio::test]
async fn handovers_documents_and_runs_are_walked_page_by_page() {
    let world = World::new().await;
    let api = Api::of(&world, world.parts().0).await;
    let mut tx = world.store.write(&world.fence).await.unwrap();
    let subjects = [OrgId(7), OrgId(8), OrgId(9), OrgId(10)].map(Subject::Org);
    tx.enqueue_handovers(&subjects, Class::Urgent, at(2), "test").await.unwrap();
    for (subject, second) in [(subjects[1], 3), (subjects[0], 4)] {
        let question = Question::DataMissing { cause: Cause::Asked, what: vec!["country".to_owned()] };
        tx.put_question(subject, Some(&question), at(second)).await.unwrap();
    }
    for job in tx.claim_handovers(at(9), Class::Backfill, 10).await.unwrap() {
        if subjects[2..].contains(&job.subject) {
            tx.settle_handover(&job, Some(at(99)), 1, Some("refused"), at(9)).await.unwrap();
        }
    }
    let documents = [1, 2, 3, 4].map(|id| DocumentId { kind: StagedKind::Invoice, id });
    tx.enqueue_documents(&documents, Class::Document, at(2), "test").await.unwrap();
    for job in tx.claim_documents(at(9), Class::Backfill, 10).await.unwrap() {
        let key = if job.id.id < 3 { DecisionKey::Unmatched } else { DecisionKey::Customer };
        let unmatched = Attachment::Unmatched { because: Unmatched::NamesNone };
        let body = serde_json::to_string(&unmatched).unwrap();
        let decided = Some(Decided { key, deal: None, body, open: true });
        let done = SettledDocument { job, decided, due: None, attempts: 0, error: None };
        tx.settle_documents(&[done], at(9)).await.unwrap();
    }
    for kind in ["sync", "run", "wish"] {
        tx.begin_run(kind, at(1)).await.unwrap();
    }
    tx.commit().await.unwrap();

    let base = "connections/acme";
    assert_eq!(
        walked(&api, &format!("{base}/handovers"), "id").await,
        [8, 7, 9, 10],
        "questions, then failures"
    );
    let all = ["invoice:1", "invoice:2", "invoice:3", "invoice:4"];
    assert_eq!(walked(&api, &format!("{base}/documents"), "document").await, all);
    assert_eq!(walked(&api, &format!("{base}/documents?decision=customer"), "document").await, all[2..]);
    assert_eq!(walked(&api, &format!("{base}/runs"), "kind").await, ["wish", "run", "sync"]);
    for wrong in [
        "documents?decision=customer&cursor=unmatched:invoice:1",
        "documents?cursor=x",
        "handovers?cursor=asked",
    ] {
        assert_eq!(api.get(&format!("{base}/{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn an_answer_about_a_document_is_made_a_rule_and_taken_back() {
    let world = World::new().await;
    let api = Api::of(&world, world.parts().0).await;
    let document = Document::from(&ErpPurchaseOrder {
        id: PurchaseOrderId(7),
        number: "PO-7".to_owned(),
        supplier: Some(PartyId(300)),
        status: None,
        total: None,
        currency: None,
        description: Some("for <b>Frame</b> 9".to_owned()),
        reference: None,
        sales_order: None,
        segments: BTreeMap::new(),
        updated_at: at(1),
    });
    let row = StagedRow {
        id: 7,
        party: Some(300),
        parent: None,
        stamp: at(1),
        hash: "1".to_owned(),
        body: serde_json::to_string(&document).unwrap(),
        malformed: None,
    };
    let mut tx = world.store.write(&world.fence).await.unwrap();
    tx.stage(StagedKind::PurchaseOrder, &[row], at(1), 1).await.unwrap();
    let id = DocumentId { kind: StagedKind::PurchaseOrder, id: 7 };
    tx.enqueue_documents(&[id], Class::Document, at(2), "test").await.unwrap();
    tx.commit().await.unwrap();
    let path = "connections/acme/documents/purchase_order:7";
    let told = api.told(path).await;
    assert_eq!(all(&json!({ "items": told["likenesses"] }), "always"), ["Description", "party"]);
    let assign = format!("{path}/assign");
    for wrong in [
        json!({ "to": "deal", "deal": 81, "always": "PurchaseOrder" }),
        json!({ "to": "none", "always": "party" }),
        json!({ "to": "as_decided", "always": "party" }),
    ] {
        assert_eq!(api.post(&assign, &wrong).await.0, 400, "{wrong}");
    }
    let rules = "connections/acme/document-rules";
    assert_eq!(api.get(rules).await.1, json!([]), "nothing of it was taken down");
    let always = json!({ "to": "deal", "deal": 81, "always": "Description" });
    assert_eq!(api.ask("viewer", &assign, Some(&always)).await.0, 403);
    assert_eq!(api.ask("approver", &assign, Some(&always)).await.0, 200);
    let told = api.get(rules).await.1;
    assert_eq!(
        (&told[0]["id"], &told[0]["deal"], &told[0]["made_by"]),
        (&json!(1), &json!(81), &json!("token approver"))
    );
    assert_eq!(told[0]["means"], "Description is \"for <b>Frame</b> 9\"");
    assert_eq!(api.post(&format!("{rules}/2/remove"), &json!({})).await.0, 404);
    assert_eq!(api.post(&format!("{rules}/1/remove"), &json!({})).await.0, 200);
    assert_eq!(api.get(rules).await.1, json!([]));
}
