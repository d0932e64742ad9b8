//! What would be written, record by record, with every field from old to new; counted and priced. For console, API and
//! command line alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Serialize;
use sync_core::fields::Field;
use sync_core::foresee::Rest;
use sync_core::hold::HoldReason;
use sync_core::plan::{Plan, Step};
use sync_core::value::Value;
use sync_engine::Foreseen;
use utoipa::ToSchema;

/// Records by what would be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Totals {
    /// Organizations created.
    pub create: u64,
    /// Organizations changed.
    pub update: u64,
    /// Pairs made with organizations that carry the customer's id (some of them are updated too).
    pub bind: u64,
    /// Pairs forgotten because their organization is gone.
    pub forget: u64,
    /// Organizations made daughters of others.
    pub relate: u64,
    /// Relations that we made, ended.
    pub unrelate: u64,
    /// Organizations made daughters of others once both exist.
    pub relate_later: u64,
    /// Questions for a person, by cause.
    pub hold: BTreeMap<&'static str, u64>,
    /// Records that have to wait, or to be read first.
    pub wait: u64,
    /// Records that agree already.
    pub unchanged: u64,
    /// Parties that are none of our customers.
    pub not_ours: u64,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Entry {
    /// The party.
    pub party: i64,
    /// The number that people use.
    pub number: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its organization, if it has one.
    pub organization: Option<i64>,
    /// What would be done first: create, update, bind, forget, relate, unrelate, hold, wait, unchanged or not_ours.
    pub action: &'static str,
    /// What would be stored and written, in order.
    pub writes: Vec<Writing>,
    /// Relations that follow once both parties have organizations. They are no part of a plan yet: a sync makes them, or
    /// the next plan shows them.
    pub relations_to_come: Vec<ToCome>,
    /// The question that would be asked.
    pub hold: Option<Question>,
    /// Why it has to wait.
    pub waits: Option<String>,
    /// What its writes cost, relations that follow included.
    pub tokens: u64,
    /// When its organization was read.
    pub read_at: Option<String>,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Writing {
    /// create, update, bind, forget, relate or unrelate.
    pub op: &'static str,
    /// The organization, if it exists already.
    pub organization: Option<i64>,
    /// Why.
    pub reason: String,
    /// The rule behind it.
    pub rule: &'static str,
    /// How urgent it is.
    #[schema(value_type = String)]
    pub class: sync_core::budget::Class,
    /// Field by field.
    pub changes: Vec<Changed>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Changed {
    /// The field's key.
    pub field: String,
    /// What people call it.
    #[serde(skip)]
    pub label: String,
    /// What the CRM says.
    pub old: Option<String>,
    /// What it would say.
    pub new: Option<String>,
}

/// A relation that follows once both parties have organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct ToCome {
    /// The daughter's party.
    pub daughter: i64,
    /// The parent's party.
    pub parent: i64,
}

/// Relations that cannot be planned yet, because one of the two organizations or both are still to be made.
#[derive(Debug, Default)]
pub struct Families {
    awaited: BTreeSet<ToCome>,
    /// Parents that have an organization, or would get one.
    founded: BTreeSet<i64>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Question {
    /// Its cause.
    pub cause: &'static str,
    /// In words.
    pub explanation: String,
}

impl Totals {
    /// Counts a record.
    pub fn count(&mut self, foreseen: &Foreseen) {
        for step in foreseen.plans.iter().flat_map(|plan| &plan.steps) {
            match step {
                Step::Create { .. } => self.create += 1,
                Step::Update { .. } => self.update += 1,
                Step::Bind { .. } => self.bind += 1,
                Step::Forget { .. } => self.forget += 1,
                Step::Relate { .. } => self.relate += 1,
                Step::Unrelate { .. } => self.unrelate += 1,
            }
        }
        match &foreseen.rest {
            Rest::Hold { reason } => *self.hold.entry(reason.key()).or_default() += 1,
            Rest::Wait { .. } | Rest::Unread { .. } => self.wait += 1,
            Rest::InSync if foreseen.plans.is_empty() => self.unchanged += 1,
            Rest::NotOurs if foreseen.plans.is_empty() => self.not_ours += 1,
            Rest::InSync | Rest::NotOurs => {}
        }
    }
}

impl Families {
    /// Notes what a party waits for, and who waits for it.
    pub fn note(&mut self, foreseen: &Foreseen) {
        let party = foreseen.party.0;
        for parent in &foreseen.parents_to_come {
            self.awaited.insert(ToCome { daughter: party, parent: parent.party.0 });
            self.founded.extend(parent.org.map(|_| parent.party.0));
        }
        let daughters = foreseen.daughters_to_come.iter();
        self.awaited.extend(daughters.map(|daughter| ToCome { daughter: daughter.0, parent: party }));
        self.founded.extend(foreseen.gets_organization().then_some(party));
    }

    /// Adds the relations that will follow, at this price each, to the record of the daughter, or else of the parent.
    pub fn tell(self, entries: &mut [Entry], totals: &mut Totals, price: u32) {
        let Self { awaited, founded } = self;
        let places: BTreeMap<i64, usize> =
            entries.iter().enumerate().map(|(place, entry)| (entry.party, place)).collect();
        for to_come in awaited.into_iter().filter(|to_come| founded.contains(&to_come.parent)) {
            totals.relate_later += 1;
            let place = places.get(&to_come.daughter).or_else(|| places.get(&to_come.parent));
            if let Some(entry) = place.and_then(|place| entries.get_mut(*place)) {
                entry.relations_to_come.push(to_come);
                entry.tokens += u64::from(price);
            }
        }
    }
}

impl Entry {
    /// The record of a party, with the price of a step.
    pub fn of(foreseen: &Foreseen, price: impl Fn(&Step) -> u32) -> Self {
        let Foreseen { party, number, name, org, plans, rest, read_at, .. } = foreseen;
        let first = plans.iter().flat_map(|plan| &plan.steps).next();
        let (hold, waits) = match rest {
            Rest::Hold { reason } => (Some(question(reason)), None),
            Rest::Wait { until } => (None, Some(format!("nothing can be told before {until:.0}"))),
            Rest::Unread { org } => (None, Some(format!("organization {org} has to be read first"))),
            Rest::InSync | Rest::NotOurs => (None, None),
        };
        let action = first.map_or(
            match rest {
                Rest::Hold { .. } => "hold",
                Rest::Wait { .. } | Rest::Unread { .. } => "wait",
                Rest::InSync => "unchanged",
                Rest::NotOurs => "not_ours",
            },
            Step::op,
        );
        Self {
            party: party.0,
            number: number.clone(),
            name: name.clone(),
            organization: org.map(|org| org.0),
            action,
            writes: plans.iter().flat_map(writes).collect(),
            relations_to_come: Vec::new(),
            hold,
            waits,
            tokens: plans.iter().flat_map(|plan| &plan.steps).map(|step| u64::from(price(step))).sum(),
            read_at: read_at.map(|at| format!("{at:.0}")),
        }
    }

    /// Whether there is nothing to say about it.
    pub fn is_quiet(&self) -> bool {
        self.writes.is_empty() && self.hold.is_none() && self.waits.is_none()
    }

    /// A block of lines for people.
    pub fn told(&self) -> String {
        let mut text =
            format!("{}  {}", self.action.replace('_', " "), self.name.as_deref().unwrap_or("(no name)"));
        let number = self.number.as_deref().map(|number| format!(", number {number}")).unwrap_or_default();
        let organization = self.organization.map(|org| format!(", organization {org}")).unwrap_or_default();
        // Writing to a String cannot fail.
        let read_at = self.read_at.as_deref().map(|at| format!(", read {at}")).unwrap_or_default();
        let tokens = if self.tokens > 0 { format!(", {} tokens", self.tokens) } else { String::new() };
        let _ = writeln!(text, "  (party {}{number}{organization}{read_at}{tokens})", self.party);
        for write in &self.writes {
            let _ = writeln!(text, "    {}: {} [{}]", write.op, write.reason, write.rule);
            for change in &write.changes {
                let _ = writeln!(
                    text,
                    "      {:<20} {} -> {}",
                    change.label,
                    quoted(change.old.as_deref()),
                    quoted(change.new.as_deref())
                );
            }
        }
        for ToCome { daughter, parent } in &self.relations_to_come {
            let _ = writeln!(
                text,
                "    later: party {daughter} becomes a daughter of party {parent}, once both have organizations"
            );
        }
        if let Some(hold) = &self.hold {
            let _ = writeln!(text, "    asks a person: {} [{}]", hold.explanation, hold.cause);
        }
        if let Some(waits) = &self.waits {
            let _ = writeln!(text, "    waits: {waits}");
        }
        text
    }
}

fn quoted(value: Option<&str>) -> String {
    value.map_or("nothing".to_owned(), |value| format!("\"{value}\""))
}

fn question(reason: &HoldReason) -> Question {
    Question { cause: reason.key(), explanation: reason.explain() }
}

fn writes(plan: &Plan) -> Vec<Writing> {
    let Plan { party: _, steps, reason, rule, class, then_hold: _ } = plan;
    let of = |step: &Step| Writing {
        op: step.op(),
        organization: step.org().map(|org| org.0),
        reason: reason.clone(),
        rule: rule.key(),
        class: *class,
        changes: changes(step),
    };
    steps.iter().map(of).collect()
}

fn changes(step: &Step) -> Vec<Changed> {
    let changed = |field: Field, old: Option<&Value>, new: Option<&Value>| Changed {
        field: field.key().to_owned(),
        label: field.label().to_owned(),
        old: old.map(|value| value.text().to_owned()),
        new: new.map(|value| value.text().to_owned()),
    };
    match step {
        Step::Bind { .. } | Step::Forget { .. } | Step::Relate { .. } | Step::Unrelate { .. } => Vec::new(),
        Step::Create { values } => {
            values.iter().map(|(field, value)| changed(*field, None, Some(value))).collect()
        }
        Step::Update { changes, .. } => changes
            .iter()
            .map(|change| changed(change.field, change.old.as_ref(), change.new.as_ref()))
            .collect(),
    }
}

impl Totals {
    /// In one line.
    #[must_use]
    pub fn told(&self) -> String {
        let Self {
            create,
            update,
            bind,
            forget,
            relate,
            unrelate,
            relate_later,
            hold,
            wait,
            unchanged,
            not_ours,
        } = self;
        let counts = [
            ("create", create),
            ("update", update),
            ("bind", bind),
            ("forget", forget),
            ("relate", relate),
            ("unrelate", unrelate),
            ("relate later", relate_later),
            ("wait", wait),
            ("unchanged", unchanged),
            ("not ours", not_ours),
        ];
        let mut parts: Vec<String> = counts
            .into_iter()
            .filter(|(_, count)| **count > 0)
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        parts.extend(hold.iter().map(|(cause, count)| format!("{count} hold ({cause})")));
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use sync_core::hierarchy::Parent;
    use sync_core::ids::{OrgId, PartyId, RelationId};
    use sync_core::{budget::Class, fields::Values, plan::Rule};
    use sync_engine::Sides;

    use super::*;

    fn foreseen(party: i64, steps: Vec<Step>, parents: &[(i64, Option<i64>)]) -> Foreseen {
        let plan = Plan {
            party: PartyId(party),
            steps,
            reason: "why".to_owned(),
            rule: Rule::ErpFamily,
            class: Class::Edit,
            then_hold: None,
        };
        let parent =
            |(party, org): &(i64, Option<i64>)| Parent { party: PartyId(*party), org: org.map(OrgId) };
        Foreseen {
            party: PartyId(party),
            number: None,
            name: None,
            org: None,
            plans: if plan.steps.is_empty() { Vec::new() } else { vec![plan] },
            rest: Rest::InSync,
            parents_to_come: parents.iter().map(parent).collect(),
            daughters_to_come: Vec::new(),
            read_at: None,
            sides: Sides { erp: String::new(), crm: String::new() },
        }
    }

    fn previewed(all: &[Foreseen]) -> (Vec<Entry>, Totals) {
        let (mut totals, mut families) = (Totals::default(), Families::default());
        let price = |step: &Step| match step {
            Step::Relate { .. } => 10,
            Step::Unrelate { .. } => 6,
            Step::Create { .. } | Step::Update { .. } | Step::Bind { .. } | Step::Forget { .. } => 5,
        };
        for foreseen in all {
            totals.count(foreseen);
            families.note(foreseen);
        }
        let mut entries: Vec<Entry> = all.iter().map(|foreseen| Entry::of(foreseen, price)).collect();
        entries.retain(|entry| !entry.is_quiet());
        families.tell(&mut entries, &mut totals, 10);
        (entries, totals)
    }

    fn create() -> Vec<Step> {
        vec![Step::Create { values: Values::new() }]
    }

    #[test]
    fn relations_are_counted_and_priced() {
        let end = Step::Unrelate { relation: RelationId(7), parent: PartyId(3), org: OrgId(11) };
        let relate = Step::Relate { parent: PartyId(2), parent_org: OrgId(12), org: OrgId(11) };
        let (entries, totals) = previewed(&[foreseen(1, vec![end, relate], &[])]);
        assert_eq!((totals.relate, totals.unrelate, totals.relate_later), (1, 1, 0));
        assert_eq!((entries[0].tokens, entries[0].action), (16, "unrelate"));
        assert_eq!(totals.told(), "1 relate, 1 unrelate");
    }

    /// A parent that is a supplier gets no organization, and a daughter that is no customer has none: only what will
    /// surely follow is foretold, and once.
    #[test]
    fn what_follows_once_both_exist_is_foretold_once() {
        let parent =
            Foreseen { daughters_to_come: vec![PartyId(4), PartyId(5)], ..foreseen(3, create(), &[]) };
        let all = [
            foreseen(1, create(), &[(2, Some(12)), (3, None), (9, None)]),
            parent,
            foreseen(4, Vec::new(), &[(3, None)]),
        ];
        let (entries, totals) = previewed(&all);
        assert_eq!((totals.create, totals.relate_later), (2, 4));
        let told: Vec<(i64, u64, usize)> =
            entries.iter().map(|entry| (entry.party, entry.tokens, entry.relations_to_come.len())).collect();
        assert_eq!(
            told,
            [(1, 25, 2), (3, 25, 2)],
            "a daughter that is not shown is told of beside its parent"
        );
        assert!(entries[0].told().contains("later: party 1 becomes a daughter of party 2"));
        assert!(totals.told().contains("4 relate later"));
    }
}
