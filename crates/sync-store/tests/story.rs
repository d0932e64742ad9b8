//! All store code in one readable story, on both databases. It is long on purpose: each part goes on from what the ones before it
//! left behind.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    answers::{Answer, Answers},
    budget::{Class, DailyBudget},
    fields::{Field, Values},
    hierarchy::{Made, MadeRelation},
    hold::HoldReason,
    hooks::{Check, HookEntity, HookEvent},
    ids::{ConnectionId, OrgId, PartyId, RelationId},
    pair::Pair,
    plan::{Plan, Rule, Step},
    poll::Again,
    ports::{Spend, TokenVault},
    value::Value,
};
use sync_store::{
    Answered, AttemptEnd, Company, CompanyEnd, Counts, Errand, Fence, HookRow, HookedRecord, IntentEnd,
    JournalEntry, Ledger, MasterKey, NewAttempt, NewIntent, Outcome, Reschedule, StagedKind, StagedRow,
    Store, StoreError, Tx, Vault, WishCost, WishEnd, unguessable,
};

mod support;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

fn row(id: i64, party: Option<i64>, stamp: Timestamp, hash: &str) -> StagedRow {
    StagedRow { id, party, parent: None, stamp, hash: hash.into(), body: "{}".into(), malformed: None }
}

fn name(text: &str) -> Values {
    Values::from([(Field::Name, Value::Text(text.into()))])
}

async fn story(store: Store) {
    assert!(matches!(store.connections().await, Err(StoreError::NotMigrated)));
    assert_eq!(store.migrate().await.unwrap().len(), 22);
    assert_eq!(store.migrate().await.unwrap(), [], "twice is once");
    let connection = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    assert_eq!(store.ensure_connection("acme", "{}", at(1)).await.unwrap(), connection);
    let other = store.ensure_connection("other", "{}", at(0)).await.unwrap();
    assert_ne!(connection, other);

    let fence = store.lease_take(connection, "one", None).await.unwrap().unwrap();
    assert_eq!(store.lease_take(connection, "two", None).await.unwrap(), None, "it is taken");

    staging(&store, &fence).await;
    queueing(&store, &fence).await;
    writing(&store, &fence).await;
    spending(&store, &fence).await;
    relating(&store, &fence).await;
    sealing(&store, &fence).await;
    connecting(&store, &fence, other).await;
    wishing(&store, &fence, other).await;
    hooking(&store, &fence).await;
    terms(&store, &fence).await;
    taking_over(&store, fence).await;
}

/// What was committed is there for the next process.
async fn reopened(opened: support::Opened) {
    opened.store.close().await;
    let store = Store::open(&opened.url, sync_store::StoreOptions::default()).await.unwrap();
    assert_eq!(store.migrate().await.unwrap(), []);
    let connection = store.connections().await.unwrap()[0].id;
    let mut tx = store.read(connection).await.unwrap();
    assert_eq!(tx.journal(Some(PartyId(1)), None, 10).await.unwrap().len(), 2);
    assert_eq!(tx.cursor::<Vec<i64>>("erp.party").await.unwrap(), Some(vec![1, 2, 3]));
}

async fn staging(store: &Store, fence: &Fence) {
    let mut tx = store.write(fence).await.unwrap();
    let rows: Vec<StagedRow> = (1..=200).map(|id| row(id, None, at(10), "a")).collect();
    assert_eq!(tx.stage(StagedKind::Party, &rows, at(20), 1).await.unwrap().len(), 200);
    assert_eq!(tx.stage(StagedKind::Party, &rows, at(21), 1).await.unwrap(), [], "seen again, nothing new");
    let older = tx.stage(StagedKind::Party, &[row(1, None, at(9), "old")], at(22), 1).await.unwrap();
    assert_eq!(older, [], "an older page never overwrites a newer row");
    assert_eq!(tx.staged(StagedKind::Party, &[1]).await.unwrap()[&1].row.hash, "a");
    tx.stage(StagedKind::Account, &[row(9, Some(3), at(10), "x")], at(20), 1).await.unwrap();
    let fixed = tx.stage(StagedKind::Account, &[row(9, Some(3), at(8), "fixed")], at(22), 2).await.unwrap();
    assert_eq!(fixed.len(), 1, "but a sweep of the ERP is the last word");
    let newer = tx.stage(StagedKind::Party, &[row(1, None, at(11), "b")], at(23), 2).await.unwrap();
    assert_eq!(newer.len(), 1);
    tx.stage(StagedKind::Account, &[row(7, Some(1), at(10), "x")], at(20), 1).await.unwrap();
    let moved = tx.stage(StagedKind::Account, &[row(7, Some(2), at(11), "x")], at(21), 1).await.unwrap();
    assert_eq!((moved[0].party, moved[0].was_party, moved[0].tied), (Some(2), Some(1), false));
    let tied = tx.stage(StagedKind::Org, &[row(5, None, at(10), "new")], at(20), 1).await.unwrap();
    assert!(!tied[0].tied, "there was nothing to be tied with");
    let tied = tx.stage(StagedKind::Org, &[row(5, None, at(10), "old")], at(21), 1).await.unwrap();
    assert!(tied[0].tied, "one stamp, two contents");
    tx.read_earlier(StagedKind::Org, &[5], at(15)).await.unwrap();
    assert_eq!(tx.staged(StagedKind::Org, &[5]).await.unwrap()[&5].read_at, at(15));
    assert_eq!(tx.sweep_unseen(StagedKind::Party, 2).await.unwrap(), (200, 199));
    assert_eq!(tx.sweep_finish(StagedKind::Party, 2).await.unwrap(), [], "missing once is no loss");
    assert_eq!(tx.sweep_finish(StagedKind::Party, 3).await.unwrap().len(), 199, "missing twice is");
    let back = tx.stage(StagedKind::Party, &[row(2, None, at(10), "a")], at(30), 4).await.unwrap();
    assert_eq!(back.len(), 1, "a record that is back is a change");
    tx.put_cursor("erp.party", &vec![1, 2, 3], at(30)).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.write(fence).await.unwrap();
    tx.put_cursor("erp.party", &vec![9], at(31)).await.unwrap();
    drop(tx);
    let mut tx = store.read(fence.connection).await.unwrap();
    assert_eq!(
        tx.cursor::<Vec<i64>>("erp.party").await.unwrap(),
        Some(vec![1, 2, 3]),
        "dropped is rolled back"
    );

    let before = store.statements();
    let parties: Vec<i64> = (1..=200).collect();
    let ids: Vec<PartyId> = parties.iter().copied().map(PartyId).collect();
    tx.staged(StagedKind::Party, &parties).await.unwrap();
    tx.staged_of_parties(StagedKind::Account, &parties).await.unwrap();
    tx.staged_of_parties(StagedKind::Org, &parties).await.unwrap();
    tx.pairs_by_party(&ids).await.unwrap();
    tx.holds(&ids).await.unwrap();
    assert!(store.statements() - before <= 10, "200 situations are loaded in a handful of statements");
}

