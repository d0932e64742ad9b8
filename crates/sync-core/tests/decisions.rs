//! The policy of the customer flow as a table: a situation in words, and the decision in words. Read it top down.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    decide::{Carrier, CrmSide, Decision, Doubt, ErpSide, HoldReason, Policy, Situation, decide},
    fields::{Field, Values},
    ids::{AccountId, OrgId, PartyId},
    mapping,
    model::{CrmOrg, ErpAccount, ErpCustomer, ErpParty, PartyStatus},
    pair::{Pair, Written},
    plan::Step,
    value::Value,
};

const PARTY: PartyId = PartyId(300_000_200_000_001);
const OTHER: PartyId = PartyId(300_000_200_000_002);
const ORG: OrgId = OrgId(11);

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn policy() -> Policy {
    Policy {
        customer_usages: BTreeSet::from(["CUSTOMER".to_owned()]),
        settle: SignedDuration::from_secs(60),
        freshness: SignedDuration::from_secs(5),
    }
}

fn acme() -> ErpCustomer {
    let party = ErpParty {
        id: PARTY,
        number: "1001".into(),
        name: "Acme".into(),
        usage: Some("CUSTOMER".into()),
        status: PartyStatus::Active,
        tax_id: Some("DE1".into()),
        url: None,
        phone: Some("1".into()),
        address: None,
        updated_at: ago(900),
    };
    ErpCustomer { party, accounts: Vec::new() }
}

fn account() -> ErpAccount {
    ErpAccount { id: AccountId(5), party: PARTY, number: "A-5".into(), updated_at: ago(900) }
}

/// A situation that starts with an active customer without an organization; each word changes one thing.
struct Words(Situation);

impl Words {
    fn customer() -> Self {
        Self(Situation {
            party: PARTY,
            now: now(),
            erp: ErpSide::Present(acme()),
            pair: None,
            crm: CrmSide::NoPair,
            carriers: Vec::new(),
            doubt: None,
            hold: None,
        })
    }

    /// In agreement with its organization, which was read just now.
    fn paired() -> Self {
        let values = mapping::desired(&acme()).values;
        let pair = Pair {
            party: PARTY,
            org: ORG,
            erp_mirror: values.clone(),
            crm_mirror: values.clone(),
            written: BTreeMap::new(),
        };
        let carriers = vec![Carrier { org: ORG, paired_with: Some(PARTY) }];
        let words = Self::customer().carriers(carriers).crm_says(values, 0);
        Self(Situation { pair: Some(pair), ..words.0 })
    }

    fn erp(mut self, change: impl FnOnce(&mut ErpCustomer)) -> Self {
        if let ErpSide::Present(customer) = &mut self.0.erp {
            change(customer);
        }
        self
    }

    fn erp_side(self, erp: ErpSide) -> Self {
        Self(Situation { erp, ..self.0 })
    }

    fn carriers(self, carriers: Vec<Carrier>) -> Self {
        Self(Situation { carriers, ..self.0 })
    }

    fn crm_side(self, crm: CrmSide) -> Self {
        Self(Situation { crm, ..self.0 })
    }

    fn crm_says(self, values: Values, seconds_ago: i64) -> Self {
        let org = CrmOrg { id: ORG, values, updated_at: ago(600) };
        self.crm_side(CrmSide::Present { org, read_at: ago(seconds_ago) })
    }

    /// Sales typed something (or emptied the field).
    fn sales_typed(self, field: Field, value: Option<&str>) -> Self {
        self.sales_typed_and_we_read_it(field, value, 0)
    }

    fn sales_typed_and_we_read_it(self, field: Field, value: Option<&str>, seconds_ago: i64) -> Self {
        let CrmSide::Present { org, .. } = &self.0.crm else { return self };
        let mut values = org.values.clone();
        match value {
            Some(text) => values.insert(field, Value::Text(text.into())),
            None => values.remove(&field),
        };
        self.crm_says(values, seconds_ago)
    }

    fn written(mut self, field: Field, value: &str, became: Option<&str>, times: u8) -> Self {
        let text = |text: &str| Value::Text(text.into());
        if let Some(pair) = &mut self.0.pair {
            pair.written.insert(field, Written { value: Some(text(value)), became: became.map(text), times });
        }
        self
    }

    fn in_doubt(self) -> Self {
        Self(Situation { doubt: Some(Doubt { settled_at: ago(-30) }), ..self.0 })
    }

    fn held(self, hold: HoldReason) -> Self {
        Self(Situation { hold: Some(hold), ..self.0 })
    }

    fn decision(&self) -> String {
        in_words(&decide(&policy(), &self.0))
    }
}

