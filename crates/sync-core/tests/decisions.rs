//! The policy of the customer flow as a table: a situation in words, and the decision in words. Read it top down.
//!
//! It is long on purpose: whoever asks what the connector does in a case looks through one table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    answers::{Answer, Answers},
    budget::Class,
    decide::{Decision, decide},
    fields::{Field, FieldTable, Owner, Values},
    foresee::{Rest, foresee},
    hierarchy::Family,
    hold::HoldReason,
    ids::{AccountId, OrgId, PartyId},
    mapping,
    model::{CrmOrg, ErpAccount, ErpCustomer, ErpParty, PartyStatus},
    pair::{Pair, Written},
    plan::Step,
    policy::{CrmReactions, ErpReactions, Filter, Life, Policy, Reaction},
    situation::{Carrier, CrmSide, Doubt, ErpSide, Likeness, Situation},
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
    let usages = BTreeSet::from(["CUSTOMER".to_owned()]);
    Policy::of(usages, SignedDuration::from_secs(60), SignedDuration::from_secs(5))
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
        duns: None,
        email: None,
        currency: None,
        address: None,
        attributes: Default::default(),
        updated_at: ago(900),
    };
    ErpCustomer::of(party, Vec::new())
}

fn account() -> ErpAccount {
    ErpAccount { id: AccountId(5), party: PARTY, number: "A-5".into(), updated_at: ago(900) }
}

/// A situation that starts with an active customer without an organization; each word changes one thing.
struct Words(Situation, Policy);

impl Words {
    fn customer() -> Self {
        Self(
            Situation {
                party: PARTY,
                now: now(),
                erp: ErpSide::Present(acme()),
                pair: None,
                crm: CrmSide::NoPair,
                carriers: Vec::new(),
                likeness: Likeness::NotCompared,
                made_for: None,
                doubt: None,
                hold: None,
                try_again: false,
                answers: Answers::default(),
                family: Family::default(),
            },
            policy(),
        )
    }

    /// In agreement with its organization, which was read just now.
    fn paired() -> Self {
        let values = mapping::desired(&FieldTable::default(), &acme()).values;
        let pair = Pair {
            party: PARTY,
            org: ORG,
            erp_mirror: values.clone(),
            crm_mirror: values.clone(),
            written: BTreeMap::new(),
        };
        let carriers = vec![Carrier { org: ORG, paired_with: Some(PARTY) }];
        let words = Self::customer().carriers(carriers).crm_says(values, 0);
        Self(Situation { pair: Some(pair), ..words.0 }, words.1)
    }

    fn erp(mut self, change: impl FnOnce(&mut ErpCustomer)) -> Self {
        if let ErpSide::Present(customer) = &mut self.0.erp {
            change(customer);
        }
        self
    }

    fn erp_side(self, erp: ErpSide) -> Self {
        Self(Situation { erp, ..self.0 }, self.1)
    }

    fn carriers(self, carriers: Vec<Carrier>) -> Self {
        Self(Situation { carriers, ..self.0 }, self.1)
    }

    fn crm_side(self, crm: CrmSide) -> Self {
        Self(Situation { crm, ..self.0 }, self.1)
    }

    fn crm_says(self, values: Values, seconds_ago: i64) -> Self {
        let org = CrmOrg { id: ORG, values, facts: Default::default(), updated_at: ago(600) };
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

    fn answers(mut self, change: impl FnOnce(&mut Answers)) -> Self {
        change(&mut self.0.answers);
        self
    }

    fn in_doubt(self) -> Self {
        Self(Situation { doubt: Some(Doubt { settled_at: ago(-30) }), ..self.0 }, self.1)
    }

    fn a_cycle_later(self) -> Self {
        Self(Situation { try_again: true, ..self.0 }, self.1)
    }

    fn held(self, hold: HoldReason) -> Self {
        Self(Situation { hold: Some(hold), ..self.0 }, self.1)
    }

    /// The connection's owner wants something else than the default.
    fn wanting(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.1);
        self
    }

    fn owned(self, field: Field, owner: Owner) -> Self {
        self.wanting(|policy| policy.fields = policy.fields.clone().with(field, owner))
    }

    /// A person answered what is asked now.
    fn answered(mut self, answer: &Answer) -> Self {
        let Decision::Hold(question) = decide(&self.1, &self.0) else { panic!("nothing is asked") };
        self.0.answers.give(&question, answer, self.0.now).unwrap();
        self
    }

