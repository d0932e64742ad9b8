//! The policy of relations as a table: a family in words, and the decision in words. Read it top down.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::date};
use sync_core::{
    answers::{Answer, Answers},
    budget::Class,
    decide::{Decision, decide},
    fields::{Field, FieldTable, Owner},
    foresee::{Rest, foresee},
    hierarchy::{ErpLink, Family, HierarchyRule, Made, MadeRelation, Parent, cycle, outdated},
    hold::HoldReason,
    ids::{OrgId, PartyId, RelationId, RelationshipId},
    mapping,
    model::{CrmOrg, ErpCustomer, ErpParty, PartyStatus},
    pair::Pair,
    plan::{Plan, Rule, Step},
    policy::{Life, Policy, Reaction},
    situation::{Carrier, CrmSide, Doubt, ErpSide, Likeness, Situation},
    value::Value,
};

const PARTY: PartyId = PartyId(300_000_200_000_001);
const PARENT: PartyId = PartyId(300_000_200_000_002);
const OTHER: PartyId = PartyId(300_000_200_000_003);
const ORG: OrgId = OrgId(11);
const PARENT_ORG: OrgId = OrgId(12);
const OTHER_ORG: OrgId = OrgId(13);
const RELATION: RelationId = RelationId(7);

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A customer in agreement with its organization; each word says something about its family.
struct Words(Situation, Policy);

impl Words {
    fn customer() -> Self {
        let party = ErpParty {
            id: PARTY,
            number: "1001".into(),
            name: "Acme".into(),
            usage: Some("CUSTOMER".into()),
            status: PartyStatus::Active,
            tax_id: None,
            url: None,
            phone: None,
            duns: None,
            email: None,
            currency: None,
            address: None,
            attributes: serde_json::Map::new(),
            updated_at: now(),
        };
        let customer = ErpCustomer::of(party, Vec::new());
        let values = mapping::desired(&FieldTable::default(), &customer).values;
        let pair = Pair {
            party: PARTY,
            org: ORG,
            erp_mirror: values.clone(),
            crm_mirror: values.clone(),
            written: BTreeMap::new(),
        };
        let settle = SignedDuration::from_secs(60);
        let policy =
            Policy::of(BTreeSet::from(["CUSTOMER".to_owned()]), settle, SignedDuration::from_secs(5));
        let situation = Situation {
            party: PARTY,
            now: now(),
            erp: ErpSide::Present(customer),
            pair: Some(pair),
            // Read long ago: relations overwrite nothing and need no fresh look.
            crm: CrmSide::Present {
                org: CrmOrg { id: ORG, values, facts: Default::default(), updated_at: now() },
                read_at: now() - SignedDuration::from_hours(1),
            },
            carriers: vec![Carrier { org: ORG, paired_with: Some(PARTY) }],
            likeness: Likeness::NotCompared,
            made_for: None,
            doubt: None,
            hold: None,
            try_again: false,
            answers: Answers::default(),
            family: Family::default(),
        };
        Self(situation, Policy { hierarchy: Some(HierarchyRule::default()), ..policy })
    }

    fn with(mut self, change: impl FnOnce(&mut Situation)) -> Self {
        change(&mut self.0);
        self
    }

    /// The ERP says that it has this parent.
    fn parent(self, party: PartyId, org: Option<OrgId>) -> Self {
        self.with(|situation| situation.family.parents.push(Parent { party, org }))
    }

    /// We made it a daughter of this parent.
    fn made(self, parent: PartyId, parent_org: OrgId, state: Made, times: u8) -> Self {
        let made = MadeRelation { parent, daughter_org: ORG, parent_org, state, times };
        self.with(|situation| situation.family.made.push(made))
    }

    fn circle(self) -> Self {
        self.with(|situation| situation.family.cycle = vec![PARTY, PARENT])
    }

    fn decided(&self) -> String {
        let told = |decision| match decision {
            Decision::InSync => "in sync".to_owned(),
            Decision::NotOurs => "not ours".to_owned(),
            Decision::Observe(org) => format!("read {org}"),
            Decision::WaitUntil(_) => "wait".to_owned(),
            Decision::Hold(reason) => format!("hold: {}", reason.key()),
            Decision::Do(Plan { steps, then_hold, rule, .. }) => {
                let mut steps: Vec<String> = steps.iter().map(step).collect();
                steps.extend(then_hold.map(|reason| format!("hold: {}", reason.key())));
                assert!(rule == Rule::ErpFamily || steps.iter().all(|step| !step.contains("relat")));
                steps.join(", ")
            }
        };
        told(decide(&self.1, &self.0))
    }
}

