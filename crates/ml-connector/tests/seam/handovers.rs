//! Won deals become customers of the ERP that can be invoiced: the real clients against the simulators, whatever gets lost.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
    pipedrive::{PipedriveSettings, Plan},
};
use serde_json::{Value, json};
use sync_core::{
    handover::{
        AnswerRules, Approval, BusinessUnit, Conditions, HandoverAnswer, HandoverPolicy, Question, Required,
        Subject, Trigger,
    },
    ids::{DealId, OrgId, SetId},
};
use sync_engine::Step;
use sync_store::Answered;

use crate::world::{Beginning, World};

const SET: i64 = 300_000_001_127_004;

pub(crate) fn policy() -> HandoverPolicy {
    HandoverPolicy {
        on: BTreeSet::from([Trigger::DealWon]),
        mark: None,
        require_mark: false,
        approval: Approval::Auto,
        review_above: BTreeMap::new(),
        approval_lasts: SignedDuration::from_hours(336),
        source_system: "PIPEDRIVE".to_owned(),
        company: 0,
        usage: "EXTERNAL_LEGAL_ENTITY".to_owned(),
        contact: None,
        ask_to_reuse: true,
        required: Required { address: true, tax_id: BTreeSet::new() },
        business_units: vec![BusinessUnit {
            name: "US1".to_owned(),
            set: SetId(SET),
            when: Conditions::default(),
            profile_class: "DEFAULT".to_owned(),
            customer_class: None,
            currency: None,
            payment_terms: None,
        }],
        answers: AnswerRules::default(),
        settle: SignedDuration::from_secs(60),
        freshness: SignedDuration::from_secs(5),
    }
}

pub(crate) async fn world(seed: u64) -> World {
    let pipedrive = PipedriveSettings { plan: Plan::Ultimate, seats: 20, ..PipedriveSettings::default() };
    let fusion = FusionSettings::default();
    let mut world = World::new(Beginning { seed, fusion, pipedrive, oauth: false }).await;
    world.handing = Some(policy());
    world
}

/// A company that sales knows and the ERP does not.
pub(crate) fn organization(world: &World, name: &str) -> i64 {
    // Each in a street and at a web site of its own, but for the one whose twin the ERP may know.
    let word = name.split(' ').next().unwrap_or_default().to_lowercase();
    let street =
        if word == "acme" { "500 Oracle Pkwy".to_owned() } else { format!("{} {word} Street", name.len()) };
    let address = json!({
        "value": format!("{street}, Redwood City, CA 94065, USA"), "locality": "Redwood City",
        "admin_area_level_1": "CA", "postal_code": "94065", "country": "USA",
    });
    let website = format!("https://{word}-trading.example");
    let body = json!({ "name": name, "address": address, "website": website });
    world.pipedrive.create_as_person(&body).expect("an organization")
}

pub(crate) fn deal(world: &World, org: Option<i64>) -> i64 {
    let body = json!({ "title": "Framework contract", "org_id": org, "value": 60_000, "currency": "USD" });
    world.pipedrive.create_deal(&body).expect("a deal")
}

/// A process that works for so many minutes.
pub(crate) async fn work(world: &World, minutes: i64) {
    world.gate.begin(None);
    let lease = world.take().await.expect("alive");
    let mut engine = world.engine(&lease);
    let end = world.clock.now() + SignedDuration::from_mins(minutes);
    // Boxed: a test's future lies on the stack.
    Box::pin(world.work_until(&mut engine, &lease, end)).await;
    world.drive(lease.release()).await.expect("alive").expect("the store works");
}

/// What the ERP has of our making: parties, accounts, uses to bill to, profiles.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) parties: usize,
    pub(crate) accounts: usize,
    pub(crate) uses: usize,
    pub(crate) profiles: usize,
}

pub(crate) const ONE: Made = Made { parties: 1, accounts: 1, uses: 1, profiles: 1 };
pub(crate) const NONE: Made = Made { parties: 0, accounts: 0, uses: 0, profiles: 0 };

