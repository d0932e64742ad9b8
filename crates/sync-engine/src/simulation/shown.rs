//! The CRM's seat of a simulation for what deals show of documents. Before each write is sent, the laws look at what another
//! process could read of the store.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, CrmNote, DealStatus},
    documents::{Currencies, FieldWrite, PageWrite},
    error::{CallError, ErrorKind},
    handover::NewActivity,
    ids::{ActivityId, DealId, NoteId},
    laws::Violation,
    model::Page,
    ports::{Called, CrmDocuments, Permit},
};
use sync_store::PageIntent;

use super::{
    crm::{self, CrmSeat},
    deals::page,
    world::{Effect, Fate, Landed},
};

/// Where deals show their documents.
pub(crate) struct NoteSeat {
    pub(crate) crm: Arc<CrmSeat>,
}

impl NoteSeat {
    /// A write: judged, sent, carried out or not, answered or not. Now and then it is refused, or one too many.
    async fn write(&self, call: &'static str, effect: Effect, intended: Intended<'_>) -> Called<Landed> {
        let world = &self.crm.world;
        // Behind a gate, so that looking at the store does not decide who comes first.
        world.gate.enter("crm.send").await;
        let (store, connection) = &self.crm.intents;
        let reading = async { store.read(*connection).await?.page_intents().await };
        let open: Vec<PageIntent> = reading.await.unwrap_or_default();
        let mut sure = open.iter().filter(|intent| intent.settled_at.is_none());
        if !sure.any(|intent| intended.is(intent)) {
            let story = format!("{} is sent, and the store does not know: {intended:?}", effect.label());
            world.lock().violations.push(Violation { law: 2, story });
        }
        let fate = {
            let mut worlds = world.lock();
            let dice = if worlds.faults { worlds.papers.rng.u32(..100) } else { 100 };
            let (what, kind) = match dice {
                0 | 1 => ("refused", ErrorKind::Rejected),
                2..5 => ("throttled", ErrorKind::Transient { after: Some(SignedDuration::from_secs(5)) }),
                _ => ("", ErrorKind::Missing),
            };
            if !what.is_empty() {
                worlds.meet(effect.label(), what);
                worlds.tell(world.now(), format!("{call} is {what}"));
                return Err(CallError::without_effect(call, kind, what));
            }
            // There are few of them: more is to happen to each than to reads.
            match dice {
                5..15 => Fate::LostAfter,
                15..21 => Fate::Late,
                21..25 => Fate::LostBefore,
                _ => worlds.fate(),
            }
        };
        match crm::write_so(world, call, effect, fate).await? {
            Landed::Refused => Err(CallError::without_effect(call, ErrorKind::Rejected, "it is archived")),
            landed @ (Landed::Org(_)
            | Landed::Relation(_)
            | Landed::Ended
            | Landed::Activity(_)
            | Landed::Deal(_)
            | Landed::Note(_)
            | Landed::Piece(_)) => Ok(landed),
        }
    }

    fn answered(&self, call: &'static str, landed: Landed) -> Called<CrmNote> {
        let missing = || CallError::without_effect(call, ErrorKind::Missing, "no such note");
        let Landed::Note(id) = landed else { return Err(missing()) };
        self.crm.world.lock().notes.read(id).ok_or_else(missing)
    }
}

/// What has to be intended when a write is sent.
#[derive(Debug)]
struct Intended<'a> {
    kind: &'static str,
    deal: Option<DealId>,
    /// Where in the intent what is sent stands.
    place: &'static str,
    sent: serde_json::Value,
    note: Option<&'a NoteId>,
}

impl Intended<'_> {
    fn is(&self, intent: &PageIntent) -> bool {
        let body: serde_json::Value = serde_json::from_str(&intent.new.body).unwrap_or_default();
        let note = self.note.map(|id| serde_json::json!(id));
        intent.new.kind == self.kind
            && self.deal.is_none_or(|deal| deal == intent.new.deal)
            && body.pointer(self.place) == Some(&self.sent)
            && note.is_none_or(|id| body.get(self.kind).and_then(|write| write.get("id")) == Some(&id))
    }
}