fn in_words(decision: &Decision) -> String {
    let step = |step: &Step| match step {
        Step::Bind { org } => format!("bind {org}"),
        Step::Create { values } => format!("create {}", values[&Field::Name].text()),
        Step::Update { org, changes } => {
            let text = |value: &Option<Value>| value.as_ref().map_or("-", Value::text).to_owned();
            let changes: Vec<String> = changes
                .iter()
                .map(|change| format!("{} {}>{}", change.field.key(), text(&change.old), text(&change.new)))
                .collect();
            format!("update {org}: {}", changes.join(", "))
        }
    };
    match decision {
        Decision::InSync => "in sync".into(),
        Decision::NotOurs => "not ours".into(),
        Decision::Observe(org) => format!("read {org}"),
        Decision::Do(plan) => {
            let steps: Vec<String> = plan.steps.iter().map(step).collect();
            let hold =
                plan.then_hold.as_ref().map_or(String::new(), |hold| format!(", then hold {}", hold.key()));
            format!("{}{hold}", steps.join(" and "))
        }
        Decision::Hold(reason) => format!("hold {}", reason.key()),
        Decision::WaitUntil(at) => format!("wait {}s", at.duration_since(now()).as_secs()),
    }
}

fn check(table: Vec<(&str, Words, &str)>) {
    let wrong: Vec<String> = table
        .into_iter()
        .filter_map(|(situation, words, wanted)| {
            let found = words.decision();
            (found != wanted).then(|| format!("{situation}: wanted \"{wanted}\", decided \"{found}\""))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn inactive(customer: &mut ErpCustomer) {
    customer.party.status = PartyStatus::Inactive;
}

fn supplier(customer: &mut ErpCustomer) {
    customer.party.usage = Some("SUPPLIER".into());
}

#[test]
fn a_party_without_an_organization() {
    let customer = Words::customer;
    let free = |org| Carrier { org: OrgId(org), paired_with: None };
    let taken = Carrier { org: ORG, paired_with: Some(OTHER) };
    check(vec![
        ("an active customer", customer(), "create Acme"),
        ("a supplier", customer().erp(supplier), "not ours"),
        (
            "a supplier with an AR account",
            customer().erp(supplier).erp(|c| c.accounts.push(account())),
            "create Acme",
        ),
        ("no usage at all", customer().erp(|c| c.party.usage = None), "not ours"),
        ("an inactive customer", customer().erp(inactive), "not ours"),
        (
            "a customer of an unknown status",
            customer().erp(|c| c.party.status = PartyStatus::Other("M".into())),
            "not ours",
        ),
        (
            "an inactive customer with its organization",
            customer().erp(inactive).carriers(vec![free(11)]),
            "bind 11",
        ),
        ("an organization that carries its id", customer().carriers(vec![free(11)]), "bind 11"),
        ("two of them", customer().carriers(vec![free(11), free(12)]), "hold several_organizations"),
        ("one of another party", customer().carriers(vec![taken]), "hold organization_taken"),
        (
            "one of another party and a free one",
            customer().carriers(vec![taken, free(12)]),
            "hold several_organizations",
        ),
        ("nothing read about it yet", customer().erp_side(ErpSide::Unseen), "not ours"),
        ("gone from the ERP", customer().erp_side(ErpSide::Missing), "not ours"),
        ("unreadable", customer().erp_side(ErpSide::Malformed("PartyId".into())), "hold malformed"),
        ("a create in doubt", customer().in_doubt(), "wait 30s"),
        (
            "a create in doubt, and it has appeared",
            customer().in_doubt().carriers(vec![free(11)]),
            "wait 30s",
        ),
    ]);
}

#[test]
fn a_pair() {
    let pair = Words::paired;
    let other = |org| {
        vec![Carrier { org: ORG, paired_with: Some(PARTY) }, Carrier { org: OrgId(org), paired_with: None }]
    };
    check(vec![
        ("both say the same", pair(), "in sync"),
        (
            "read long ago, both say the same",
            pair().sales_typed_and_we_read_it(Field::Name, Some("Acme"), 900),
            "in sync",
        ),
        ("its organization was not read", pair().crm_side(CrmSide::Unknown), "read 11"),
        (
            "its organization is gone since long",
            pair().crm_side(CrmSide::Absent { last_seen: ago(61) }),
            "hold organization_gone",
        ),
        (
            "its organization was there a moment ago",
            pair().crm_side(CrmSide::Absent { last_seen: ago(20) }),
            "wait 40s",
        ),
        ("another organization carries its id", pair().carriers(other(12)), "hold several_organizations"),
        (
            "its own organization carries no id any more",
            pair().carriers(Vec::new()).sales_typed(Field::ErpCustomerId, None),
            "update 11: erp_customer_id ->300000200000001",
        ),
        ("the ERP no longer shows it", pair().erp_side(ErpSide::Missing), "hold party_missing"),
        ("unreadable", pair().erp_side(ErpSide::Malformed("PartyId".into())), "hold malformed"),
        ("an update in doubt", pair().sales_typed(Field::Name, Some("X")).in_doubt(), "wait 30s"),
        ("it lost its usage", pair().erp(supplier), "in sync"),
        ("it became inactive", pair().erp(inactive), "update 11: erp_status Active>Inactive"),
    ]);
}

#[test]
fn one_field_of_a_pair() {
    let pair = Words::paired;
    check(vec![
        ("finance changed it", pair().erp(|c| c.party.phone = Some("2".into())), "update 11: phone 1>2"),
        (
            "finance changed two",
            pair().erp(|c| {
                c.party.phone = Some("2".into());
                c.party.tax_id = Some("DE2".into());
            }),
            "update 11: phone 1>2, tax_id DE1>DE2",
        ),
        ("finance changed blanks only", pair().erp(|c| c.party.name = " Acme\u{a0}".into()), "in sync"),
        ("finance emptied it", pair().erp(|c| c.party.phone = None), "update 11: phone 1>-"),
        (
            "finance emptied it, sales had changed it",
            pair().erp(|c| c.party.phone = None).sales_typed(Field::Phone, Some("9")),
            "in sync",
        ),
        ("sales changed it", pair().sales_typed(Field::Phone, Some("9")), "update 11: phone 9>1"),
        ("sales emptied it", pair().sales_typed(Field::Phone, None), "update 11: phone ->1"),
        (
            "sales filled what finance left empty",
            pair().sales_typed(Field::Website, Some("acme.example")),
            "in sync",
        ),
        (
            "sales changed it long before we read",
            pair().sales_typed_and_we_read_it(Field::Phone, Some("9"), 6),
            "read 11",
        ),
        (
            "sales and finance made the same change",
            pair().erp(|c| c.party.phone = Some("2".into())).sales_typed(Field::Phone, Some("2")),
            "in sync",
        ),
        (
            "the CRM keeps its own form of it",
            pair().sales_typed(Field::Phone, Some("+1")).written(Field::Phone, "1", Some("+1"), 1),
            "in sync",
        ),
        (
            "changed back after one write",
            pair().sales_typed(Field::Phone, Some("9")).written(Field::Phone, "1", Some("1"), 1),
            "update 11: phone 9>1",
        ),
        (
            "changed back after two writes",
            pair().sales_typed(Field::Phone, Some("9")).written(Field::Phone, "1", Some("1"), 2),
            "hold tug_of_war",
        ),
        (
            "changed back after two writes, another field differs",
            pair()
                .sales_typed(Field::Phone, Some("9"))
                .written(Field::Phone, "1", Some("1"), 2)
                .erp(|c| c.party.tax_id = Some("DE2".into())),
            "update 11: tax_id DE1>DE2, then hold tug_of_war",
        ),
        (
            "a new value after a tug of war",
            pair()
                .sales_typed(Field::Phone, Some("9"))
                .written(Field::Phone, "1", Some("1"), 2)
                .erp(|c| c.party.phone = Some("2".into())),
            "update 11: phone 9>2",
        ),
    ]);
}

#[test]
fn a_refused_write_is_not_repeated_until_it_is_another_write() {
    let refused = |name: &str| {
        let mut customer = acme();
        customer.party.name = name.into();
        let step = Step::Create { values: mapping::desired(&customer).values };
        HoldReason::Refused { step, message: "no".into() }
    };
    check(vec![
        ("the same create", Words::customer().held(refused("Acme")), "hold refused"),
        ("a create with another name", Words::customer().held(refused("Emca")), "create Acme"),
        ("another hold", Words::customer().held(HoldReason::PartyMissing), "create Acme"),
    ]);
}

#[test]
fn reasons_explain_themselves() {
    let reasons = [
        HoldReason::OrganizationGone { org: ORG },
        HoldReason::SeveralOrganizations { orgs: vec![ORG, OrgId(12)] },
        HoldReason::OrganizationTaken { org: ORG, by: OTHER },
        HoldReason::PartyMissing,
        HoldReason::TugOfWar { field: Field::Phone, erp: None, crm: Some(Value::Text("9".into())) },
        HoldReason::Refused { step: Step::Bind { org: ORG }, message: "no".into() },
        HoldReason::Malformed { reason: "PartyId is a list".into() },
    ];
    let keys: BTreeSet<&str> = reasons.iter().map(HoldReason::key).collect();
    assert_eq!(keys.len(), reasons.len(), "each has its own name");
    for reason in reasons {
        assert!(
            reason.explain().chars().next().is_some_and(char::is_uppercase) || reason.key() == "tug_of_war"
        );
    }
}
