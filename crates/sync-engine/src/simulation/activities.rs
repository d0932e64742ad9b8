//! Activities that ask the owner of a deal for something: in the CRM of a simulation, and what must hold of them.

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    error::{CallError, ErrorKind},
    handover::{ActivityChange, Cause, NewActivity, Question, Subject},
    ids::{ActivityId, DealId},
    laws::Violation,
    ports::Called,
};

use super::{
    crm,
    deals::DealSeat,
    handed::Ended,
    world::{Effect, Landed, Worlds},
};

/// An activity of ours.
#[derive(Debug, Clone)]
pub(crate) struct SeenActivity {
    deal: DealId,
    note: String,
    done: bool,
    deleted: bool,
    /// Lists show it from then on.
    shown_at: Timestamp,
}

impl DealSeat {
    /// Makes an activity. Whoever looks into the store then must find that it is meant to be (law 2).
    pub(crate) async fn make_activity(&self, activity: &NewActivity) -> Called<ActivityId> {
        self.world.gate.enter("crm.send").await;
        let (store, connection) = &self.intents;
        let reading = async {
            let mut tx = store.read(*connection).await?;
            let org = activity.org.unwrap_or(sync_core::ids::OrgId(0));
            let row = tx.handover(Subject::Org(org)).await?.unwrap_or_default();
            let meant = row.made.shown.activity.filter(|meant| meant.sending.is_some() && meant.id.is_none());
            Ok::<bool, sync_store::StoreError>(meant.is_some_and(|meant| meant.deal == activity.deal))
        };
        if !reading.await.unwrap_or_default() {
            let story = format!("an activity is made on deal {}, and the store does not know", activity.deal);
            self.world.lock().violations.push(Violation { law: 2, story });
        }
        match crm::write(&self.world, "crm.create_activity", Effect::Activity(Box::new(activity.clone())))
            .await?
        {
            Landed::Activity(id) => Ok(id),
            Landed::Org(_)
            | Landed::Relation(_)
            | Landed::Piece(_)
            | Landed::Deal(_)
            | Landed::Note(_)
            | Landed::Refused
            | Landed::Ended => {
                Err(CallError::without_effect("crm.create_activity", ErrorKind::Rejected, "no such deal"))
            }
        }
    }

    /// The one whose note has this text in it, as far as lists show it.
    pub(crate) async fn activity_with(&self, deal: DealId, marker: &str) -> Called<Option<ActivityId>> {
        self.world.reading("crm.find_activity").await?;
        let (worlds, now) = (self.world.lock(), self.world.now());
        let fits = |one: &&(ActivityId, SeenActivity)| {
            let (_, one) = one;
            one.deal == deal && one.note.contains(marker) && !one.deleted && one.shown_at <= now
        };
        Ok(worlds.activities.iter().find(fits).map(|(id, _)| *id))
    }

    /// Changes one.
    pub(crate) async fn alter_activity(&self, id: ActivityId, change: &ActivityChange) -> Called<()> {
        let effect = Effect::ActivityChange(id, Box::new(change.clone()));
        crm::write(&self.world, "crm.change_activity", effect).await.map(drop)
    }
}

impl Worlds {
    /// An activity comes to be. Two that wait at the same time for the same deal are one too many (law 1).
    pub(crate) fn make_activity(&mut self, activity: &NewActivity, now: Timestamp) -> Option<Landed> {
        let gone = self.sales.deals.get(&activity.deal).is_none_or(|deal| deal.deleted);
        if gone {
            return Some(Landed::Refused);
        }
        let id = ActivityId(i64::try_from(self.activities.len()).unwrap_or(i64::MAX) + 1);
        self.tell(now, format!("activity {id} on deal {}: {}", activity.deal, activity.words.subject));
        if self.activities.iter().any(|(_, one)| one.deal == activity.deal && !one.done && !one.deleted) {
            let story = format!("deal {} has two open activities of ours", activity.deal);
            self.violations.push(Violation { law: 1, story });
        }
        let lag = SignedDuration::from_millis(self.rng.i64(0..28_000));
        let shown_at = if self.rng.bool() { now } else { now + lag };
        let note = activity.words.note.clone();
        self.activities
            .push((id, SeenActivity { deal: activity.deal, note, done: false, deleted: false, shown_at }));
        // Now and then somebody does not want to be asked.
        if self.faults && self.rng.u32(..6) == 0 {
            self.tell(now, format!("people: somebody deletes activity {id}"));
            self.activities.last_mut()?.1.deleted = true;
        }
        Some(Landed::Activity(id))
    }

    /// An activity is changed.
    pub(crate) fn change_activity(
        &mut self,
        id: ActivityId,
        change: &ActivityChange,
        now: Timestamp,
    ) -> Option<Landed> {
        self.tell(now, format!("activity {id}: {change:?}"));
        let (_, activity) =
            self.activities.iter_mut().find(|(one, activity)| *one == id && !activity.deleted)?;
        match change {
            ActivityChange::Words(words) => activity.note.clone_from(&words.note),
            ActivityChange::Done => activity.done = true,
        }
        Some(Landed::Ended)
    }

    /// Owners that wait for nothing, or are not asked for what is missing (law 8).
    pub(crate) fn untended_activities(&self, ended: &Ended) -> Vec<Violation> {
        if !self.sales.policy.answers.activity {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut asked = Vec::new();
        for row in ended.rows.values() {
            if let Some((Question::DataMissing { cause: Cause::Deal(deal), what }, _)) = &row.question {
                asked.push((*deal, what));
            }
        }
        for (id, activity) in
            self.activities.iter().filter(|(_, activity)| !activity.done && !activity.deleted)
        {
            if !asked.iter().any(|(deal, _)| *deal == activity.deal) {
                let story = format!("activity {id} on deal {} asks for what nobody waits for", activity.deal);
                found.push(Violation { law: 8, story });
            }
        }
        for (deal, what) in asked {
            let archived = self.sales.deals.get(&deal).is_none_or(|deal| deal.deleted || deal.now.archived);
            let told = self.activities.iter().any(|(_, activity)| {
                activity.deal == deal
                    && (activity.deleted || !activity.done && activity.note.contains(&what.join(", ")))
            });
            if !told && !archived {
                let story = format!("the owner of deal {deal} is not asked for {what:?}");
                found.push(Violation { law: 8, story });
            }
        }
        found
    }
}
