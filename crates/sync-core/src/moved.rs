//! What moved between a plan that a person approved and what would be decided now.

use serde::{Deserialize, Serialize};

use crate::{
    decide::Decision,
    fields::Field,
    merge::Side,
    plan::{Change, Plan, Rule, Step},
    value::{Value, same},
};

/// Something that is no longer as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The side it happened on; none where that cannot be told.
    pub side: Option<Side>,
    /// The field, if it is about one.
    pub field: Option<Field>,
    /// What happened, in words for people.
    pub what: String,
}

impl Moved {
    /// On this side, but about no field.
    #[must_use]
    pub fn on(side: Side, what: impl Into<String>) -> Self {
        Self { side: Some(side), field: None, what: what.into() }
    }

    fn somewhere(what: impl Into<String>) -> Self {
        Self { side: None, field: None, what: what.into() }
    }

    fn field(side: Side, field: Field, was: Option<&Value>, is: Option<&Value>) -> Self {
        let text = |value: Option<&Value>| value.map_or("nothing", Value::text).to_owned();
        let who = match side {
            Side::Erp => "the ERP",
            Side::Crm => "the CRM",
        };
        let what = format!("{field}: {who} said \"{}\" and says \"{}\" now", text(was), text(is));
        Self { side: Some(side), field: Some(field), what }
    }
}

/// What moved since `approved` was decided; empty if `now` is the very same plan. The class is no part of it: how urgent
/// a plan is depends on who asks.
#[must_use]
pub fn moved(approved: &Plan, now: &Decision) -> Vec<Moved> {
    match now {
        Decision::Do(plan) => {
            if plan.clone().asked_by(approved.class) == *approved {
                return Vec::new();
            }
            let mut moved = match (approved.rule, plan.rule) {
                (Rule::ErpFamily, Rule::ErpFamily) => relations(&approved.steps, &plan.steps),
                _ => between(approved.steps.first(), plan.steps.first()),
            };
            if moved.is_empty() {
                moved.push(Moved::somewhere(format!("the plan is another one now: {}", plan.reason)));
            }
            moved
        }
        Decision::InSync => vec![Moved::somewhere("both sides agree now, or are meant to differ")],
        Decision::NotOurs => vec![Moved::on(Side::Erp, "the party is none of our customers any more")],
        Decision::Hold(reason) => {
            vec![Moved::somewhere(format!("a person is asked now: {}", reason.explain()))]
        }
        Decision::WaitUntil(until) => {
            vec![Moved::somewhere(format!("nothing can be told before {until:.0}"))]
        }
        Decision::Observe(org) => {
            vec![Moved::on(Side::Crm, format!("organization {org} could not be read again"))]
        }
    }
}

fn between(approved: Option<&Step>, now: Option<&Step>) -> Vec<Moved> {
    match (approved, now) {
        (Some(Step::Create { values: was }), Some(Step::Create { values: is })) => Field::ALL
            .into_iter()
            .filter(|field| !same(was.get(field), is.get(field)))
            .map(|field| Moved::field(Side::Erp, field, was.get(&field), is.get(&field)))
            .collect(),
        (
            Some(Step::Update { org: was_org, changes: was }),
            Some(Step::Update { org: is_org, changes: is }),
        ) if was_org == is_org => Field::ALL.into_iter().flat_map(|field| updated(field, was, is)).collect(),
        (_, Some(Step::Bind { org })) => {
            vec![Moved::on(Side::Crm, format!("organization {org} carries the customer's ERP id now"))]
        }
        (_, Some(Step::Forget { org })) => vec![Moved::on(Side::Crm, format!("organization {org} is gone"))],
        (_, Some(Step::Create { .. })) => {
            vec![Moved::on(Side::Crm, "the customer has no organization any more")]
        }
        (Some(Step::Relate { .. } | Step::Unrelate { .. }), Some(Step::Update { org, changes })) => {
            let what = format!("organization {org} differs now in {}, which comes first", labels(changes));
            vec![Moved::somewhere(what)]
        }
        (_, Some(Step::Update { org, changes })) => {
            let what = format!("organization {org} is the customer's now and differs in {}", labels(changes));
            vec![Moved::on(Side::Crm, what)]
        }
        (_, Some(step @ (Step::Relate { .. } | Step::Unrelate { .. }))) => {
            related(step).into_iter().collect()
        }
        (_, None) => vec![Moved::somewhere("there is nothing to write any more")],
    }
}

fn labels(changes: &[Change]) -> String {
    changes.iter().map(|change| change.field.label()).collect::<Vec<&str>>().join(", ")
}

/// What moved between two plans about relations.
fn relations(was: &[Step], is: &[Step]) -> Vec<Moved> {
    let new = is.iter().filter(|step| !was.contains(step)).filter_map(related);
    let gone = was.iter().filter(|step| !is.contains(step)).filter_map(unrelated);
    new.chain(gone).collect()
}

