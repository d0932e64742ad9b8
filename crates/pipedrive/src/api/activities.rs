//! `activities` of v2 (SPEC-v2; pipedrive.md 1.2, 6).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use sync_core::ids::{ActivityId, DealId};

use super::Envelope;

const PATH: &str = "api/v2/activities";

/// One page of the activities on a deal, by ascending id.
pub(crate) struct ListActivities {
    pub(crate) deal: DealId,
    pub(crate) cursor: Option<String>,
}

impl Endpoint for ListActivities {
    const NAME: &'static str = "activities.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 10;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![
            ("deal_id", self.deal.to_string()),
            ("sort_by", "id".to_owned()),
            ("sort_direction", "asc".to_owned()),
            ("limit", "500".to_owned()),
        ];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        query
    }
}

/// Makes an activity. Nothing makes it idempotent.
pub(crate) struct CreateActivity {
    pub(crate) body: Value,
}

impl Endpoint for CreateActivity {
    const NAME: &'static str = "activities.create";
    const METHOD: Method = Method::POST;
    const TOKENS: u32 = 5;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn body(&self) -> Option<Value> {
        Some(self.body.clone())
    }
}

/// Sets some fields of an activity.
pub(crate) struct UpdateActivity {
    pub(crate) id: ActivityId,
    pub(crate) body: Value,
}

impl Endpoint for UpdateActivity {
    const NAME: &'static str = "activities.update";
    const METHOD: Method = Method::PATCH;
    const TOKENS: u32 = 5;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    fn body(&self) -> Option<Value> {
        Some(self.body.clone())
    }
}

/// What is read of an activity.
#[derive(Debug, Deserialize)]
pub(crate) struct ActivityDto {
    pub(crate) id: Option<Value>,
    /// HTML as it was kept.
    pub(crate) note: Option<Value>,
}
