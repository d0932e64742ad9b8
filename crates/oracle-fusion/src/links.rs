//! What parties are to each other: a walk over all of them by id, with their relationships.

use saas_http::{
    Answer, Endpoint as _,
    scalar::{day, int, moment, required, text},
};
use serde_json::Value;
use sync_core::{
    error::{CallError, ErrorKind},
    hierarchy::ErpLink,
    ids::{PartyId, RelationshipId},
    model::{Malformed, Seen},
    ports::{Called, LinkPage},
};

use crate::{
    api::{
        Collection,
        relationships::{CHILD, ListRelationships, ListWithRelationships, MOST_PARTIES, RelationshipDto},
    },
    client::Fusion,
    convert,
};

/// The relationships of one party as they came with it.
struct Below {
    party: i64,
    number: Option<String>,
    rows: Vec<Value>,
    /// There are more than fit.
    more: bool,
}

impl Fusion {
    /// One page of parties with their relationships; a party with more than fit into it costs requests of its own.
    pub(crate) async fn relationships(&self, after: PartyId) -> Called<LinkPage> {
        let limit = self.page_size().min(MOST_PARTIES);
        let list = ListWithRelationships { api_version: self.api_version(), after: after.0, limit };
        let Answer { value, server_now, correlation, .. } = self.call(&list).await?;
        let Collection { items, has_more } = value;
        // Taken for empty, every relation would seem to have ended.
        if !items.is_empty() && items.iter().all(|item| item.get(CHILD).is_none()) {
            let why = format!("not one party of a page came with its {CHILD}: may our user see it?");
            return Err(CallError::without_effect(ListWithRelationships::NAME, ErrorKind::Unreadable, why)
                .with_correlation(correlation));
        }
        let mut page = LinkPage {
            rows: Vec::new(),
            last: None,
            more: has_more && !items.is_empty(),
            server_now: server_now.unwrap_or_else(|| self.now()),
        };
        for item in &items {
            match below(item) {
                Ok(Below { party, number, rows, more }) => {
                    let rows = if more { self.all_of(number.as_deref(), rows).await? } else { rows };
                    page.rows.extend(rows.into_iter().map(link));
                    page.last = Some(PartyId(party));
                }
                Err(reason) => page.rows.push(Seen::Malformed(Malformed {
                    id: None,
                    owner: None,
                    updated_at: None,
                    reason,
                })),
            }
        }
        Ok(page)
    }

    /// All that one party is to others.
    pub(crate) async fn relationships_of(&self, number: &str) -> Called<Vec<Seen<ErpLink>>> {
        let rows = self.all_of(Some(number), Vec::new()).await?;
        Ok(rows.into_iter().map(link).collect())
    }

    /// All rows of a party; the order of those that came with it is unknown, so that they are read again.
    async fn all_of(&self, number: Option<&str>, came: Vec<Value>) -> Called<Vec<Value>> {
        let Some(number) = number else { return Ok(came) };
        let (api_version, limit) = (self.api_version(), self.page_size());
        self.every("RelationshipRecId", |after| ListRelationships { api_version, number, after, limit }).await
    }
}

/// An expanded child is a page of its own from framework version 3 on, and an array below it (4.4). A party without rows
/// may come without the attribute.
fn below(item: &Value) -> Result<Below, String> {
    let party = required("PartyId", int("PartyId", item.get("PartyId"))?)?;
    let number = text("PartyNumber", item.get("PartyNumber"))?;
    let (rows, more) = match item.get(CHILD) {
        None | Some(Value::Null) => (Vec::new(), false),
        Some(Value::Array(rows)) => (rows.clone(), false),
        Some(page) => {
            let page: Collection = serde_json::from_value(page.clone())
                .map_err(|error| format!("{CHILD} of party {party} is no page: {error}"))?;
            (page.items, page.has_more)
        }
    };
    Ok(Below { party, number, rows, more })
}

fn link(row: Value) -> Seen<ErpLink> {
    convert::seen("RelationshipId", Some("SubjectPartyId"), row, |dto: RelationshipDto| {
        let RelationshipDto {
            relationship_id,
            relationship_type,
            relationship_code,
            subject_party_id,
            object_party_id,
            status,
            start_date,
            end_date,
            last_update_date,
        } = dto;
        let party = |name, value: Option<&Value>| required(name, int(name, value)?).map(PartyId);
        Ok(ErpLink {
            id: RelationshipId(required("RelationshipId", int("RelationshipId", relationship_id.as_ref())?)?),
            subject: party("SubjectPartyId", subject_party_id.as_ref())?,
            object: party("ObjectPartyId", object_party_id.as_ref())?,
            kind: text("RelationshipType", relationship_type.as_ref())?,
            code: required("RelationshipCode", text("RelationshipCode", relationship_code.as_ref())?)?,
            active: text("Status", status.as_ref())?.is_none_or(|status| status == "A"),
            starts: day("StartDate", start_date.as_ref())?,
            ends: day("EndDate", end_date.as_ref())?,
            updated_at: required("LastUpdateDate", moment("LastUpdateDate", last_update_date.as_ref())?)?,
        })
    })
}