pub(crate) fn made(world: &World, name: &str) -> Made {
    let named = |id: &i64| world.fusion.party(*id).is_some_and(|party| party["OrganizationName"] == name);
    let parties: Vec<i64> = world.fusion.party_ids().into_iter().filter(named).collect();
    let accounts: Vec<i64> = parties.iter().flat_map(|party| world.fusion.account_ids(*party)).collect();
    let billed = |one: &Value| one["SiteUseCode"] == "BILL_TO";
    Made {
        parties: parties.len(),
        accounts: accounts.len(),
        uses: accounts.iter().flat_map(|id| world.fusion.site_uses(*id)).filter(billed).count(),
        profiles: accounts.iter().map(|id| world.fusion.customer_profiles(*id).len()).sum(),
    }
}

pub(crate) async fn question(world: &World, subject: Subject) -> Option<Question> {
    let asking = async { world.store.read(world.connection).await?.handover(subject).await };
    let row = world.drive(asking).await.expect("alive").expect("the store works");
    row.and_then(|row| row.question).map(|(question, _)| question)
}

pub(crate) async fn answer(world: &World, subject: Subject, answer: HandoverAnswer) {
    let answering = world.store.answer_handover(world.connection, subject, answer, "ann", world.clock.now());
    let answered = world.drive(answering).await.expect("alive").expect("the store works");
    assert_eq!(answered, Answered::Taken);
}

/// Creates that the ERP was asked for.
fn writes(world: &World) -> u64 {
    let stats = world.fusion.stats();
    let posts =
        stats.by_operation.iter().filter(|(name, _)| name.starts_with("POST") && name.contains("hubOrg"));
    posts.map(|(_, counted)| counted.0).sum()
}

#[tokio::test]
async fn a_won_deal_becomes_a_customer_that_can_be_invoiced_and_its_numbers_come_back() {
    let world = world(1).await;
    let org = organization(&world, "Acme Trading Inc");
    let old = deal(&world, Some(organization(&world, "Old Friends Ltd")));
    world.pipedrive.win_deal(old).expect("won");
    world.clock.advance(SignedDuration::from_mins(5));
    work(&world, 10).await;
    assert_eq!(made(&world, "Acme Trading Inc"), NONE);
    let won = deal(&world, Some(org));
    world.pipedrive.win_deal(won).expect("won");
    work(&world, 40).await;
    assert_eq!(made(&world, "Acme Trading Inc"), ONE);
    assert_eq!(made(&world, "Old Friends Ltd"), NONE, "it was won before anybody switched this on");
    assert_eq!(question(&world, Subject::Org(OrgId(org))).await, None);

    let organizations = world.organizations();
    let (party, shown) = organizations.iter().next().expect("one carries an ERP id");
    assert_eq!((organizations.len(), shown.len(), shown[0].id), (1, 1, org), "{organizations:?}");
    let account = world.fusion.account_ids(*party)[0];
    let number = world.fusion.account_number(account).expect("a number");
    assert_eq!(shown[0].custom["ERP account numbers"], json!(number));
    let company = 8_087_566;
    let reference = format!("pd:{company}:org:{org}");
    let found = world.fusion.accounts_by_reference("PIPEDRIVE", &reference, "HZ_CUST_ACCOUNTS");
    assert_eq!(found, [account], "{:?}", world.fusion.account_references(account));

    // Won again, and another deal: the customer is there.
    let before = writes(&world);
    world.pipedrive.reopen_deal(won).expect("open");
    world.pipedrive.win_deal(won).expect("won");
    let another = deal(&world, Some(org));
    world.pipedrive.win_deal(another).expect("won");
    work(&world, 40).await;
    assert_eq!((made(&world, "Acme Trading Inc"), writes(&world)), (ONE, before));
    let journal = async { world.store.read(world.connection).await?.journal(None, None, 100).await };
    let journal = world.drive(journal).await.expect("alive").expect("the store works");
    let ops: Vec<&str> = journal.iter().rev().map(|row| row.entry.op.as_str()).collect();
    assert_eq!(ops[..3], ["create_party", "create_account", "create_profile"], "{ops:?}");
    assert!(journal.iter().all(|row| row.entry.reason.contains("deal") || row.entry.op == "update"));
}