async fn relating(store: &Store, fence: &Fence) {
    let mut tx = store.write(fence).await.unwrap();
    let (daughter, parent, supplier) = (PartyId(501), PartyId(502), PartyId(503));
    let relation =
        |id, parent: PartyId| StagedRow { parent: Some(parent.0), ..row(id, Some(daughter.0), at(10), "a") };
    let rows = [relation(1, parent), relation(2, supplier)];
    assert_eq!(tx.stage(StagedKind::Relation, &rows, at(20), 1).await.unwrap().len(), 2);
    let staged = tx.staged_of_parties(StagedKind::Relation, &[daughter.0]).await.unwrap();
    assert_eq!(staged.iter().map(|r| r.row.parent).collect::<Vec<_>>(), [Some(502), Some(503)]);
    let pair = |party, org| Pair {
        party,
        org: OrgId(org),
        erp_mirror: Values::new(),
        crm_mirror: Values::new(),
        written: BTreeMap::new(),
    };
    assert_eq!(tx.relatives(&[parent]).await.unwrap(), [], "its daughter has no organization");
    tx.put_pairs(&[pair(daughter, 9501)], at(30)).await.unwrap();
    assert_eq!(tx.relatives(&[parent]).await.unwrap(), [daughter], "the parent came later");
    tx.put_pairs(&[pair(parent, 9502)], at(30)).await.unwrap();
    assert_eq!(tx.relatives(&[daughter]).await.unwrap(), [daughter]);
    tx.sweep_finish(StagedKind::Relation, 2).await.unwrap();
    assert_eq!(tx.sweep_finish(StagedKind::Relation, 3).await.unwrap().len(), 2, "missing twice");
    assert_eq!(tx.relatives(&[daughter]).await.unwrap(), []);

    let made = |parent, state| MadeRelation {
        parent,
        daughter_org: OrgId(9501),
        parent_org: OrgId(9502),
        state,
        times: 1,
    };
    let states = [Made::Stands(RelationId(7)), Made::Removed, Made::ByHand, Made::Unsure];
    for state in states {
        let relations = [(daughter, made(parent, state)), (daughter, made(supplier, Made::Unsure))];
        tx.put_relations(&relations, at(31)).await.unwrap();
        let known = tx.relations(&[daughter, parent]).await.unwrap();
        assert_eq!(known, BTreeMap::from([(daughter, relations.map(|(_, made)| made).to_vec())]));
    }
    tx.delete_relations(&[(daughter, supplier), (daughter, daughter)]).await.unwrap();
    assert_eq!(tx.relations(&[daughter]).await.unwrap()[&daughter].len(), 1);
    let circle = HoldReason::RelationCycle { parties: vec![daughter, parent] };
    tx.open_hold(daughter, &circle, at(32)).await.unwrap();
    assert_eq!(tx.held_parties(circle.key()).await.unwrap(), [daughter]);
    tx.close_holds(&[daughter], at(33)).await.unwrap();
    assert_eq!(tx.held_parties(circle.key()).await.unwrap(), []);
    drop(tx);
}