/// What must have happened that a relation is to be written now.
fn related(step: &Step) -> Option<Moved> {
    let what = match step {
        Step::Relate { parent, parent_org, .. } => {
            format!("party {parent} is its parent now, with organization {parent_org}")
        }
        Step::Unrelate { relation, parent, .. } => {
            format!("party {parent} is its parent no longer, so that relation {relation} would end")
        }
        Step::Bind { .. } | Step::Forget { .. } | Step::Create { .. } | Step::Update { .. } => return None,
    };
    Some(Moved::on(Side::Erp, what))
}

/// What must have happened that a relation is to be written no more.
fn unrelated(step: &Step) -> Option<Moved> {
    let what = match step {
        Step::Relate { parent, parent_org, .. } => {
            format!("no relation to organization {parent_org} of party {parent} is to be made any more")
        }
        Step::Unrelate { relation, .. } => format!("relation {relation} is not to be ended any more"),
        Step::Bind { .. } | Step::Forget { .. } | Step::Create { .. } | Step::Update { .. } => return None,
    };
    Some(Moved::somewhere(what))
}

fn updated(field: Field, was: &[Change], is: &[Change]) -> Vec<Moved> {
    let of = |changes: &[Change]| changes.iter().find(|change| change.field == field).cloned();
    match (of(was), of(is)) {
        (None, None) => Vec::new(),
        (Some(was), Some(is)) => {
            let mut moved = Vec::new();
            if !same(was.new.as_ref(), is.new.as_ref()) {
                moved.push(Moved::field(Side::Erp, field, was.new.as_ref(), is.new.as_ref()));
            }
            if !same(was.old.as_ref(), is.old.as_ref()) {
                moved.push(Moved::field(Side::Crm, field, was.old.as_ref(), is.old.as_ref()));
            }
            moved
        }
        (None, Some(_)) => vec![Moved {
            side: None,
            field: Some(field),
            what: format!("{field}: differs now; it did not when the plan was made"),
        }],
        (Some(_), None) => {
            vec![Moved { side: None, field: Some(field), what: format!("{field}: needs no write any more") }]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        budget::Class,
        ids::{OrgId, PartyId, RelationId},
    };

    fn plan(class: Class, changes: &[(Field, &str, &str)]) -> Plan {
        let text = |text: &str| (text != "-").then(|| Value::Text(text.to_owned()));
        let changes = changes
            .iter()
            .map(|(field, old, new)| Change { field: *field, old: text(old), new: text(new) })
            .collect();
        Plan {
            party: PartyId(1),
            steps: vec![Step::Update { org: OrgId(11), changes }],
            reason: "differs".to_owned(),
            rule: Rule::ErpOwnsField,
            class,
            then_hold: None,
        }
    }

    #[test]
    fn the_same_plan_has_not_moved_whoever_asked_for_it() {
        let approved = plan(Class::Backfill, &[(Field::Name, "a", "b")]);
        let now = Decision::Do(plan(Class::Edit, &[(Field::Name, "a", "b")]));
        assert_eq!(moved(&approved, &now), []);
    }

    #[test]
    fn it_says_which_side_and_which_field() {
        let approved = plan(Class::Edit, &[(Field::Name, "a", "b"), (Field::TaxId, "-", "1")]);
        let now = plan(Class::Edit, &[(Field::Name, "a2", "b"), (Field::TaxId, "-", "2")]);
        let found = moved(&approved, &Decision::Do(now));
        let told: Vec<_> = found.iter().map(|moved| (moved.side, moved.field)).collect();
        assert_eq!(
            told,
            [(Some(Side::Crm), Some(Field::Name)), (Some(Side::Erp), Some(Field::TaxId))],
            "{found:?}"
        );
        assert_eq!(found[0].what, "Name: the CRM said \"a\" and says \"a2\" now");
        assert_eq!(moved(&approved, &Decision::InSync).len(), 1);
    }

    #[test]
    fn it_says_which_relation() {
        let relate =
            |parent| Step::Relate { parent: PartyId(parent), parent_org: OrgId(parent), org: OrgId(11) };
        let end = Step::Unrelate { relation: RelationId(7), parent: PartyId(4), org: OrgId(11) };
        let family =
            |steps: &[Step]| Plan { steps: steps.to_vec(), rule: Rule::ErpFamily, ..plan(Class::Edit, &[]) };
        let approved = family(&[relate(2), relate(3)]);
        assert_eq!(moved(&approved, &Decision::Do(approved.clone())), []);
        let found = moved(&approved, &Decision::Do(family(&[end.clone(), relate(3)])));
        let told: Vec<_> = found.iter().map(|moved| (moved.side, moved.what.as_str())).collect();
        assert_eq!(
            told,
            [
                (Some(Side::Erp), "party 4 is its parent no longer, so that relation 7 would end"),
                (None, "no relation to organization 2 of party 2 is to be made any more"),
            ]
        );
        let fields = plan(Class::Edit, &[(Field::Name, "a", "b")]);
        assert_eq!(moved(&fields, &Decision::Do(family(&[end]))).len(), 1);
        assert_eq!(moved(&approved, &Decision::Do(fields)).len(), 1);
    }
}