/// One answer lost, one request lost, one gateway error: at each request to the ERP, one after the other.
#[tokio::test]
async fn whichever_call_is_lost_everything_is_there_once() {
    // What took effect without an answer is the hard one.
    let faults = [(Fault::DropAfter, 1), (Fault::DropBefore, 4), (Fault::StatusAfter { status: 502 }, 4)];
    for (index, (fault, every)) in faults.into_iter().enumerate() {
        for skip in (0..14).step_by(every) {
            let world = world(u64::try_from(index * 100 + skip).expect("small")).await;
            let org = organization(&world, "Acme Trading Inc");
            work(&world, 10).await;
            let won = deal(&world, Some(org));
            world.pipedrive.win_deal(won).expect("won");
            let rule = |path: &str| FaultRule::on(path, fault.clone()).times(1);
            // Reads of the polls are other calls: those of the create are these.
            let skip = u32::try_from(skip).expect("small");
            let rules = match skip {
                0..6 => vec![
                    rule("CustomerAccountService").skip(skip % 3),
                    rule("hubOrganizations").method("POST"),
                ],
                6..10 => vec![rule("CustomerProfileService").skip(skip - 6)],
                _ => {
                    vec![rule("child/Address").skip(skip - 10), rule("CustomerAccountService").skip(skip - 9)]
                }
            };
            world.fusion.faults().set(rules);
            work(&world, 60).await;
            let what = format!("{fault:?} after {skip}");
            assert_eq!(made(&world, "Acme Trading Inc"), ONE, "{what}");
            assert_eq!(question(&world, Subject::Org(OrgId(org))).await, None, "{what}");
            assert_eq!(world.check_agreement().await, Vec::<String>::new(), "{what}");
        }
    }
}

/// One process after the other, each of which dies at any gate. Tells how many died.
pub(crate) async fn live_and_die(world: &World, rng: &mut fastrand::Rng, until: Timestamp) -> u32 {
    let mut deaths = 0;
    while world.clock.now() < until {
        world.gate.begin(Some(rng.u32(20..400)));
        deaths += 1;
        let Some(lease) = world.take().await else { continue };
        let mut engine = world.engine(&lease);
        loop {
            match world.step(&mut engine, &lease).await {
                None => break,
                Some(Step::Worked) => world.clock.advance(SignedDuration::from_millis(20)),
                Some(Step::IdleUntil(_)) => world.clock.advance(SignedDuration::from_secs(20)),
            }
        }
        world.clock.advance(SignedDuration::from_secs(rng.i64(0..60)));
    }
    deaths
}

/// Processes die at any gate, answers get lost, and in the end there is one of each. `MLC_HANDOVER_SEEDS=200` lives more of
/// them, `MLC_HANDOVER_FROM=7 MLC_HANDOVER_SEEDS=1` one again.
#[tokio::test]
async fn processes_die_at_any_moment_and_nothing_is_there_twice() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let from = number("MLC_HANDOVER_FROM", 0);
    for seed in from..from + number("MLC_HANDOVER_SEEDS", 6) {
        let world = world(1_000 + seed).await;
        let org = organization(&world, "Acme Trading Inc");
        work(&world, 10).await;
        let won = deal(&world, Some(org));
        world.pipedrive.win_deal(won).expect("won");
        let mut rng = fastrand::Rng::with_seed(seed);
        let drop = FaultRule::on("", Fault::DropAfter).method("POST").probability(0.2);
        world.fusion.faults().set(vec![drop]);
        let until = world.clock.now() + SignedDuration::from_mins(30);
        let deaths = live_and_die(&world, &mut rng, until).await;
        world.fusion.faults().set(Vec::new());
        work(&world, 60).await;
        assert!(deaths > 0);
        assert_eq!(made(&world, "Acme Trading Inc"), ONE, "seed {seed}, {deaths} deaths");
        assert_eq!(world.check_agreement().await, Vec::<String>::new(), "seed {seed}");
    }
}

#[tokio::test]
async fn a_supplier_is_asked_about_and_becomes_a_customer_too() {
    let world = world(3).await;
    let address = json!({
        "OrganizationName": "Acme Trading Inc", "PartyUsageCode": "SUPPLIER", "URL": "https://acme-trading.example",
        "Address1": "500 Oracle Pkwy", "City": "Redwood City", "State": "CA", "PostalCode": "94065", "Country": "US",
    });
    let party = world.fusion.add_party(Edit::set(address)).expect("a party");
    let org = organization(&world, "Acme Trading Inc");
    let subject = Subject::Org(OrgId(org));
    work(&world, 10).await;
    world.pipedrive.win_deal(deal(&world, Some(org))).expect("won");
    work(&world, 30).await;
    let asked = question(&world, subject).await.expect("a question");
    assert!(matches!(&asked, Question::PartyKnown { party: known, .. } if known.0 == party), "{asked:?}");
    assert_eq!(made(&world, "Acme Trading Inc"), Made { parties: 1, ..NONE });
    answer(&world, subject, HandoverAnswer::Go).await;
    work(&world, 30).await;
    assert_eq!(question(&world, subject).await, None);
    assert_eq!(made(&world, "Acme Trading Inc"), ONE);
    let usages = world.fusion.children(party, "UsageAssignment");
    assert!(usages.iter().any(|usage| usage["PartyUsageCode"] == "EXTERNAL_LEGAL_ENTITY"), "{usages:?}");
    assert_eq!(world.organizations().keys().copied().collect::<Vec<_>>(), [party]);
}

