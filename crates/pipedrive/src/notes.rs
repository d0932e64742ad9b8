//! Notes on deals (pipedrive.md 6, v1).

use jiff::Timestamp;
use saas_http::{
    Answer, Endpoint, Pass,
    scalar::{int, required},
};
use serde_json::Value as Json;
use sync_core::{
    budget::Class,
    deals::CrmNote,
    error::{CallError, ErrorKind},
    ids::{DealId, NoteId},
    model::{Malformed, Page, Seen},
    ports::Called,
};

use crate::{
    api::notes::{CreateNote, DeleteNote, GetNote, ListNotes, NoteDto, PAGE, UpdateNote, WhichNotes},
    calls::if_there,
    client::{Pipedrive, unreadable, whole_seconds},
    shapes::{old_moment, reference, says_no},
};

/// The longest content, in bytes, and so in characters too: the documentation says both, about (6).
pub const NOTE_LIMIT: usize = 100_000;

/// Where so many notes would be read by id, one list of those that changed costs no more.
pub const NOTES_LISTED_FROM: usize = (ListNotes::TOKENS / GetNote::TOKENS) as usize;

/// Pages of notes on one deal to read at most.
const PAGES: usize = 50;

impl Pipedrive {
    /// Writes a note on a deal (10 tokens) and answers with what was kept of it. Look first: nothing makes this call
    /// idempotent.
    ///
    /// # Errors
    /// As every call; [`ErrorKind::Rejected`] without a request when the content is blank or longer than [`NOTE_LIMIT`].
    pub async fn create_note(
        &self,
        deal: DealId,
        content: &str,
        pass: impl Into<Pass> + Send,
    ) -> Called<CrmNote> {
        fits::<CreateNote>(content)?;
        let create = CreateNote { deal, content: content.to_owned() };
        self.one(&create, pass, |data| {
            let note = read(data)?;
            if note.deal == Some(deal) { Ok(note) } else { Err("the note is not on the deal".to_owned()) }
        })
        .await
    }

    /// Replaces the content of a note (10 tokens) and answers with what was kept of it.
    ///
    /// # Errors
    /// As [`Self::create_note`]; [`ErrorKind::Missing`] when it was deleted.
    pub async fn update_note(
        &self,
        id: NoteId,
        content: &str,
        pass: impl Into<Pass> + Send,
    ) -> Called<CrmNote> {
        fits::<UpdateNote>(content)?;
        let update = UpdateNote { id, content: content.to_owned() };
        self.one(&update, pass, |data| same(data, id)).await
    }

    /// One note (2 tokens); `None` when it is not there. A deleted one may still be there and says so.
    ///
    /// # Errors
    /// As every call.
    pub async fn note(&self, id: NoteId, class: Class) -> Called<Option<CrmNote>> {
        if_there(self.one(&GetNote { id }, class, |data| same(data, id)).await)
    }

    /// Deletes a note (6 tokens); one that is not there is deleted.
    ///
    /// # Errors
    /// As every call.
    pub async fn delete_note(&self, id: NoteId, pass: impl Into<Pass> + Send) -> Called<()> {
        self.remove(&DeleteNote { id }, pass).await
    }

    /// Notes that changed at `since` or later, as far as one page holds them (20 tokens). One that cannot be understood is told
    /// as such.
    ///
    /// # Errors
    /// As every call.
    pub async fn notes_changed(&self, since: Timestamp, class: Class) -> Called<Page<CrmNote>> {
        let list = ListNotes(WhichNotes::ChangedSince(whole_seconds(since)));
        let Answer { value, correlation, server_now, .. } =
            self.caller.send(&list, Pass::Class(class)).await?;
        let page =
            value.page().map_err(|what| unreadable::<ListNotes>(what).with_correlation(correlation))?;
        let full = i64::try_from(page.rows.len()).unwrap_or(PAGE) >= PAGE;
        let seen = |row: &Json| match read(row) {
            Ok(note) => Seen::Record(note),
            Err(reason) => {
                let id = int("id", row.get("id")).unwrap_or(None);
                Seen::Malformed(Malformed { id, owner: None, updated_at: None, reason })
            }
        };
        let server_now = server_now.unwrap_or_else(|| self.clock.now());
        let rows = page.rows.iter().map(seen).collect();
        Ok(Page { rows, more: page.more.unwrap_or(full), next: None, server_now })
    }

    /// All notes on a deal, by id (20 tokens for a hundred).
    ///
    /// # Errors
    /// As every call; [`ErrorKind::Unreadable`] when one of them cannot be understood: left out, it would be written a
    /// second time.
    pub async fn notes_of(&self, deal: DealId, class: Class) -> Called<Vec<CrmNote>> {
        let (mut notes, mut start) = (Vec::new(), 0);
        for _ in 0..PAGES {
            let list = ListNotes(WhichNotes::Of { deal, start });
            let Answer { value, correlation, .. } = self.caller.send(&list, Pass::Class(class)).await?;
            let broken = |what: String| unreadable::<ListNotes>(what).with_correlation(correlation.clone());
            let page = value.page().map_err(broken)?;
            for row in &page.rows {
                notes.push(read(row).map_err(broken)?);
            }
            let read = i64::try_from(page.rows.len()).unwrap_or(PAGE);
            if !page.more.unwrap_or(read >= PAGE) {
                notes.retain(|note| note.deal == Some(deal));
                return Ok(notes);
            }
            let next = page.next_start.unwrap_or(start + read);
            if next <= start {
                return Err(broken("the pages do not move on".to_owned()));
            }
            start = next;
        }
        Err(unreadable::<ListNotes>(format!("the list has no end after {PAGES} pages")))
    }
}

/// Whether the content may be sent. Bytes count for characters too, of which there are never more.
fn fits<E: Endpoint>(content: &str) -> Called<()> {
    let length = content.len();
    let why = if content.trim().is_empty() {
        "a note needs content".to_owned()
    } else if length > NOTE_LIMIT {
        format!("a note holds {NOTE_LIMIT} bytes, not {length}")
    } else {
        return Ok(());
    };
    Err(CallError::without_effect(E::NAME, ErrorKind::Rejected, why))
}

fn same(row: &Json, id: NoteId) -> Result<CrmNote, String> {
    let note = read(row)?;
    if note.id == id { Ok(note) } else { Err(format!("the answer is about note {}", note.id)) }
}

fn read(row: &Json) -> Result<CrmNote, String> {
    let dto: NoteDto = serde_json::from_value(row.clone()).map_err(|error| error.to_string())?;
    let NoteDto { id, deal_id, content, active_flag, update_time } = dto;
    let content = match content {
        Some(Json::String(content)) => content,
        None | Some(Json::Null) => String::new(),
        Some(Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
            return Err("content is not a text".to_owned());
        }
    };
    Ok(CrmNote {
        id: NoteId(required("id", int("id", id.as_ref())?)?),
        deal: reference("deal_id", deal_id.as_ref())?.map(DealId),
        content,
        // Nothing is decided by it, so nothing fails for it.
        updated_at: old_moment("update_time", update_time.as_ref()).unwrap_or(None),
        deleted: says_no(active_flag.as_ref()),
    })
}