async fn queueing(store: &Store, fence: &Fence) {
    let mut tx = store.write(fence).await.unwrap();
    tx.enqueue(&[PartyId(1), PartyId(2), PartyId(1)], Class::Backfill, at(50), "poll").await.unwrap();
    tx.enqueue(&[PartyId(2)], Class::Urgent, at(60), "person").await.unwrap();
    assert_eq!(tx.claim(at(49), Class::Backfill, 10).await.unwrap(), []);
    let jobs = tx.claim(at(50), Class::Backfill, 10).await.unwrap();
    let told: Vec<_> = jobs.iter().map(|job| (job.party.0, job.class, job.generation)).collect();
    assert_eq!(told, [(2, Class::Urgent, 2), (1, Class::Backfill, 1)], "coalesced, the urgent one first");
    tx.finish(&[(PartyId(2), 1)]).await.unwrap();
    assert_eq!(
        tx.claim(at(50), Class::Backfill, 10).await.unwrap().len(),
        2,
        "somebody asked again meanwhile"
    );
    tx.finish(&[(PartyId(2), 2)]).await.unwrap();
    let later =
        Reschedule { party: PartyId(1), generation: 1, due: at(90), attempts: 5, error: Some("503".into()) };
    tx.reschedule(&[later]).await.unwrap();
    assert_eq!(tx.next_due(Class::Backfill).await.unwrap(), Some(at(90)));
    assert_eq!(tx.queue_by_attempts(5).await.unwrap(), (0, 1));
    let waiting = tx.queued_or_held("refused", None, 10).await.unwrap();
    assert_eq!(waiting.len(), 1, "what is not due yet is in the queue too");
    assert_eq!(tx.jobs(&[PartyId(1), PartyId(2)]).await.unwrap(), waiting);
    assert_eq!(tx.queued_or_held("refused", Some(PartyId(1)), 10).await.unwrap(), []);
    tx.commit().await.unwrap();
}

async fn writing(store: &Store, fence: &Fence) {
    let mut tx = store.write(fence).await.unwrap();
    let run = tx.begin_run("sync", at(100)).await.unwrap();
    let step = Step::Create { values: name("Acme") };
    let plan = Plan {
        party: PartyId(1),
        steps: vec![step.clone()],
        reason: "new".into(),
        rule: Rule::CustomerWithoutOrganization,
        class: Class::NewCustomer,
        then_hold: None,
    };
    let plans = tx.put_plans(run, std::slice::from_ref(&plan), at(100)).await.unwrap();
    let intent = NewIntent {
        party: PartyId(1),
        plan: plans[0],
        step: step.clone(),
        before: Values::new(),
        before_stamp: None,
        reason: "new".into(),
        rule: "customer_without_organization".into(),
        class: Class::NewCustomer,
        origin: "poll".into(),
    };
    let ids = tx.open_intents(run, std::slice::from_ref(&intent), at(100)).await.unwrap();
    tx.doubt_intents(&[(ids[0], at(200))]).await.unwrap();
    let open = tx.intents().await.unwrap();
    assert_eq!((open.len(), open[0].step.clone(), open[0].settled_at), (1, step, Some(at(200))));
    assert_eq!(tx.create_intents().await.unwrap(), BTreeMap::from([(PartyId(1), 1)]));
    tx.close_intents(&[(ids[0], IntentEnd::Done)], at(101)).await.unwrap();
    assert_eq!(tx.intents().await.unwrap(), []);
    assert_eq!(tx.plans(PartyId(1), 10).await.unwrap()[0].plan, plan);

    let pair = Pair {
        party: PartyId(1),
        org: OrgId(11),
        erp_mirror: name("Acme"),
        crm_mirror: name("Acme"),
        written: BTreeMap::new(),
    };
    tx.put_pairs(std::slice::from_ref(&pair), at(101)).await.unwrap();
    assert_eq!(tx.pairs_by_party(&[PartyId(1)]).await.unwrap()[&PartyId(1)], pair);
    assert_eq!(
        tx.pairs_by_org(&[OrgId(11), OrgId(12)]).await.unwrap(),
        BTreeMap::from([(OrgId(11), PartyId(1))])
    );
    let entry = JournalEntry {
        intent: ids[0],
        run,
        at: at(101),
        op: "create".into(),
        party: PartyId(1),
        org: Some(OrgId(11)),
        before: Values::new(),
        after: name("Acme"),
        reason: "new".into(),
        rule: "customer_without_organization".into(),
        origin: "poll".into(),
        tokens: 5,
        detail: None,
    };
    tx.append_journal(&[entry.clone(), entry.clone()]).await.unwrap();
    let journal = tx.journal(Some(PartyId(1)), None, 10).await.unwrap();
    assert_eq!((journal.len(), &journal[0].entry), (2, &entry));
    assert_eq!(tx.journal(None, Some(journal[0].id), 10).await.unwrap().len(), 1);
    let handed = JournalEntry { party: PartyId(77), rule: "customers_from_crm".into(), ..entry.clone() };
    let other = JournalEntry { org: Some(OrgId(10)), ..handed.clone() };
    tx.append_journal(&[handed.clone(), handed, other]).await.unwrap();
    assert_eq!(tx.orgs_handed_over(PartyId(77)).await.unwrap(), [OrgId(10), OrgId(11)]);
    assert_eq!(tx.orgs_handed_over(PartyId(1)).await.unwrap(), [], "what the other flow wrote is none");

    let gone = HoldReason::OrganizationGone { org: OrgId(11) };
    tx.open_hold(PartyId(1), &gone, at(102)).await.unwrap();
    tx.open_hold(PartyId(1), &gone, at(103)).await.unwrap();
    let holds = tx.list_holds(None, None, 10).await.unwrap();
    assert_eq!((holds.len(), holds[0].opened_at), (1, at(102)), "the same question is asked once");
    tx.open_hold(PartyId(1), &HoldReason::PartyMissing, at(104)).await.unwrap();
    assert_eq!(tx.holds(&[PartyId(1)]).await.unwrap()[&PartyId(1)], HoldReason::PartyMissing);
    let causes = tx.hold_causes().await.unwrap();
    assert_eq!((causes[0].reason.as_str(), causes[0].holds, causes[0].since), ("party_missing", 1, at(104)));
    assert_eq!(tx.list_holds(Some("party_missing"), None, 10).await.unwrap().len(), 1);
    assert_eq!(tx.list_holds(Some("organization_gone"), None, 10).await.unwrap(), []);
    tx.close_holds(&[PartyId(1)], at(105)).await.unwrap();
    assert_eq!(tx.holds(&[PartyId(1)]).await.unwrap(), BTreeMap::new());
    let closed = tx.closed_holds(PartyId(1), 10).await.unwrap();
    assert_eq!(closed.iter().map(|hold| hold.closed_at).collect::<Vec<_>>(), [at(105), at(104)]);
    assert!(closed.iter().all(|hold| hold.answered.is_none()), "reality solved them");

    for (party, outcome) in [
        (1, Outcome::Failed),
        (1, Outcome::Created),
        (1, Outcome::Unchanged),
        (2, Outcome::Updated),
        (2, Outcome::Unchanged),
        (3, Outcome::Held),
    ] {
        tx.put_outcomes(run, "customers", &[(PartyId(party), outcome)]).await.unwrap();
    }
    let counts = Counts { created: 1, updated: 1, unchanged: 0, held: 1, failed: 0 };
    assert_eq!(tx.outcomes(run, "customers").await.unwrap(), counts, "each key once, by its last outcome");
    tx.finish_run(run, "{}", at(110)).await.unwrap();
    assert_eq!(tx.runs(None, 1).await.unwrap()[0].finished_at, Some(at(110)));
    let newest = tx.runs(None, 1).await.unwrap()[0].id;
    assert!(tx.runs(Some(newest), 9).await.unwrap().iter().all(|run| run.id < newest), "a page before it");
    assert_eq!(tx.prune_runs(at(200)).await.unwrap(), 3);
    tx.commit().await.unwrap();

    people_answer(store, fence).await;
    let mut tx = store.write(fence).await.unwrap();
    let taken = Pair { party: PartyId(2), ..pair };
    assert!(tx.put_pairs(&[taken], at(120)).await.is_err(), "law 1 is a constraint of the database, too");
}

