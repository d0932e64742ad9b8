//! What sets handovers off on an organization itself: it was entered, given to somebody else, or marked for the ERP.
//!
//! Owner, labels and the custom fields that rules ask about are no part of what is synced, so they do not make a record a
//! changed one. They are compared with what was staged before, wherever organizations are staged: a change must not get lost
//! because a re-read or the answer to a write of ours brought it first.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    handover::{HandoverPolicy, OnRecord, OrgFacts, Subject, Trigger},
    ids::OrgId,
    model::CrmOrg,
};
use sync_store::{StagedKind, StagedRecord, Tx};

use crate::{Engine, EngineError, staging};

/// What organizations are watched for on their way into the store.
#[derive(Clone, Copy)]
pub(crate) struct Watched<'a> {
    policy: &'a HandoverPolicy,
    /// From when on changes count.
    since: Timestamp,
}

impl Watched<'_> {
    /// The same, from another time on; none counts nothing.
    pub(crate) fn counting(self, since: Option<Timestamp>) -> Self {
        Self { since: since.unwrap_or(Timestamp::MAX), ..self }
    }
}

/// What was staged of some organizations before; nothing where nobody watches.
pub(crate) struct Before(BTreeMap<i64, Option<CrmOrg>>);

impl Engine {
    /// What organizations are watched for; none where nothing is handed over.
    pub(crate) fn watched(&self) -> Option<Watched<'_>> {
        let since = self.since();
        self.handing.as_ref().map(|handing| Watched { policy: &handing.policy, since })
    }
}

/// Remembers what is staged of organizations that are about to be staged.
pub(crate) async fn before(
    tx: &mut Tx,
    watched: Option<Watched<'_>>,
    ids: impl Iterator<Item = i64>,
) -> Result<Before, EngineError> {
    if watched.is_none() {
        return Ok(Before(BTreeMap::new()));
    }
    let ids: BTreeSet<i64> = ids.collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut staged = tx.staged(StagedKind::Org, &ids).await?;
    let known = ids.into_iter().map(|id| Ok((id, readable(staged.remove(&id))?)));
    Ok(Before(known.collect::<Result<_, EngineError>>()?))
}

/// Notes what happened to the organizations that were staged, and asks for a look where that may set a handover off or
/// answer a question.
pub(crate) async fn note(
    tx: &mut Tx,
    watched: Option<Watched<'_>>,
    before: Before,
    now: Timestamp,
) -> Result<(), EngineError> {
    let Some(watched) = watched else { return Ok(()) };
    let ids: Vec<i64> = before.0.keys().copied().collect();
    let mut staged = tx.staged(StagedKind::Org, &ids).await?;
    let mut asked = Vec::new();
    for (id, was) in before.0 {
        let Some(is) = readable(staged.remove(&id))? else { continue };
        let happened = Happened::between(watched, was.as_ref(), &is);
        if happened.assigned {
            tx.note_assigned(OrgId(id), is.updated_at, now).await?;
        }
        if let Some(why) = happened.sets_off(watched, &is) {
            tx.enqueue_handovers(&[Subject::Org(OrgId(id))], Class::NewCustomer, now, why).await?;
        }
        if happened.facts {
            asked.push(id);
        }
        if happened.shown {
            written_over(tx, &is, now).await?;
        }
    }
    Ok(tx.enqueue_asked(&asked, now).await?)
}

/// Somebody wrote over what we show: it is looked at, unless it is what we wrote that came back.
async fn written_over(tx: &mut Tx, org: &CrmOrg, now: Timestamp) -> Result<(), EngineError> {
    let subject = Subject::Org(org.id);
    let Some(row) = tx.handover(subject).await? else { return Ok(()) };
    let OnRecord { written, sending, again: _, refused: _ } = row.made.shown.org;
    let echo = written.iter().all(|(field, value)| org.facts.shown.get(field) == value.as_ref());
    if !echo && sending.is_none() {
        tx.enqueue_handovers(&[subject], Class::Edit, now, "organization written over").await?;
    }
    Ok(())
}

fn readable(record: Option<StagedRecord>) -> Result<Option<CrmOrg>, EngineError> {
    let record = record.filter(|record| record.row.malformed.is_none());
    record.map(|record| staging::read("organization", &record.row)).transpose()
}

/// Without what we show ourselves.
fn said_by_people(facts: &OrgFacts) -> OrgFacts {
    OrgFacts { shown: BTreeMap::new(), ..facts.clone() }
}

/// What is new about an organization.
struct Happened {
    entered: bool,
    assigned: bool,
    marked: bool,
    facts: bool,
    shown: bool,
}

