//! What showing documents on deals needs of the CRM: the port `CrmDocuments`.

use async_trait::async_trait;
use jiff::Timestamp;
use saas_http::Endpoint as _;
use sync_core::{
    budget::Class,
    deals::{CrmDeal, CrmNote},
    documents::{Currencies, FieldWrite, PageWrite},
    error::{CallError, ErrorKind},
    handover::{ActivityChange, NewActivity},
    ids::{ActivityId, DealId, NoteId},
    model::Page,
    ports::{Called, Crm as _, CrmDocuments, Permit},
};

use crate::{
    answers::Together,
    api::{
        deals::UpdateDeal,
        notes::{CreateNote, DeleteNote, UpdateNote},
    },
    client::Pipedrive,
    handovers::facts_of,
};

#[async_trait]
impl CrmDocuments for Pipedrive {
    async fn deals_open(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmDeal>> {
        self.deals_open_with_facts(cursor, class).await
    }

    async fn currencies(&self, class: Class) -> Called<Currencies> {
        Ok(Currencies(Self::currencies(self, class).await?))
    }

    async fn ready_to_show(&self, class: Class) -> Called<()> {
        self.make_own_fields(Together::RollUps, class).await.map(|_| ())
    }

    async fn show_fields(&self, permit: Permit, deal: DealId, writes: &[FieldWrite]) -> Called<CrmDeal> {
        // Before the write: what fails after it would be taken for its end.
        let asked = self.asked_of_deals(permit.class()).await?;
        Ok(facts_of(self.write_roll_ups(permit, deal, writes).await?, &asked))
    }

    async fn create_note(&self, permit: Permit, deal: DealId, content: &str) -> Called<CrmNote> {
        Self::create_note(self, deal, content, permit).await
    }

    async fn update_note(&self, permit: Permit, note: NoteId, content: &str) -> Called<CrmNote> {
        Self::update_note(self, note, content, permit).await
    }

    async fn delete_note(&self, permit: Permit, note: NoteId) -> Called<()> {
        Self::delete_note(self, note, permit).await
    }

    async fn note(&self, note: NoteId, class: Class) -> Called<Option<CrmNote>> {
        Self::note(self, note, class).await
    }

    async fn notes_changed(&self, since: Timestamp, class: Class) -> Called<Page<CrmNote>> {
        Self::notes_changed(self, since, class).await
    }

    async fn notes_of(&self, deal: DealId, class: Class) -> Called<Vec<CrmNote>> {
        Self::notes_of(self, deal, class).await
    }

    async fn tell_owner(&self, permit: Permit, activity: &NewActivity) -> Called<ActivityId> {
        self.make_activity(permit, activity).await
    }

    async fn end_activity(&self, permit: Permit, id: ActivityId) -> Called<()> {
        self.alter_activity(permit, id, &ActivityChange::Done).await
    }

    async fn activities_on(&self, deal: DealId, class: Class) -> Called<Vec<(ActivityId, String)>> {
        self.activities_of(deal, class).await
    }

    async fn permit(&self, class: Class, write: &PageWrite) -> Called<Permit> {
        let price = match write {
            PageWrite::Fields { .. } => UpdateDeal::TOKENS,
            PageWrite::CreateNote { .. } => CreateNote::TOKENS,
            PageWrite::UpdateNote { .. } => UpdateNote::TOKENS,
            PageWrite::DeleteNote { .. } => DeleteNote::TOKENS,
            PageWrite::OverdueActivity { .. } | PageWrite::EndActivity { .. } => Self::ACTIVITY,
        };
        let mut permits = self.permits(class, price, 1).await?;
        permits.pop().ok_or_else(|| {
            let kind = ErrorKind::Transient { after: None };
            CallError::without_effect("permits", kind, "no permit was given")
        })
    }
}