fn step(step: &Step) -> String {
    match step {
        Step::Relate { parent_org, org, .. } => format!("relate {org} to {parent_org}"),
        Step::Unrelate { relation, .. } => format!("unrelate {relation}"),
        Step::Bind { .. } | Step::Forget { .. } | Step::Create { .. } | Step::Update { .. } => {
            step.op().to_owned()
        }
    }
}

const STANDS: Made = Made::Stands(RELATION);

#[test]
fn what_follows_from_a_family() {
    let customer = Words::customer;
    let daughter = || customer().parent(PARENT, Some(PARENT_ORG));
    let related = || daughter().made(PARENT, PARENT_ORG, STANDS, 1);
    let unsure = |times| daughter().made(PARENT, PARENT_ORG, Made::Unsure, times);
    let table = [
        ("no family", customer(), "in sync"),
        ("a parent", daughter(), "relate 11 to 12"),
        ("related already", related(), "in sync"),
        ("two parents", daughter().parent(OTHER, Some(OTHER_ORG)), "relate 11 to 12, relate 11 to 13"),
        ("the second parent", related().parent(OTHER, Some(OTHER_ORG)), "relate 11 to 13"),
        // Suppliers, parties outside the filters, parents that come later: no relation, no hold.
        ("a parent without an organization", customer().parent(PARENT, None), "in sync"),
        ("ended in the ERP", customer().made(PARENT, PARENT_ORG, STANDS, 1), "unrelate 7"),
        (
            "sold to another parent",
            customer().made(PARENT, PARENT_ORG, STANDS, 1).parent(OTHER, Some(OTHER_ORG)),
            "unrelate 7, relate 11 to 13",
        ),
        (
            "the parent has another organization",
            customer().made(PARENT, OTHER_ORG, STANDS, 1).parent(PARENT, Some(PARENT_ORG)),
            "unrelate 7, relate 11 to 12",
        ),
        (
            "the parent has no organization for the moment",
            customer().made(PARENT, OTHER_ORG, STANDS, 1).parent(PARENT, None),
            "in sync",
        ),
        (
            "it has another organization itself",
            related().with(|situation| situation.family.made[0].daughter_org = OrgId(10)),
            "unrelate 7, relate 11 to 12",
        ),
        // What people did in the CRM.
        ("removed by a person", daughter().made(PARENT, PARENT_ORG, Made::Removed, 1), "in sync"),
        ("made by a person", daughter().made(PARENT, PARENT_ORG, Made::ByHand, 0), "in sync"),
        (
            "made by a person, ended in the ERP",
            customer().made(PARENT, PARENT_ORG, Made::ByHand, 0),
            "in sync",
        ),
        (
            "removed by a person from an organization that was replaced",
            daughter().made(PARENT, OTHER_ORG, Made::Removed, 1),
            "relate 11 to 12",
        ),
        // Law 3.
        ("sent once, not there", unsure(1), "relate 11 to 12"),
        ("sent twice, not there", unsure(2), "hold: relation_unsure"),
        (
            "sent twice, left by a person",
            unsure(2).with(|situation| {
                situation.answers.parents_left = [PARENT].into();
            }),
            "in sync",
        ),
        (
            "sent twice, and another parent",
            unsure(2).parent(OTHER, Some(OTHER_ORG)),
            "relate 11 to 13, hold: relation_unsure",
        ),
        ("sent twice, ended in the ERP", customer().made(PARENT, PARENT_ORG, Made::Unsure, 2), "in sync"),
        // Mistakes in the ERP.
        ("a circle", daughter().circle(), "hold: relation_cycle"),
        ("a circle, related before", related().circle(), "hold: relation_cycle"),
        (
            "a circle that a person left",
            related().circle().with(|situation| situation.answers.cycle_left = Some([PARTY, PARENT].into())),
            "in sync",
        ),
        (
            "another circle than the one that a person left",
            related().circle().with(|situation| situation.answers.cycle_left = Some([PARTY, OTHER].into())),
            "hold: relation_cycle",
        ),
        (
            "a relationship that cannot be read",
            customer()
                .made(PARENT, PARENT_ORG, STANDS, 1)
                .with(|situation| situation.family.unreadable = Some("no ObjectPartyId".into())),
            "hold: malformed",
        ),
        // What comes before.
        (
            "renamed in the ERP: its own fields first",
            daughter().with(|situation| {
                if let ErpSide::Present(customer) = &mut situation.erp {
                    customer.party.name = "Acme Ltd".into();
                }
            }),
            "read 11",
        ),
        (
            "a write in doubt",
            daughter().with(|situation| situation.doubt = Some(Doubt { settled_at: now() })),
            "wait",
        ),
        (
            "no organization yet",
            daughter().with(|s| {
                s.pair = None;
                s.carriers.clear();
            }),
            "create",
        ),
        ("the hierarchy is not wanted", without_hierarchy(daughter()), "in sync"),
        ("not wanted any more", without_hierarchy(customer().made(PARENT, PARENT_ORG, STANDS, 1)), "in sync"),
        ("left alone in the ERP's retirement", left_alone(daughter()), "in sync"),
        (
            "refused before",
            daughter().with(|situation| {
                let step = Step::Relate { parent: PARENT, parent_org: PARENT_ORG, org: ORG };
                situation.hold = Some(HoldReason::Refused { step, message: "no".into(), exchange: None });
            }),
            "hold: refused",
        ),
    ];
    let wrong: Vec<String> = table
        .iter()
        .filter(|(_, words, wanted)| words.decided() != *wanted)
        .map(|(what, words, wanted)| format!("{what}: {} instead of {wanted}", words.decided()))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

fn without_hierarchy(mut words: Words) -> Words {
    words.1.hierarchy = None;
    words
}

fn left_alone(mut words: Words) -> Words {
    words.1.erp.inactive = Reaction::Ignore;
    assert_eq!(words.1.erp.to(Life::Inactive), Reaction::Ignore);
    words.with(|situation| {
        if let ErpSide::Present(customer) = &mut situation.erp {
            customer.party.status = PartyStatus::Inactive;
        }
    })
}

/// A question about a field does not keep the relations waiting; it is asked when they are done.
#[test]
fn relations_do_not_wait_for_a_question_about_a_field() {
    let mut words = Words::customer().parent(PARENT, Some(PARENT_ORG));
    words.1.fields = FieldTable::default().with(Field::Name, Owner::Ask);
    let name = |name: &str| Value::Text(name.into());
    if let (CrmSide::Present { org, .. }, ErpSide::Present(customer)) = (&mut words.0.crm, &mut words.0.erp) {
        org.values.insert(Field::Name, name("Sales"));
        customer.party.name = "Finance".into();
    }
    assert_eq!(words.decided(), "relate 11 to 12, hold: conflict");
}

#[test]
fn a_relation_is_made_once_and_may_be_ended_twice() {
    let relate = Step::Relate { parent: PARENT, parent_org: PARENT_ORG, org: ORG };
    let unrelate = Step::Unrelate { relation: RELATION, parent: PARENT, org: ORG };
    assert!(relate.is_create() && !unrelate.is_create());
    let json = serde_json::to_string(&[relate.clone(), unrelate.clone()]).unwrap();
    assert_eq!(serde_json::from_str::<[Step; 2]>(&json).unwrap(), [relate, unrelate]);
}

#[test]
fn what_stands_nowhere_and_means_nothing_is_forgotten() {
    let family = Words::customer()
        .parent(PARENT, Some(PARENT_ORG))
        .made(PARENT, PARENT_ORG, Made::Removed, 1)
        .made(OTHER, OTHER_ORG, Made::ByHand, 0)
        .made(PARTY, OTHER_ORG, STANDS, 1)
        .0
        .family;
    assert_eq!(outdated(&family, &Answers::default(), ORG), [OTHER]);
    assert_eq!(outdated(&family, &Answers::default(), OrgId(99)), [PARENT, OTHER]);
}

/// What was found after a doubt may be a person's: it stands as long as it is wanted, and is not ended without a word.
#[test]
fn what_was_found_after_a_doubt_is_asked_about_before_it_ends() {
    let found = || Words::customer().made(PARENT, PARENT_ORG, Made::Found(RELATION), 1);
    assert_eq!(found().parent(PARENT, Some(PARENT_ORG)).decided(), "in sync");
    assert_eq!(
        found().parent(PARENT, None).decided(),
        "in sync",
        "its parent has no organization for the moment"
    );
    assert_eq!(found().decided(), "hold: relation_found");
    assert_eq!(found().parent(OTHER, Some(OTHER_ORG)).decided(), "relate 11 to 13, hold: relation_found");
    let left = |words: Words| words.with(|situation| situation.answers.parents_left = [PARENT].into());
    assert_eq!(left(found()).decided(), "in sync");

    let forgotten = |words: Words, org| outdated(&words.0.family, &words.0.answers, org);
    assert_eq!(forgotten(found(), ORG), []);
    assert_eq!(forgotten(left(found()), ORG), [PARENT]);
    assert_eq!(forgotten(left(found()).parent(PARENT, Some(PARENT_ORG)), ORG), []);
    assert_eq!(forgotten(found(), OrgId(99)), [PARENT], "of an organization that is another's by now");
}

#[test]
fn answers_are_remembered_for_what_they_were_about() {
    let mut answers = Answers::default();
    let circle = HoldReason::RelationCycle { parties: vec![PARTY, PARENT] };
    answers.give(&circle, &Answer::Leave, now()).unwrap();
    assert_eq!(answers.cycle_left, Some([PARTY, PARENT].into()));
    let unsure = HoldReason::RelationUnsure { parent: PARENT, org: PARENT_ORG };
    assert!(answers.give(&unsure, &Answer::UseErp, now()).is_err());
    answers.give(&unsure, &Answer::Leave, now()).unwrap();
    assert_eq!(answers.parents_left, [PARENT].into());
    let found = HoldReason::RelationFound { relation: RELATION, parent: OTHER, org: OTHER_ORG };
    answers.give(&found, &Answer::Leave, now()).unwrap();
    assert_eq!(answers.parents_left, [PARENT, OTHER].into());
    for reason in [circle, unsure] {
        assert!(reason.explain().contains(&PARENT.to_string()), "{}", reason.explain());
        answers.give(&reason, &Answer::Retry, now()).unwrap();
    }
}

#[test]
fn a_circle_is_whoever_is_above_and_below() {
    let id = PartyId;
    let parents = |edges: &[(i64, i64)]| {
        let mut parents: BTreeMap<PartyId, BTreeSet<PartyId>> = BTreeMap::new();
        for (daughter, parent) in edges {
            parents.entry(id(*daughter)).or_default().insert(id(*parent));
        }
        parents
    };
    let circle = parents(&[(1, 2), (2, 3), (3, 1), (4, 1), (3, 5)]);
    for member in 1..=3 {
        assert_eq!(cycle(id(member), &circle), [id(1), id(2), id(3)]);
    }
    // A daughter of the circle and its grandmother are not in it.
    assert_eq!(cycle(id(4), &circle), []);
    assert_eq!(cycle(id(5), &circle), []);
    assert_eq!(cycle(id(1), &parents(&[(1, 1)])), [id(1)], "its own parent");
    assert_eq!(cycle(id(1), &parents(&[(1, 2), (1, 3), (2, 4), (3, 4)])), [], "two ways up are no circle");
}

fn link(subject: PartyId, code: &str, object: PartyId) -> ErpLink {
    ErpLink {
        id: RelationshipId(9),
        subject,
        object,
        kind: Some("PARENT/SUBSIDIARY".into()),
        code: code.into(),
        active: true,
        starts: Some(date(2020, 1, 1)),
        ends: Some(date(4712, 12, 31)),
        updated_at: now(),
    }
}

#[test]
fn a_code_says_who_is_the_parent_and_both_rows_say_the_same() {
    let today = date(2026, 3, 1);
    let rule = HierarchyRule::default();
    let read = |link: &ErpLink| rule.relation(link, today).map(|found| (found.daughter, found.parent));
    for (below, above) in [("SUBSIDIARY_OF", "PARENT_OF"), ("DIVISION_OF", "HEADQUARTERS_OF")] {
        let (row, back) = (link(PARTY, below, PARENT), link(PARENT, above, PARTY));
        assert_eq!(read(&row), Some((PARTY, PARENT)));
        assert_eq!(rule.relation(&row, today), rule.relation(&back, today));
    }
    assert_eq!(read(&link(PARTY, "EMPLOYEE_OF", PARENT)), None);
    let types = HierarchyRule { types: ["DUNS".to_owned()].into(), ..HierarchyRule::default() };
    let row = link(PARTY, "SUBSIDIARY_OF", PARENT);
    assert_eq!(types.relation(&row, today), None);
    let of_type = ErpLink { kind: Some("DUNS".into()), ..row };
    assert!(types.relation(&of_type, today).is_some());
}

#[test]
fn a_relationship_counts_from_its_first_day_to_its_last() {
    let in_force = |change: &dyn Fn(&mut ErpLink)| {
        let mut link = link(PARTY, "SUBSIDIARY_OF", PARENT);
        change(&mut link);
        HierarchyRule::default().relation(&link, date(2026, 3, 1)).unwrap().in_force
    };
    assert!(in_force(&|_| {}));
    assert!(in_force(&|link| {
        link.starts = None;
        link.ends = None;
    }));
    assert!(!in_force(&|link| link.active = false));
    assert!(in_force(&|link| link.ends = Some(date(2026, 3, 1))), "the last day counts");
    assert!(!in_force(&|link| link.ends = Some(date(2026, 2, 28))));
    assert!(in_force(&|link| link.starts = Some(date(2026, 3, 1))));
    assert!(!in_force(&|link| link.starts = Some(date(2026, 3, 2))));
}

/// A preview follows an organization's own fields to what it is to others.
#[test]
fn what_follows_the_fields_is_foreseen() {
    let steps = |words: &Words| {
        let course = foresee(&words.1, words.0.clone(), Class::Backfill, &BTreeMap::new());
        let steps = course.plans.iter().flat_map(|plan| &plan.steps).map(|step| step.op().to_owned());
        assert!(course.plans.iter().all(|plan| plan.class == Class::Backfill));
        let to_come: Vec<PartyId> = course.parents_to_come.iter().map(|parent| parent.party).collect();
        (steps.collect::<Vec<_>>().join(", "), to_come, course.rest)
    };
    let renamed = |words: Words| {
        words.with(|situation| {
            if let (ErpSide::Present(customer), CrmSide::Present { read_at, .. }) =
                (&mut situation.erp, &mut situation.crm)
            {
                customer.party.name = "Acme Two".into();
                *read_at = situation.now;
            }
        })
    };
    let moves = Words::customer().made(OTHER, OTHER_ORG, Made::Stands(RELATION), 1);
    let moves = moves.parent(PARENT, Some(PARENT_ORG));
    assert_eq!(steps(&moves), ("unrelate, relate".into(), vec![], Rest::InSync));
    assert_eq!(steps(&renamed(moves)), ("update, unrelate, relate".into(), vec![], Rest::InSync));

    let waits = Words::customer().parent(PARENT, None).parent(OTHER, Some(OTHER_ORG));
    assert_eq!(steps(&renamed(waits)), ("update, relate".into(), vec![PARENT], Rest::InSync));

    let circle = renamed(Words::customer().parent(PARENT, None).circle());
    let reason = Box::new(HoldReason::RelationCycle { parties: vec![PARTY, PARENT] });
    assert_eq!(steps(&circle), ("update".into(), vec![], Rest::Hold { reason }));

    let new = Words::customer().parent(PARENT, Some(PARENT_ORG)).parent(OTHER, None).with(|situation| {
        situation.pair = None;
        situation.crm = CrmSide::NoPair;
        situation.carriers.clear();
    });
    assert_eq!(steps(&new), ("create".into(), vec![PARENT, OTHER], Rest::InSync));
    assert_eq!(steps(&without_hierarchy(new)), ("create".into(), vec![], Rest::InSync));
}

#[test]
fn a_plan_goes_on_after_its_first_step() {
    let words = Words::customer().made(OTHER, OTHER_ORG, Made::Stands(RELATION), 1);
    let words = words.parent(PARENT, Some(PARENT_ORG));
    let Decision::Do(plan) = decide(&words.1, &words.0) else { panic!("relations are to be written") };
    let rest = plan.after_first().unwrap();
    let ended = words.with(|situation| situation.family.made.clear());
    assert_eq!(decide(&ended.1, &ended.0), Decision::Do(rest.clone()), "as if the first step had been done");
    assert_eq!(rest.after_first(), None);
}