impl Happened {
    fn between(watched: Watched<'_>, was: Option<&CrmOrg>, is: &CrmOrg) -> Self {
        let Watched { policy, since } = watched;
        let new = is.facts.added_at.is_some_and(|at| at >= since);
        let owners = was.and_then(|was| was.facts.owner).zip(is.facts.owner);
        let was_marked = was.is_some_and(|was| policy.marks_org(&was.facts));
        Self {
            entered: new && was.is_none_or(|was| was.values != is.values),
            // Whose it is at first sight is nobody's change; and we give an organization an owner only when we create it.
            assigned: policy.on.contains(&Trigger::OrgAssigned) && owners.is_some_and(|(was, is)| was != is),
            marked: policy.marks_org(&is.facts) && !was_marked && (was.is_some() || new),
            facts: was.is_some_and(|was| said_by_people(&was.facts) != said_by_people(&is.facts)),
            shown: was.is_some_and(|was| was.facts.shown != is.facts.shown),
        }
    }

    /// Why a look is asked for, if it is.
    fn sets_off(&self, watched: Watched<'_>, is: &CrmOrg) -> Option<&'static str> {
        let Watched { policy, .. } = watched;
        let fits = policy.mark.is_none() || policy.marks_org(&is.facts);
        if self.marked {
            return Some("organization marked");
        }
        if self.assigned && fits {
            return Some("organization given to somebody else");
        }
        let entered = self.entered && fits && policy.on.contains(&Trigger::OrgCreated);
        entered.then_some("organization entered")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn org(owner: i64, labels: &[&str], added: i64) -> CrmOrg {
        let facts = OrgFacts {
            owner: Some(owner),
            added_at: Some(at(added)),
            labels: labels.iter().map(ToString::to_string).collect(),
            ..OrgFacts::default()
        };
        CrmOrg { id: OrgId(1), values: BTreeMap::new(), facts, updated_at: at(added) }
    }

    fn policy(on: &[Trigger], mark: bool) -> HandoverPolicy {
        HandoverPolicy {
            on: on.iter().copied().collect(),
            mark: mark.then(|| sync_core::handover::Mark::Label("Send to ERP".to_owned())),
            require_mark: false,
            approval: sync_core::handover::Approval::Review,
            review_above: BTreeMap::new(),
            approval_lasts: jiff::SignedDuration::ZERO,
            source_system: String::new(),
            company: 1,
            usage: String::new(),
            contact: None,
            ask_to_reuse: true,
            required: sync_core::handover::Required { address: true, tax_id: BTreeSet::new() },
            business_units: Vec::new(),
            answers: sync_core::handover::AnswerRules::default(),
            settle: jiff::SignedDuration::ZERO,
            freshness: jiff::SignedDuration::ZERO,
        }
    }

    /// What happened, the triggers, whether there is a mark, what was staged, what is now, and why a look is asked for.
    type Row<'a> = (&'a str, &'a [Trigger], bool, Option<&'a CrmOrg>, CrmOrg, Option<&'a str>);

    #[test]
    fn what_sets_a_look_off() {
        use Trigger::{DealWon, OrgAssigned, OrgCreated};
        let (old, new, marked) = (org(1, &[], 50), org(1, &[], 150), org(1, &["send to erp"], 50));
        let none: Option<&CrmOrg> = None;
        let table: [Row<'_>; 11] = [
            ("entered", &[OrgCreated], false, none, new.clone(), Some("organization entered")),
            ("entered before", &[OrgCreated], false, none, old.clone(), None),
            ("entered, nobody cares", &[DealWon], false, none, new.clone(), None),
            ("entered without the mark", &[OrgCreated], true, none, new.clone(), None),
            ("marked later", &[OrgCreated], true, Some(&new), marked.clone(), Some("organization marked")),
            (
                "marked for won deals",
                &[DealWon],
                true,
                Some(&old),
                marked.clone(),
                Some("organization marked"),
            ),
            ("marked before it was ever seen", &[DealWon], true, none, marked.clone(), None),
            ("marked already", &[DealWon], true, Some(&marked), marked.clone(), None),
            (
                "given away",
                &[OrgAssigned],
                false,
                Some(&old),
                org(2, &[], 50),
                Some("organization given to somebody else"),
            ),
            ("given away, not marked", &[OrgAssigned], true, Some(&old), org(2, &[], 50), None),
            ("somebody's at first sight", &[OrgAssigned], false, none, old.clone(), None),
        ];
        for (what, on, mark, was, is, wanted) in table {
            let policy = policy(on, mark);
            let watched = Watched { policy: &policy, since: at(100) };
            let found = Happened::between(watched, was, &is).sets_off(watched, &is);
            assert_eq!(found, wanted, "{what}");
        }
    }
}