#[async_trait]
impl CrmDocuments for NoteSeat {
    async fn deals_open(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmDeal>> {
        self.crm.spend("crm.deals_open", class)?;
        self.crm.world.reading("crm.deals_open").await?;
        let (worlds, now) = (self.crm.world.lock(), self.crm.world.now());
        let after = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let listed = worlds.sales.deals.values().filter_map(|deal| deal.listed(now));
        let rows: Vec<CrmDeal> =
            listed.filter(|deal| deal.status == DealStatus::Open && deal.id.0 > after).cloned().collect();
        Ok(page(rows, worlds.page_size, now, |deal| deal.id.to_string()))
    }

    async fn currencies(&self, class: Class) -> Called<Currencies> {
        self.crm.spend("crm.currencies", class)?;
        self.crm.world.reading("crm.currencies").await?;
        Ok(Currencies([("EUR".to_owned(), 2), ("USD".to_owned(), 2)].into()))
    }

    async fn ready_to_show(&self, class: Class) -> Called<()> {
        self.crm.spend("crm.ready_to_show", class)?;
        self.crm.world.reading("crm.ready_to_show").await
    }

    async fn show_fields(&self, permit: Permit, deal: DealId, writes: &[FieldWrite]) -> Called<CrmDeal> {
        drop(permit);
        let (place, sent) = ("/fields/writes", serde_json::json!(writes));
        let intended = Intended { kind: "deal_fields", deal: Some(deal), place, sent, note: None };
        self.write("crm.show_fields", Effect::Show(deal, writes.to_vec()), intended).await?;
        let found = self.crm.world.lock().sales.deals.get(&deal).map(|deal| deal.now.clone());
        found.ok_or_else(|| CallError::without_effect("crm.show_fields", ErrorKind::Missing, "no such deal"))
    }

    async fn create_note(&self, permit: Permit, deal: DealId, content: &str) -> Called<CrmNote> {
        drop(permit);
        let (place, sent) = ("/create_note/content", serde_json::json!(content));
        let intended = Intended { kind: "create_note", deal: Some(deal), place, sent, note: None };
        let effect = Effect::CreateNote(deal, content.to_owned());
        let landed = self.write("crm.create_note", effect, intended).await?;
        self.answered("crm.create_note", landed)
    }

    async fn update_note(&self, permit: Permit, note: NoteId, content: &str) -> Called<CrmNote> {
        drop(permit);
        let (place, sent) = ("/update_note/content", serde_json::json!(content));
        let intended = Intended { kind: "update_note", deal: None, place, sent, note: Some(&note) };
        let effect = Effect::UpdateNote(note, content.to_owned());
        let landed = self.write("crm.update_note", effect, intended).await?;
        self.answered("crm.update_note", landed)
    }

    async fn delete_note(&self, permit: Permit, note: NoteId) -> Called<()> {
        drop(permit);
        if let Some(note) = self.crm.world.lock().notes.all.get_mut(&note) {
            note.ends = true;
        }
        let (place, sent) = ("/delete_note/id", serde_json::json!(note));
        let intended = Intended { kind: "delete_note", deal: None, place, sent, note: None };
        match self.write("crm.delete_note", Effect::DeleteNote(note), intended).await {
            // One that is not there is deleted.
            Err(error) if error.kind == ErrorKind::Missing => Ok(()),
            landed => landed.map(drop),
        }
    }

    async fn note(&self, note: NoteId, class: Class) -> Called<Option<CrmNote>> {
        self.crm.spend("crm.note", class)?;
        self.crm.world.reading("crm.note").await?;
        Ok(self.crm.world.lock().notes.read(note))
    }

    async fn notes_changed(&self, since: Timestamp, class: Class) -> Called<Page<CrmNote>> {
        self.crm.spend("crm.notes_changed", class)?;
        self.crm.world.reading("crm.notes_changed").await?;
        let (worlds, now) = (self.crm.world.lock(), self.crm.world.now());
        let rows = worlds.notes.changed(since, now);
        Ok(page(rows, worlds.page_size, now, |note| note.id.to_string()))
    }

    async fn notes_of(&self, deal: DealId, class: Class) -> Called<Vec<CrmNote>> {
        self.crm.spend("crm.notes_of", class)?;
        self.crm.world.reading("crm.notes_of").await?;
        let now = self.crm.world.now();
        Ok(self.crm.world.lock().notes.list(deal, now))
    }

    async fn tell_owner(&self, permit: Permit, activity: &NewActivity) -> Called<ActivityId> {
        drop(permit);
        let (place, sent) = ("/overdue_activity/note", serde_json::json!(activity.words.note));
        let deal = Some(activity.deal);
        let intended = Intended { kind: "overdue_activity", deal, place, sent, note: None };
        let effect = Effect::TellOwner(Box::new(activity.clone()));
        match self.write("crm.tell_owner", effect, intended).await? {
            Landed::Activity(id) => Ok(id),
            Landed::Org(_)
            | Landed::Relation(_)
            | Landed::Ended
            | Landed::Deal(_)
            | Landed::Note(_)
            | Landed::Piece(_)
            | Landed::Refused => {
                Err(CallError::without_effect("crm.tell_owner", ErrorKind::Rejected, "another answer"))
            }
        }
    }

    async fn end_activity(&self, permit: Permit, id: ActivityId) -> Called<()> {
        drop(permit);
        let (place, sent) = ("/end_activity/id", serde_json::json!(id));
        let intended = Intended { kind: "end_activity", deal: None, place, sent, note: None };
        self.write("crm.end_activity", Effect::EndActivity(id), intended).await.map(drop)
    }

    async fn activities_on(&self, deal: DealId, class: Class) -> Called<Vec<(ActivityId, String)>> {
        self.crm.spend("crm.activities_on", class)?;
        self.crm.world.reading("crm.activities_on").await?;
        let now = self.crm.world.now();
        Ok(self.crm.world.lock().notes.activities_on(deal, now))
    }

    async fn permit(&self, class: Class, _write: &PageWrite) -> Called<Permit> {
        self.crm.check_order(class).await;
        self.crm.spend("crm.permits", class)?;
        self.crm.world.gate.enter("crm.permits").await;
        Ok(Permit::paid(class, 5))
    }
}