async fn people_answer(store: &Store, fence: &Fence) {
    let (connection, party) = (fence.connection, PartyId(5));
    let answer = |answer| store.answer_hold(connection, party, answer, "maria", at(131));
    assert_eq!(answer(&Answer::Retry).await.unwrap(), Answered::NotAsked);
    let mut tx = store.write(fence).await.unwrap();
    let merged = HoldReason::OrganizationMerged { org: OrgId(15), into: OrgId(11), of: PartyId(1) };
    tx.open_hold(party, &merged, at(130)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(answer(&Answer::UseErp).await.unwrap(), Answered::Refused(_)));
    assert_eq!(answer(&Answer::Alias).await.unwrap(), Answered::Taken);

    let mut tx = store.write(fence).await.unwrap();
    assert_eq!(tx.holds(&[party]).await.unwrap(), BTreeMap::new());
    assert_eq!(tx.answers(&[party]).await.unwrap()[&party].alias_of, Some(PartyId(1)));
    assert_eq!(tx.aliases_of(&[PartyId(1)]).await.unwrap(), [(party, PartyId(1))]);
    assert_eq!(tx.alias_targets(&[party]).await.unwrap(), BTreeMap::from([(party, PartyId(1))]));
    let closed = tx.closed_holds(party, 1).await.unwrap().remove(0);
    assert_eq!(closed.answered, Some((Answer::Alias, "maria".to_owned())));
    let jobs = tx.claim(at(131), Class::Urgent, 10).await.unwrap();
    let asked: Vec<(PartyId, &str)> = jobs.iter().map(|job| (job.party, job.origin.as_str())).collect();
    assert_eq!(asked, [(PartyId(1), "maria answered alias"), (party, "maria answered alias")]);
    let done: Vec<(PartyId, i64)> = jobs.iter().map(|job| (job.party, job.generation)).collect();
    tx.finish(&done).await.unwrap();
    tx.remember(party, &Answers::default(), "maria", at(132)).await.unwrap();
    assert_eq!(tx.aliases_of(&[PartyId(1)]).await.unwrap(), []);
    tx.delete_pairs(&[PartyId(77)]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn spending(store: &Store, fence: &Fence) {
    let budget = DailyBudget { tokens: 100, max_share: 1.0, reserve: 0.2 };
    let ledger = Ledger::new(store.clone(), fence.connection, budget);
    assert_eq!(ledger.reserve(Class::Backfill, 5, 20, at(0)).await.unwrap().granted, 16, "80 of 100 tokens");
    assert_eq!(ledger.reserve(Class::Backfill, 5, 1, at(1)).await.unwrap().granted, 0);
    assert_eq!(ledger.reserve(Class::Urgent, 5, 9, at(2)).await.unwrap().granted, 4, "the reserve");
    assert_eq!(ledger.spent_today(at(3)).await.unwrap(), 100);
    assert_eq!(ledger.last_spent(at(3)).await.unwrap(), Some(at(2)), "what was refused spent nothing");
    let tomorrow = at(86_400);
    assert_eq!(ledger.last_spent(tomorrow).await.unwrap(), Some(at(2)), "midnight ends no window");
    ledger.correct(40, tomorrow).await.unwrap();
    assert_eq!(ledger.reserve(Class::Urgent, 10, 9, tomorrow).await.unwrap().granted, 4, "others spent 60");
    let until = tomorrow + SignedDuration::from_hours(1);
    ledger.exhausted(until, tomorrow).await.unwrap();
    let refused = ledger.reserve(Class::Urgent, 0, 1, tomorrow).await.unwrap();
    assert_eq!((refused.granted, refused.retry_at), (0, until));
    by_the_hour(store, &ledger, fence).await;
    the_day_of_others(store, fence).await;
}

/// A day can be shown as it went, ours and others'.
async fn by_the_hour(store: &Store, ledger: &Ledger, fence: &Fence) {
    // It was taught that the day begins at one o'clock.
    let begin = at(86_400 * 2) + SignedDuration::from_hours(1);
    let hours = |hours: i64| begin + SignedDuration::from_hours(hours);
    ledger.correct(100, begin).await.unwrap();
    assert_eq!(ledger.reserve(Class::Edit, 5, 4, hours(1)).await.unwrap().granted, 4);
    assert_eq!(ledger.reserve(Class::Edit, 5, 2, hours(3)).await.unwrap().granted, 2);
    // More than the hour before the refund spent: it is given back where it was reserved.
    ledger.refund(Class::Edit, 5, 3, hours(4)).await.unwrap();
    ledger.refund(Class::Edit, 5, 1, hours(4)).await.unwrap();
    for (left, hour) in [(60, 2), (60, 3), (50, 4)] {
        ledger.correct(left, hours(hour)).await.unwrap();
    }
    let figures = store.figures(hours(5)).await.unwrap();
    let day = &figures.iter().find(|figures| figures.id == fence.connection).unwrap().day;
    assert_eq!((day.began_at, day.ends_at), (begin, hours(24)));
    assert_eq!((day.ours[&Class::Edit], day.others), ((10, 2), 40));
    let first = begin.as_second() / 3_600;
    let told: Vec<_> = day.hours.iter().map(|(hour, of)| (hour - first, of.ours, of.others)).collect();
    assert_eq!(told, [(1, 5, None), (2, 0, Some(30)), (3, 5, None), (4, 0, Some(40))]);
}

/// The CRM's day need not begin at midnight UTC: a daily refusal tells when it does, and so does a rise of what is left.
async fn the_day_of_others(store: &Store, fence: &Fence) {
    let hours = SignedDuration::from_hours;
    let budget = DailyBudget { tokens: 1_000, max_share: 0.5, reserve: 0.0 };
    let ledger = || Ledger::new(store.clone(), fence.connection, budget);
    let midnight = at(86_400 * 10);
    // Told at 03:00 that the budget is used up for another two hours: the day begins at 05:00.
    let first = ledger();
    first.exhausted(midnight + hours(5), midnight + hours(3)).await.unwrap();
    // Half of the budget is ours in their day; our midnight gives us no second half.
    let morning = midnight + hours(6);
    assert_eq!(ledger().reserve(Class::Edit, 10, 90, morning).await.unwrap().granted, 50);
    let night = midnight + hours(25);
    let refused = ledger().reserve(Class::Edit, 10, 1, night).await.unwrap();
    assert_eq!((refused.granted, refused.retry_at), (0, midnight + hours(29)));
    assert_eq!(ledger().spent_today(night).await.unwrap(), 500, "another process was taught, too");
    assert_eq!(ledger().reserve(Class::Edit, 10, 1, midnight + hours(29)).await.unwrap().granted, 1);
    // What is left rises between 09:50 and 10:05: the day begins at 10:00 now.
    let ten = midnight + hours(34);
    let second = ledger();
    second.correct(100, ten - SignedDuration::from_mins(10)).await.unwrap();
    second.correct(990, ten + SignedDuration::from_mins(5)).await.unwrap();
    let refused = second.reserve(Class::Edit, 10, 90, ten + hours(1)).await.unwrap();
    assert_eq!((refused.granted, refused.retry_at), (50, ten + hours(24)));
    // A rise that spans several hours teaches nothing, and neither does the midnight that is said for want of better.
    second.correct(100, ten + hours(2)).await.unwrap();
    second.correct(990, ten + hours(5)).await.unwrap();
    second.exhausted(midnight + hours(48), ten + hours(6)).await.unwrap();
    let retry_at = second.reserve(Class::Edit, 10, 90, midnight + hours(49)).await.unwrap().retry_at;
    assert_eq!(retry_at, ten + hours(24));
}

async fn sealing(store: &Store, fence: &Fence) {
    let key = MasterKey::generate();
    assert_eq!(format!("{key:?}"), "MasterKey(redacted)");
    let vault = Vault::new(store.clone(), fence.connection, key);
    assert_eq!(vault.load("refresh").await.unwrap(), None);
    vault.save("refresh", "first").await.unwrap();
    vault.save("refresh", "second").await.unwrap();
    assert_eq!(vault.load("refresh").await.unwrap().as_deref(), Some("second"));
    let wrong = Vault::new(store.clone(), fence.connection, MasterKey::generate());
    assert!(wrong.load("refresh").await.is_err(), "another master key opens nothing");
    let refused = Vault::absent().save("refresh", "x").await.unwrap_err();
    assert!(refused.to_string().contains("MLC_MASTER_KEY"));
    assert!(Vault::absent().is_usable().await.is_err() && wrong.is_usable().await.is_err());

    assert!(!vault.swap("refresh", Some("first"), "third").await.unwrap(), "somebody was faster");
    assert!(!vault.swap("refresh", None, "third").await.unwrap());
    assert!(vault.swap("refresh", Some("second"), "third").await.unwrap());
    assert!(vault.swap("other", None, "new").await.unwrap());
    assert_eq!(vault.load("refresh").await.unwrap().as_deref(), Some("third"));

    let sealed = vault.seal("connect_attempt", "one", "verifier").await.unwrap();
    assert!(!sealed.contains("verifier"));
    assert_eq!(vault.unseal("connect_attempt", "one", &sealed).await.unwrap(), "verifier");
    assert!(vault.unseal("connect_attempt", "two", &sealed).await.is_err(), "it is bound to its row");
    assert!(unguessable().len() == 64 && unguessable() != unguessable());
}

/// A person's consent: asked for, given once, in time; the company stays for ever.
async fn connecting(store: &Store, fence: &Fence, other: ConnectionId) {
    let connection = fence.connection;
    let attempt = |state_hash: &str| NewAttempt {
        state_hash: state_hash.into(),
        verifier: Some("sealed".into()),
        redirect_url: "https://sync.example.com/connect/acme".into(),
        company: Some(7),
        made_at: at(100),
        expires_at: at(700),
    };
    for hash in ["one", "two"] {
        store.put_attempt(connection, &attempt(hash)).await.unwrap();
    }
    assert_eq!(store.attempt_end(connection, "one").await.unwrap(), None);
    assert_eq!(store.take_attempt(other, "one", at(101)).await.unwrap(), None, "it is another's");
    assert_eq!(store.take_attempt(connection, "three", at(101)).await.unwrap(), None, "nobody's");
    let taken = store.take_attempt(connection, "one", at(101)).await.unwrap().unwrap();
    assert_eq!((taken.verifier.as_deref(), taken.company), (Some("sealed"), Some(7)));
    assert_eq!(store.take_attempt(connection, "one", at(102)).await.unwrap(), None, "once");
    assert_eq!(store.take_attempt(connection, "two", at(700)).await.unwrap(), None, "in time");
    let denied = AttemptEnd::Denied { said: "user_denied".into() };
    store.end_attempt(connection, "one", &denied, at(103)).await.unwrap();
    assert_eq!(store.attempt_end(connection, "one").await.unwrap(), Some(denied));

    let company = |id: i64, connected_at| Company {
        id,
        name: Some("Acme".into()),
        domain: None,
        user_id: 1,
        user_name: None,
        connected_at,
        ended: None,
    };
    assert_eq!(store.company(connection).await.unwrap(), None);
    assert!(store.remember_company(connection, &company(7, at(104))).await.unwrap());
    store.end_company(connection, CompanyEnd::Uninstalled, at(105)).await.unwrap();
    let ended = store.company(connection).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((at(105), CompanyEnd::Uninstalled)));
    assert!(!store.remember_company(connection, &company(8, at(106))).await.unwrap(), "never another one");
    assert!(store.remember_company(connection, &company(7, at(107))).await.unwrap());
    assert_eq!(store.company(connection).await.unwrap(), Some(company(7, at(107))), "it goes on");
    let month = SignedDuration::from_hours(24 * 31);
    let later = NewAttempt { made_at: at(100) + month, ..attempt("four") };
    store.put_attempt(connection, &later).await.unwrap();
    assert_eq!(store.attempt_end(connection, "one").await.unwrap(), None, "old ones are forgotten");
    assert!(store.has_pairs(connection).await.unwrap() && !store.has_pairs(other).await.unwrap());
}

/// Somebody beside the holder asks, the holder notices, works, reports; a wish outlives a dead holder's run.
async fn wishing(store: &Store, fence: &Fence, other: ConnectionId) {
    let id = store.wish(fence.connection, "process 7", at(200)).await.unwrap();
    let elsewhere = store.wish(other, "process 7", at(200)).await.unwrap();
    assert_eq!(store.asked_for().await.unwrap(), [fence.connection, other]);
    store.wish_withdraw(other, elsewhere).await.unwrap();
    assert_eq!(store.wish_look(other, elsewhere).await.unwrap(), None);

    let mut tx = store.write(fence).await.unwrap();
    let dead = tx.begin_run("wish", at(201)).await.unwrap();
    assert_eq!(tx.take_wishes(dead).await.unwrap(), 1);
    let run = tx.begin_run("wish", at(202)).await.unwrap();
    assert_eq!(tx.open_wishes().await.unwrap(), 1);
    assert_eq!(tx.take_wishes(run).await.unwrap(), 1, "taken over from the run that died");
    tx.commit().await.unwrap();
    assert_eq!(store.asked_for().await.unwrap(), [], "it was noticed");
    let row = store.wish_look(fence.connection, id).await.unwrap().unwrap();
    assert_eq!((row.run, row.ended), (Some(run), None));

    let mut tx = store.write(fence).await.unwrap();
    let cost = WishCost { crm_requests: 3, crm_tokens: 20, erp_requests: 2 };
    assert_eq!(tx.end_wishes(dead, (WishEnd::Done, ""), cost, at(203)).await.unwrap(), 0);
    assert_eq!(tx.end_wishes(run, (WishEnd::Budget, "tomorrow"), cost, at(203)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let errand = Errand::Customer("1006".to_owned());
    let named = store.wish_for(fence.connection, "process 8", &errand, at(204)).await.unwrap();
    let again = Errand::Again(Again::From(at(100)));
    let repeat = store.wish_for(fence.connection, "process 8", &again, at(204)).await.unwrap();
    let mut tx = store.write(fence).await.unwrap();
    assert_eq!(tx.open_errands().await.unwrap(), [(named, errand), (repeat, again)]);
    assert_eq!(tx.open_wishes().await.unwrap(), 1, "a customer is not everything");
    let (one, all) =
        (tx.begin_run("customer", at(205)).await.unwrap(), tx.begin_run("wish", at(205)).await.unwrap());
    assert_eq!(tx.take_wish(named, one).await.unwrap(), 1);
    assert_eq!(tx.take_wishes(all).await.unwrap(), 1);
    assert_eq!(tx.open_errands().await.unwrap().len(), 1, "a customer is asked for until it is told of");
    assert_eq!(tx.report_wish(one, "[]").await.unwrap(), 1);
    tx.end_wishes(one, (WishEnd::Done, ""), cost, at(206)).await.unwrap();
    tx.end_wishes(all, (WishEnd::Done, ""), cost, at(206)).await.unwrap();
    tx.commit().await.unwrap();
    let row = store.wish_look(fence.connection, named).await.unwrap().unwrap();
    assert_eq!(row.report.as_deref(), Some("[]"));

    store.wish_withdraw(fence.connection, id).await.unwrap();
    let row = store.wish_look(fence.connection, id).await.unwrap().expect("what has ended stays");
    assert_eq!((row.ended, row.cost), (Some((WishEnd::Budget, "tomorrow".to_owned())), cost));
}

/// Terms are due until they were read since their account changed, and again after a while; whatever stamps do.
async fn terms(store: &Store, fence: &Fence) {
    let row = |stamp, body: &str| StagedRow {
        id: 9_001,
        party: Some(9),
        parent: None,
        stamp: at(stamp),
        hash: body.to_owned(),
        body: body.to_owned(),
        malformed: None,
    };
    let mut tx = store.write(fence).await.unwrap();
    let due = async |tx: &mut Tx, before| {
        let due = tx.terms_due(at(before), i64::MIN, 1_000).await.unwrap();
        due.iter().filter(|record| record.row.id == 9_001).count()
    };
    tx.stage(StagedKind::Account, &[row(400, "account")], at(400), 1).await.unwrap();
    assert_eq!(due(&mut tx, 0).await, 1, "never read");
    tx.stage(StagedKind::Terms, &[row(400, "terms")], at(401), 0).await.unwrap();
    assert_eq!((due(&mut tx, 401).await, due(&mut tx, 402).await), (0, 1), "read long ago is due again");
    tx.stage(StagedKind::Account, &[row(410, "changed")], at(410), 1).await.unwrap();
    assert_eq!(due(&mut tx, 0).await, 1, "its account changed");
    tx.stage(StagedKind::Terms, &[row(410, "new")], at(411), 0).await.unwrap();
    // A sweep is the last word on accounts, also when a stamp went back: what is read then has the older stamp.
    tx.stage(StagedKind::Account, &[row(405, "back")], at(420), 2).await.unwrap();
    tx.stage(StagedKind::Terms, &[row(405, "newest")], at(421), 0).await.unwrap();
    assert_eq!(due(&mut tx, 421).await, 0, "or it would be asked for without an end");
    let staged = tx.staged(StagedKind::Terms, &[9_001]).await.unwrap();
    assert_eq!(staged[&9_001].row.body, "newest");
}

/// Events come twice, several for one record, and while the record is being read.
async fn hooking(store: &Store, fence: &Fence) {
    let event = |key: &str, record| HookRow {
        event: HookEvent {
            key: key.to_owned(),
            subscription: Some(sync_core::ids::SubscriptionId(7)),
            entity: HookEntity::Organization,
            record,
            action: "change".to_owned(),
            at: None,
            urgent: true,
            merged: None,
        },
        vouched: vec![Check::Basic, Check::Hmac],
        body: format!("{{\"key\":\"{key}\"}}"),
    };
    let connection = fence.connection;
    store.put_hooks(connection, &[], at(300)).await.unwrap();
    store.put_hooks(connection, &[event("a", 5), event("a", 5), event("b", 6)], at(300)).await.unwrap();
    store.put_hooks(connection, &[event("c", 5)], at(301)).await.unwrap();
    assert_eq!(store.asked_for().await.unwrap(), [connection]);
    let entity = HookEntity::Organization;
    let records = |hooked: &[HookedRecord]| hooked.iter().map(|record| record.id).collect::<Vec<_>>();

    let mut tx = store.write(fence).await.unwrap();
    assert!(tx.is_hooked(entity).await.unwrap());
    assert_eq!(
        records(&tx.take_hooked(entity, 1, at(302)).await.unwrap()),
        [5],
        "who waits longest comes first"
    );
    let hooked = tx.take_hooked(entity, 10, at(302)).await.unwrap();
    assert_eq!(records(&hooked), [5, 6]);
    tx.commit().await.unwrap();
    // By the clock of another process, which is behind.
    store.put_hooks(connection, &[event("d", 5), event("a", 5)], at(300)).await.unwrap();
    let mut tx = store.write(fence).await.unwrap();
    tx.hooks_done(entity, &hooked, at(303)).await.unwrap();
    let hooked = tx.take_hooked(entity, 10, at(304)).await.unwrap();
    assert_eq!(records(&hooked), [5], "what came meanwhile stays open");
    tx.hooks_done(entity, &hooked, at(304)).await.unwrap();
    assert!(!tx.is_hooked(entity).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(store.asked_for().await.unwrap(), []);

    store.put_hooks(connection, &[event("a", 5)], at(305)).await.unwrap();
    assert_eq!(store.asked_for().await.unwrap(), [], "the same event");
    store.put_hooks(connection, &[event("a", 7)], at(305 + 3_600)).await.unwrap();
    let mut tx = store.write(fence).await.unwrap();
    assert_eq!(
        records(&tx.take_hooked(entity, 10, at(4_000)).await.unwrap()),
        [7],
        "an hour later it is another one"
    );
    tx.forget_hooks(at(304)).await.unwrap();
    tx.commit().await.unwrap();
    store.put_hooks(connection, &[event("b", 6)], at(306)).await.unwrap();
    let mut tx = store.write(fence).await.unwrap();
    assert_eq!(
        records(&tx.take_hooked(entity, 10, at(5_000)).await.unwrap()),
        [6, 7],
        "what is forgotten can come again"
    );
    let hooked = tx.take_hooked(entity, 10, at(5_000)).await.unwrap();
    tx.hooks_done(entity, &hooked, at(4_000)).await.unwrap();
    tx.commit().await.unwrap();
}

/// A holder that froze and thaws after a take-over is refused whatever it tries.
async fn taking_over(store: &Store, frozen: Fence) {
    let seen = store.lease_look(frozen.connection).await.unwrap().unwrap();
    store.lease_renew(&frozen).await.unwrap();
    assert_eq!(store.lease_take(frozen.connection, "two", Some(&seen)).await.unwrap(), None, "it lives");
    let seen = store.lease_look(frozen.connection).await.unwrap().unwrap();
    let fence = store.lease_take(frozen.connection, "two", Some(&seen)).await.unwrap().unwrap();
    assert!(fence.epoch > frozen.epoch);
    assert!(matches!(store.write(&frozen).await, Err(StoreError::Fenced)));
    assert!(matches!(store.lease_renew(&frozen).await, Err(StoreError::Fenced)));
    assert!(matches!(store.lease_release(&frozen).await, Err(StoreError::Fenced)));
    store.lease_release(&fence).await.unwrap();
    assert_eq!(store.lease_look(frozen.connection).await.unwrap().unwrap().owner, None);
}

/// While a transaction of the holder is open, nobody can take the connection over; afterwards the late one is refused.
async fn fencing_under_way(store: Store) {
    store.migrate().await.unwrap();
    let connection = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    let fence = store.lease_take(connection, "one", None).await.unwrap().unwrap();
    let seen = store.lease_look(connection).await.unwrap().unwrap();
    let mut tx = store.write(&fence).await.unwrap();
    tx.put_cursor("erp.party", &vec![1], at(1)).await.unwrap();
    let taker = store.clone();
    let taking = tokio::spawn(async move { taker.lease_take(connection, "two", Some(&seen)).await });
    // Time for the taker, counted in answers of the database.
    for _ in 0..200 {
        store.lease_look(connection).await.unwrap();
    }
    assert!(!taking.is_finished(), "the take-over waits for the transaction under way");
    tx.commit().await.unwrap();
    assert!(taking.await.unwrap().unwrap().is_some());
    assert!(matches!(store.write(&fence).await, Err(StoreError::Fenced)));
    let mut tx = store.read(connection).await.unwrap();
    assert_eq!(tx.cursor::<Vec<i64>>("erp.party").await.unwrap(), Some(vec![1]));
}

#[tokio::test]
async fn sqlite_story() {
    let opened = support::sqlite().await;
    story(opened.store.clone()).await;
    reopened(opened).await;
}

#[tokio::test]
async fn postgres_story() {
    let opened = support::postgres("story").await;
    story(opened.store.clone()).await;
    reopened(opened).await;
}

#[tokio::test]
async fn sqlite_fencing() {
    let opened = support::sqlite().await;
    fencing_under_way(opened.store.clone()).await;
}

#[tokio::test]
async fn postgres_fencing() {
    let opened = support::postgres("fencing").await;
    fencing_under_way(opened.store.clone()).await;
}
