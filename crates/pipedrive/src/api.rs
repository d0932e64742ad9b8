//! The calls, one file per resource.

pub(crate) mod activities;
pub(crate) mod deals;
pub(crate) mod item_search;
pub(crate) mod notes;
pub(crate) mod offset;
pub(crate) mod organization_fields;
pub(crate) mod organization_relationships;
pub(crate) mod organizations;
pub(crate) mod persons;
pub(crate) mod settings;
pub(crate) mod users;
pub(crate) mod webhooks;

use serde::Deserialize;
use serde_json::Value;

/// What wraps every answer (pipedrive.md 1.4, 1.5). `data` stays unread, so that a bad record spoils nothing but
/// itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    /// Answers with status 200 and `false` occur.
    pub(crate) success: Option<bool>,
    /// A record or a list of them; null occurs.
    #[serde(default)]
    pub(crate) data: Value,
    /// Paging.
    pub(crate) additional_data: Option<AdditionalData>,
}

/// Paging of v2.
#[derive(Debug, Deserialize)]
pub(crate) struct AdditionalData {
    /// Null or absent at the end.
    pub(crate) next_cursor: Option<Value>,
}

/// A page of any list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) rows: Vec<Value>,
    pub(crate) next: Option<String>,
}

impl Envelope {
    /// The records. Null is no list: taken for an empty one it would end a walk, and all that was not seen would
    /// seem to be deleted.
    pub(crate) fn listed(self) -> Result<Listed, &'static str> {
        let Self { success, data, additional_data } = self;
        if success == Some(false) {
            return Err("the answer says success: false");
        }
        let Value::Array(rows) = data else { return Err("the answer holds no list") };
        let next = additional_data.and_then(|more| more.next_cursor);
        let next =
            next.and_then(|cursor| cursor.as_str().map(str::to_owned)).filter(|cursor| !cursor.is_empty());
        Ok(Listed { rows, next })
    }

    /// Nothing but that it is done: what a deletion answers with differs.
    pub(crate) fn done(self) -> Result<(), &'static str> {
        let Self { success, data: _, additional_data: _ } = self;
        if success == Some(false) { Err("the answer says success: false") } else { Ok(()) }
    }

    /// The one record.
    pub(crate) fn one(self) -> Result<Value, &'static str> {
        let Self { success, data, additional_data: _ } = self;
        if success == Some(false) {
            return Err("the answer says success: false");
        }
        if data.is_object() { Ok(data) } else { Err("the answer holds no record") }
    }
}