#[tokio::test]
async fn whoever_has_to_be_asked_is_asked_first() {
    let mut world = world(4).await;
    let mut reviewed = policy();
    reviewed.approval = Approval::Review;
    world.handing = Some(reviewed);
    let [yes, no, reopened, late] =
        ["Yes Ltd", "No Ltd", "Reopened Ltd", "Late Ltd"].map(|name| organization(&world, name));
    work(&world, 10).await;
    let [yes_deal, no_deal, reopened_deal, late_deal] =
        [yes, no, reopened, late].map(|org| deal(&world, Some(org)));
    for id in [yes_deal, no_deal, reopened_deal, late_deal] {
        world.pipedrive.win_deal(id).expect("won");
    }
    work(&world, 20).await;
    for org in [yes, no, reopened, late] {
        let asked = question(&world, Subject::Org(OrgId(org))).await;
        assert!(matches!(asked, Some(Question::ApprovalNeeded { .. })), "{asked:?}");
    }
    answer(&world, Subject::Org(OrgId(yes)), HandoverAnswer::Approve).await;
    answer(&world, Subject::Org(OrgId(no)), HandoverAnswer::Reject).await;
    world.pipedrive.reopen_deal(reopened_deal).expect("open");
    work(&world, 40).await;
    assert_eq!(made(&world, "Yes Ltd"), ONE);
    assert_eq!(made(&world, "No Ltd"), NONE);
    assert_eq!(question(&world, Subject::Org(OrgId(no))).await, None);
    assert_eq!(
        question(&world, Subject::Org(OrgId(reopened))).await,
        None,
        "nothing is asked about it any more"
    );
    world.clock.advance(SignedDuration::from_hours(337));
    work(&world, 20).await;
    let expired = question(&world, Subject::Org(OrgId(late))).await;
    assert!(matches!(expired, Some(Question::ApprovalExpired { .. })), "{expired:?}");
    answer(&world, Subject::Org(OrgId(late)), HandoverAnswer::Retry).await;
    work(&world, 5).await;
    let again = question(&world, Subject::Org(OrgId(late))).await;
    assert!(matches!(again, Some(Question::ApprovalNeeded { .. })), "{again:?}");
    assert_eq!(made(&world, "Late Ltd"), NONE);
}

#[tokio::test]
async fn what_is_missing_is_asked_for_and_filling_it_in_is_enough() {
    let world = world(5).await;
    let bare = world.pipedrive.create_as_person(&json!({ "name": "Bare Ltd" })).expect("an organization");
    work(&world, 10).await;
    let nobodys = deal(&world, None);
    world.pipedrive.win_deal(nobodys).expect("won");
    world.pipedrive.win_deal(deal(&world, Some(bare))).expect("won");
    work(&world, 20).await;
    let asked = question(&world, Subject::Org(OrgId(bare))).await;
    let Some(Question::DataMissing { what, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!(what, ["country", "street address"]);
    let asked = question(&world, Subject::Deal(DealId(nobodys))).await;
    assert!(matches!(asked, Some(Question::NoOrganization { .. })), "{asked:?}");
    let address =
        json!({ "value": "1 Main St, London, UK", "locality": "London", "country": "United Kingdom" });
    world.pipedrive.edit_as_person(bare, &json!({ "address": address })).expect("edited");
    let friend = organization(&world, "Friend Ltd");
    world.pipedrive.edit_deal(nobodys, &json!({ "org_id": friend })).expect("edited");
    work(&world, 60).await;
    assert_eq!(made(&world, "Bare Ltd"), ONE);
    assert_eq!(made(&world, "Friend Ltd"), ONE);
    assert_eq!(question(&world, Subject::Deal(DealId(nobodys))).await, None);
}