    /// What was decided is written, and the answer of the CRM is our mirror.
    fn written_as_decided(mut self) -> Self {
        let Decision::Do(plan) = decide(&self.1, &self.0) else { panic!("nothing is written") };
        let (Some(Step::Update { changes, .. }), Some(pair)) = (plan.steps.first(), &mut self.0.pair) else {
            panic!("no field is written")
        };
        let CrmSide::Present { org, .. } = &mut self.0.crm else { panic!("there is no organization") };
        for change in changes {
            for values in [&mut org.values, &mut pair.erp_mirror, &mut pair.crm_mirror] {
                match &change.new {
                    Some(value) => values.insert(change.field, value.clone()),
                    None => values.remove(&change.field),
                };
            }
        }
        self
    }

    fn decision(&self) -> String {
        in_words(&decide(&self.1, &self.0))
    }
}

fn in_words(decision: &Decision) -> String {
    let step = |step: &Step| match step {
        Step::Bind { org } => format!("bind {org}"),
        Step::Forget { org } => format!("forget {org}"),
        Step::Create { values } => format!("create {}", values[&Field::Name].text()),
        Step::Update { org, changes } => {
            let text = |value: &Option<Value>| value.as_ref().map_or("-", Value::text).to_owned();
            let changes: Vec<String> = changes
                .iter()
                .map(|change| format!("{} {}>{}", change.field.key(), text(&change.old), text(&change.new)))
                .collect();
            format!("update {org}: {}", changes.join(", "))
        }
        Step::Relate { .. } | Step::Unrelate { .. } => step.op().to_owned(),
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

/// What each side may do with a customer that ends in the ERP or returns there.
#[test]
fn customers_that_end_in_the_erp_and_return() {
    let to = |reaction| {
        move |policy: &mut Policy| {
            policy.erp =
                ErpReactions { inactive: reaction, merged: reaction, deleted: reaction, returned: reaction };
        }
    };
    let inactive = || Words::paired().erp(inactive);
    let merged = || Words::paired().erp(|c| c.party.status = PartyStatus::Other("M".into()));
    let deleted = || Words::paired().erp_side(ErpSide::Missing);
    let back = |words: Words| words.written_as_decided().erp_side(ErpSide::Present(acme()));
    let returned = || back(inactive());
    let new_phone = |words: Words| words.erp(|c| c.party.phone = Some("2".into()));
    let flag = || Answer::Flag;
    check(vec![
        ("inactive, flag", inactive().wanting(to(Reaction::Flag)), "update 11: erp_status Active>Inactive"),
        ("inactive, ignore", inactive().wanting(to(Reaction::Ignore)), "in sync"),
        ("inactive, ignore, changed", new_phone(inactive()).wanting(to(Reaction::Ignore)), "in sync"),
        ("inactive, ask", inactive().wanting(to(Reaction::Ask)), "hold customer_ended"),
        (
            "inactive, asked: flag",
            inactive().wanting(to(Reaction::Ask)).answered(&flag()),
            "update 11: erp_status Active>Inactive",
        ),
        ("inactive, asked: leave", inactive().wanting(to(Reaction::Ask)).answered(&Answer::Leave), "in sync"),
        (
            "inactive, flagged, then changed",
            new_phone(inactive().written_as_decided()).wanting(to(Reaction::Ask)),
            "update 11: phone 1>2",
        ),
        ("merged, flag", merged().wanting(to(Reaction::Flag)), "update 11: erp_status Active>M"),
        ("merged, ignore", merged().wanting(to(Reaction::Ignore)), "in sync"),
        ("merged, ask", merged().wanting(to(Reaction::Ask)), "hold customer_ended"),
        (
            "merged, asked: flag",
            merged().wanting(to(Reaction::Ask)).answered(&flag()),
            "update 11: erp_status Active>M",
        ),
        ("deleted, flag", deleted().wanting(to(Reaction::Flag)), "update 11: erp_status Active>Deleted"),
        ("deleted and flagged", deleted().wanting(to(Reaction::Flag)).written_as_decided(), "in sync"),
        ("deleted, ignore", deleted().wanting(to(Reaction::Ignore)), "in sync"),
        ("deleted, ask", deleted().wanting(to(Reaction::Ask)), "hold party_missing"),
        (
            "deleted, asked: flag",
            deleted().wanting(to(Reaction::Ask)).answered(&flag()),
            "update 11: erp_status Active>Deleted",
        ),
        ("deleted, asked: leave", deleted().wanting(to(Reaction::Ask)).answered(&Answer::Leave), "in sync"),
        ("returned, flag", returned().wanting(to(Reaction::Flag)), "update 11: erp_status Inactive>Active"),
        ("returned, ignore", returned().wanting(to(Reaction::Ignore)), "in sync"),
        ("returned, ask", returned().wanting(to(Reaction::Ask)), "hold customer_returned"),
        (
            "returned, asked: resume",
            returned().wanting(to(Reaction::Ask)).answered(&Answer::Resume),
            "update 11: erp_status Inactive>Active",
        ),
        ("returned, asked: leave", returned().wanting(to(Reaction::Ask)).answered(&Answer::Leave), "in sync"),
        (
            "back after it was deleted",
            back(deleted().wanting(to(Reaction::Flag))),
            "update 11: erp_status Deleted>Active",
        ),
    ]);
}

/// The status says it, and a label beside those that people give.
#[test]
fn customers_whose_end_is_told_by_a_label() {
    let label = |words: Words| {
        words.owned(Field::Labels, Owner::Erp).wanting(|policy| {
            let [inactive, merged, deleted] = [Reaction::Label; 3];
            policy.erp = ErpReactions { inactive, merged, deleted, returned: Reaction::Flag };
        })
    };
    let labelled = |labels: &'static [&'static str]| {
        move |words: Words| {
            let CrmSide::Present { org, .. } = &words.0.crm else { panic!("there is no organization") };
            let mut values = org.values.clone();
            let labels = Value::labels(labels.iter().map(ToString::to_string).collect());
            values.extend(labels.map(|labels| (Field::Labels, labels)));
            words.crm_says(values, 0)
        }
    };
    let inactive = || Words::paired().erp(inactive);
    let merged = || Words::paired().erp(|c| c.party.status = PartyStatus::Other("M".into()));
    let back = |words: Words| words.written_as_decided().erp_side(ErpSide::Present(acme()));
    let customer = labelled(&["Customer"]);
    check(vec![
        ("inactive", label(inactive()), "update 11: erp_status Active>Inactive, labels ->ERP inactive"),
        (
            "inactive, people label it too",
            label(customer(inactive())),
            "update 11: erp_status Active>Inactive, labels Customer>Customer, ERP inactive",
        ),
        ("inactive and labelled", label(customer(inactive())).written_as_decided(), "in sync"),
        (
            "inactive, somebody takes the label off",
            customer(label(inactive()).written_as_decided()),
            "update 11: labels Customer>Customer, ERP inactive",
        ),
        ("merged", label(merged()), "update 11: erp_status Active>M, labels ->ERP merged"),
        (
            "deleted",
            label(Words::paired().erp_side(ErpSide::Missing)),
            "update 11: erp_status Active>Deleted, labels ->ERP deleted",
        ),
        (
            "deleted and labelled",
            label(Words::paired().erp_side(ErpSide::Missing)).written_as_decided(),
            "in sync",
        ),
        ("back", back(label(inactive())), "update 11: erp_status Inactive>Active, labels ERP inactive>-"),
        (
            "back, people's own labels stay",
            back(label(customer(inactive()))),
            "update 11: erp_status Inactive>Active, labels Customer, ERP inactive>Customer",
        ),
        ("in use, labelled by people only", label(customer(Words::paired())), "in sync"),
    ]);
}

#[test]
fn organizations_that_end_in_the_crm_and_return() {
    let to = |reaction| {
        move |policy: &mut Policy| {
            policy.crm = CrmReactions { merged: reaction, deleted: reaction, returned: reaction };
        }
    };
    let gone = || Words::paired().carriers(Vec::new()).crm_side(CrmSide::Absent { last_seen: ago(61) });
    let into =
        |paired_with| move |words: Words| words.carriers(vec![Carrier { org: OrgId(12), paired_with }]);
    let into_nobodys = into(None);
    let into_anothers = into(Some(OTHER));
    let back = |words: Words| {
        let values = mapping::desired(&FieldTable::default(), &acme()).values;
        words.crm_says(values, 0).erp(|c| c.party.phone = Some("2".into()))
    };
    let made_for = |words: Words| Words(Situation { made_for: Some(ORG), ..words.0 }, words.1);
    let left = || gone().answered(&Answer::Leave);
    check(vec![
        ("deleted, ask", gone().wanting(to(Reaction::Ask)), "hold organization_gone"),
        ("deleted, ignore", gone().wanting(to(Reaction::Ignore)), "in sync"),
        ("deleted, asked: leave", left(), "in sync"),
        ("deleted, asked: recreate", gone().answered(&Answer::Recreate), "forget 11"),
        ("merged into one of nobody's: it carries the id now", into_nobodys(gone()), "bind 12"),
        ("merged into another customer's, ask", into_anothers(gone()), "hold organization_merged"),
        (
            "merged into another customer's, ignore",
            into_anothers(gone()).wanting(to(Reaction::Ignore)),
            "in sync",
        ),
        (
            "merged into another customer's, asked: alias",
            into_anothers(gone()).answered(&Answer::Alias),
            "forget 11",
        ),
        ("an alias", Words::customer().answers(|answers| answers.alias_of = Some(OTHER)), "in sync"),
        (
            "created by a handover whose organization is another's by now",
            made_for(Words::customer()),
            "in sync",
        ),
        ("back, nothing was decided", back(gone()), "update 11: phone 1>2"),
        ("back after it was left, flag", back(left()).wanting(to(Reaction::Flag)), "update 11: phone 1>2"),
        ("back after it was left, ignore", back(left()).wanting(to(Reaction::Ignore)), "in sync"),
        (
            "back after it was left, ask",
            back(left()).wanting(to(Reaction::Ask)),
            "hold organization_returned",
        ),
        (
            "back after it was left, asked: resume",
            back(left()).wanting(to(Reaction::Ask)).answered(&Answer::Resume),
            "update 11: phone 1>2",
        ),
        (
            "back after it was left, asked: leave",
            back(left()).wanting(to(Reaction::Ask)).answered(&Answer::Leave),
            "in sync",
        ),
    ]);
}

#[test]
fn a_person_decides_which_organization_it_is() {
    let free = |org| Carrier { org: OrgId(org), paired_with: None };
    let own = Carrier { org: ORG, paired_with: Some(PARTY) };
    let two = || Words::customer().carriers(vec![free(11), free(12)]);
    let paired = || Words::paired().carriers(vec![own, free(12)]);
    let same = |org| Answer::Same { org: OrgId(org) };
    let apart = |org| Answer::Apart { org: OrgId(org) };
    check(vec![
        ("two carry its id, it is the second", two().answered(&same(12)), "bind 12"),
        ("two carry its id, the first is another company", two().answered(&apart(11)), "bind 12"),
        ("a second one carries its id, it is another company", paired().answered(&apart(12)), "in sync"),
        ("a second one carries its id, and it is that", paired().answered(&same(12)), "forget 11"),
        (
            "the only one belongs to another party, it is another company",
            Words::customer()
                .carriers(vec![Carrier { org: ORG, paired_with: Some(OTHER) }])
                .answered(&apart(11)),
            "create Acme",
        ),
    ]);
}

#[test]
fn fields_about_which_a_person_is_asked() {
    let ask = || Words::paired().owned(Field::Phone, Owner::Ask);
    let finance = |words: Words, phone: &str| {
        let phone = phone.to_owned();
        words.erp(|c| c.party.phone = Some(phone))
    };
    let edited = || ask().sales_typed(Field::Phone, Some("9"));
    check(vec![
        ("finance changed it", finance(ask(), "2"), "update 11: phone 1>2"),
        ("sales changed it", edited(), "hold conflict"),
        ("both changed it", finance(edited(), "2"), "hold conflict"),
        ("both changed it, alike", finance(edited(), "9"), "in sync"),
        ("sales changed it: the ERP counts", edited().answered(&Answer::UseErp), "update 11: phone 9>1"),
        ("sales changed it: it stays", edited().answered(&Answer::LeaveCrm), "in sync"),
        (
            "it stays, then finance changes it",
            finance(edited().answered(&Answer::LeaveCrm), "2"),
            "hold conflict",
        ),
        (
            "sales changed it, finance another field",
            edited().erp(|c| c.party.tax_id = Some("DE2".into())),
            "update 11: tax_id DE1>DE2, then hold conflict",
        ),
        (
            "after a tug of war it stays",
            Words::paired()
                .sales_typed(Field::Phone, Some("9"))
                .written(Field::Phone, "1", Some("1"), 2)
                .answered(&Answer::LeaveCrm),
            "in sync",
        ),
    ]);
}

#[test]
fn which_parties_are_customers() {
    let customer = Words::customer;
    let only = |pattern: &str| {
        let names = Filter { only: vec![pattern.to_owned()], except: Vec::new() };
        move |policy: &mut Policy| policy.customers.names = names
    };
    let account_required = |policy: &mut Policy| policy.customers.account_required = true;
    check(vec![
        (
            "a usage is not enough where an account is required",
            customer().wanting(account_required),
            "not ours",
        ),
        (
            "an account is, whatever the usage",
            customer().wanting(account_required).erp(|c| c.accounts.push(account())),
            "create Acme",
        ),
        ("its name passes the filter", customer().wanting(only("ac*")), "create Acme"),
        ("its name does not", customer().wanting(only("b*")), "not ours"),
        (
            "its number does not",
            customer().wanting(|policy| policy.customers.numbers.except = vec!["10*".into()]),
            "not ours",
        ),
        (
            "renamed out of the filter: what is there stays",
            Words::paired().wanting(only("ac*")).erp(|c| c.party.name = "Bolt".into()),
            "in sync",
        ),
    ]);
}

#[test]
fn opt_in_fields_are_written_only_where_they_are_mapped() {
    let duns = |c: &mut ErpCustomer| c.party.duns = Some("123456789".into());
    check(vec![
        ("not mapped", Words::paired().erp(duns), "in sync"),
        ("mapped", Words::paired().erp(duns).owned(Field::Duns, Owner::Erp), "update 11: duns ->123456789"),
    ]);
}

#[test]
fn a_refused_write_is_not_repeated_until_it_is_another_write() {
    let refused = |name: &str| {
        let mut customer = acme();
        customer.party.name = name.into();
        let step = Step::Create { values: mapping::desired(&FieldTable::default(), &customer).values };
        HoldReason::Refused { step, message: "no".into(), exchange: None }
    };
    check(vec![
        ("the same create", Words::customer().held(refused("Acme")), "hold refused"),
        (
            "the same create, a cycle later",
            Words::customer().held(refused("Acme")).a_cycle_later(),
            "create Acme",
        ),
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
        HoldReason::CustomerEnded { life: Life::Inactive },
        HoldReason::CustomerReturned { was: "Inactive".into() },
        HoldReason::OrganizationReturned { org: ORG },
        HoldReason::OrganizationMerged { org: ORG, into: OrgId(12), of: OTHER },
        HoldReason::OrganizationUnreadable { org: ORG, reason: "name is a list".into() },
        HoldReason::Conflict { field: Field::Phone, erp: None, crm: None, before: None },
        HoldReason::TugOfWar { field: Field::Phone, erp: None, crm: Some(Value::Text("9".into())) },
        HoldReason::Refused { step: Step::Bind { org: ORG }, message: "no".into(), exchange: None },
        HoldReason::Malformed { reason: "PartyId is a list".into() },
    ];
    let keys: BTreeSet<&str> = reasons.iter().map(HoldReason::key).collect();
    assert_eq!(keys.len(), reasons.len(), "each has its own name");
    for reason in reasons {
        assert!(
            reason.explain().chars().next().is_some_and(char::is_uppercase) || reason.key() == "tug_of_war"
        );
        assert!(reason.answers().iter().any(|(key, _)| *key == "retry"), "{}", reason.key());
    }
}

/// What a preview shows is the whole course, not only its first step.
#[test]
fn a_course_is_followed_to_its_write() {
    let steps = |words: &Words, class: Class, orgs: &BTreeMap<OrgId, (CrmOrg, Timestamp)>| {
        let course = foresee(&words.1, words.0.clone(), class, orgs);
        let told: Vec<String> =
            course.plans.iter().map(|plan| in_words(&Decision::Do(plan.clone()))).collect();
        let classes: Vec<Class> = course.plans.iter().map(|plan| plan.class).collect();
        (told, classes, course.rest)
    };
    let mut values = mapping::desired(&FieldTable::default(), &acme()).values;
    values.insert(Field::Name, Value::Text("By hand".into()));
    let orgs = BTreeMap::from([(
        ORG,
        (CrmOrg { id: ORG, values, facts: Default::default(), updated_at: ago(600) }, ago(0)),
    )]);

    let free = Words::customer().carriers(vec![Carrier { org: ORG, paired_with: None }]);
    let (told, classes, rest) = steps(&free, Class::Backfill, &orgs);
    assert_eq!(told, ["bind 11", "update 11: name By hand>Acme"]);
    assert_eq!(classes, [Class::Backfill, Class::NewCustomer], "after a bind the key is asked for again");
    assert_eq!(rest, Rest::InSync);
    let (told, _, rest) = steps(&free, Class::Backfill, &BTreeMap::new());
    assert_eq!((told.len(), rest), (1, Rest::Unread { org: ORG }), "what is not known is not guessed");

    let gone = Words::paired()
        .carriers(Vec::new())
        .crm_side(CrmSide::Absent { last_seen: ago(600) })
        .answered(&Answer::Recreate);
    let (told, _, rest) = steps(&gone, Class::Edit, &orgs);
    assert_eq!(
        (told.as_slice(), rest),
        (["forget 11".to_owned(), "create Acme".to_owned()].as_slice(), Rest::InSync)
    );

    let (told, _, rest) = steps(&Words::paired().in_doubt(), Class::Edit, &orgs);
    assert_eq!((told.len(), rest), (0, Rest::Wait { until: ago(-30) }));
}
