//! Activities for people of ours: what has to be filled in before there can be a customer, and invoices that are overdue.

use saas_http::scalar::{int, required};
use serde_json::{Value as Json, json};
use sync_core::{
    budget::Class,
    handover::{ActivityChange, NewActivity},
    ids::{ActivityId, DealId},
    ports::{Called, Permit},
};

use crate::{
    api::activities::{ActivityDto, CreateActivity, ListActivities, UpdateActivity},
    client::Pipedrive,
};

impl Pipedrive {
    /// Tokens for one activity, made or changed.
    pub(crate) const ACTIVITY: u32 = <CreateActivity as saas_http::Endpoint>::TOKENS;

    /// Makes an activity. Its type is left out: then it is the company's first one (UNVERIFIED; none is required).
    pub(crate) async fn make_activity(&self, permit: Permit, activity: &NewActivity) -> Called<ActivityId> {
        let mut body = json!({
            "subject": activity.words.subject,
            "note": activity.words.note,
            "deal_id": activity.deal.0,
            "due_date": activity.due.to_string(),
        });
        if let Some(org) = activity.org {
            body["org_id"] = org.0.into();
        }
        if let Some(owner) = activity.owner {
            body["owner_id"] = owner.into();
        }
        self.one(&CreateActivity { body }, permit, |data| Ok(read(data)?.0)).await
    }

    /// The first activity on a deal whose note has this text in it.
    pub(crate) async fn activity_with(
        &self,
        deal: DealId,
        marker: &str,
        class: Class,
    ) -> Called<Option<ActivityId>> {
        let all = self.activities_of(deal, class).await?;
        Ok(all.into_iter().find(|(_, note)| note.contains(marker)).map(|(id, _)| id))
    }

    /// All activities on a deal, done or not, with their notes.
    pub(crate) async fn activities_of(
        &self,
        deal: DealId,
        class: Class,
    ) -> Called<Vec<(ActivityId, String)>> {
        let page = |cursor| ListActivities { deal, cursor };
        self.every(class, page, |row| read(row).map(Some)).await
    }

    /// Changes words, or marks as done.
    pub(crate) async fn alter_activity(
        &self,
        permit: Permit,
        id: ActivityId,
        change: &ActivityChange,
    ) -> Called<()> {
        let body = match change {
            ActivityChange::Words(words) => json!({ "subject": words.subject, "note": words.note }),
            ActivityChange::Done => json!({ "done": true }),
        };
        self.one(&UpdateActivity { id, body }, permit, |_| Ok(())).await
    }
}

/// Id and note.
fn read(row: &Json) -> Result<(ActivityId, String), String> {
    let ActivityDto { id, note } = serde_json::from_value(row.clone()).map_err(|error| error.to_string())?;
    let note = match note {
        Some(Json::String(note)) => note,
        // Then it is not the one that is looked for.
        None | Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
            String::new()
        }
    };
    Ok((ActivityId(required("id", int("id", id.as_ref())?)?), note))
}
