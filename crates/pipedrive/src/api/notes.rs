//! `notes` of v1 (pipedrive.md 6).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::{Value, json};
use sync_core::ids::{DealId, NoteId};

use super::{Envelope, offset::OffsetEnvelope};

const PATH: &str = "v1/notes";

/// Rows of a page: the default, which is surely allowed.
pub(crate) const PAGE: i64 = 100;

/// The largest page of v2 (1.4); UNVERIFIED for notes: whoever gets fewer is told that more follow.
pub(crate) const LARGEST_PAGE: i64 = 500;

/// Which notes.
pub(crate) enum WhichNotes {
    /// Those on a deal, from this one of them on.
    Of { deal: DealId, start: i64 },
    /// Those that changed at this time or later (RFC 3339, UTC, whole seconds), as many as a page holds.
    ChangedSince(String),
}

/// One page of notes; deleted ones are left out.
pub(crate) struct ListNotes(pub(crate) WhichNotes);

impl Endpoint for ListNotes {
    const NAME: &'static str = "notes.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 20;

    type Output = OffsetEnvelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        match &self.0 {
            // By id, so that what is written meanwhile comes last and shifts nothing.
            WhichNotes::Of { deal, start } => vec![
                ("deal_id", deal.to_string()),
                ("sort", "id".to_owned()),
                ("start", start.to_string()),
                ("limit", PAGE.to_string()),
            ],
            WhichNotes::ChangedSince(since) => {
                vec![("updated_since", since.clone()), ("limit", LARGEST_PAGE.to_string())]
            }
        }
    }
}

/// One note, a deleted one too.
pub(crate) struct GetNote {
    pub(crate) id: NoteId,
}

impl Endpoint for GetNote {
    const NAME: &'static str = "notes.get";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 2;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }
}

/// Writes a note on a deal. Nothing makes it idempotent.
pub(crate) struct CreateNote {
    pub(crate) deal: DealId,
    pub(crate) content: String,
}

impl Endpoint for CreateNote {
    const NAME: &'static str = "notes.create";
    const METHOD: Method = Method::POST;
    const TOKENS: u32 = 10;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn body(&self) -> Option<Value> {
        Some(json!({ "content": self.content, "deal_id": self.deal.0 }))
    }
}

/// Replaces the content of a note.
pub(crate) struct UpdateNote {
    pub(crate) id: NoteId,
    pub(crate) content: String,
}

impl Endpoint for UpdateNote {
    const NAME: &'static str = "notes.update";
    const METHOD: Method = Method::PUT;
    const TOKENS: u32 = 10;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    fn body(&self) -> Option<Value> {
        Some(json!({ "content": self.content }))
    }
}

/// Deletes a note softly.
pub(crate) struct DeleteNote {
    pub(crate) id: NoteId,
}

impl Endpoint for DeleteNote {
    const NAME: &'static str = "notes.delete";
    const METHOD: Method = Method::DELETE;
    const TOKENS: u32 = 6;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }
}

/// The part of a note that we need.
#[derive(Debug, Deserialize)]
pub(crate) struct NoteDto {
    pub(crate) id: Option<Value>,
    pub(crate) deal_id: Option<Value>,
    pub(crate) content: Option<Value>,
    /// False when deleted.
    pub(crate) active_flag: Option<Value>,
    /// `YYYY-MM-DD HH:MM:SS` in UTC.
    pub(crate) update_time: Option<Value>,
}
