//! `deals` of v2 (pipedrive.md 1.6).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use sync_core::ids::{DealId, OrgId};

use super::Envelope;

const PATH: &str = "api/v2/deals";

/// The most that `ids=` takes.
pub(crate) const IDS: usize = 100;

/// Which deals to list. The list never has archived deals, nor deleted ones.
pub(crate) enum Which {
    /// All, by ascending id.
    ById,
    /// All that are won, by ascending id.
    Won,
    /// All that are being worked on, by ascending id.
    Open,
    /// Those changed since, by ascending update time. Whole seconds: a fraction is answered with 400 (8).
    ChangedSince(String),
    /// Likewise, but won: there is no filter for the time of winning.
    WonAndChangedSince(String),
    /// Those of an organization, by ascending id.
    Of(OrgId),
    /// These, at most [`IDS`].
    Ids(Vec<DealId>),
}

/// One page of deals. The price is per request, so pages are as large as they may be (1.4).
pub(crate) struct ListDeals {
    pub(crate) which: Which,
    /// Codes of the custom fields to return, comma separated; all of them if empty.
    pub(crate) custom_fields: String,
    pub(crate) cursor: Option<String>,
}

impl Endpoint for ListDeals {
    const NAME: &'static str = "deals.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 10;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let sorted = |by: &str| [("sort_by", by.to_owned()), ("sort_direction", "asc".to_owned())];
        let mut query = Vec::new();
        match &self.which {
            Which::ById => query.extend(sorted("id")),
            Which::Won | Which::Open => {
                let status = if matches!(self.which, Which::Won) { "won" } else { "open" };
                query.push(("status", status.to_owned()));
                query.extend(sorted("id"));
            }
            Which::ChangedSince(since) => {
                query.push(("updated_since", since.clone()));
                query.extend(sorted("update_time"));
            }
            Which::WonAndChangedSince(since) => {
                query.push(("status", "won".to_owned()));
                query.push(("updated_since", since.clone()));
                query.extend(sorted("update_time"));
            }
            Which::Of(org) => {
                query.push(("org_id", org.to_string()));
                query.extend(sorted("id"));
            }
            Which::Ids(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                query.push(("ids", ids.join(",")));
            }
        }
        query.extend(custom(&self.custom_fields));
        query.push(("limit", "500".to_owned()));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        query
    }
}

/// One deal, an archived one too.
pub(crate) struct GetDeal {
    pub(crate) id: DealId,
    /// As in [`ListDeals`].
    pub(crate) custom_fields: String,
}

impl Endpoint for GetDeal {
    const NAME: &'static str = "deals.get";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 1;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        custom(&self.custom_fields).into_iter().collect()
    }
}

fn custom(codes: &str) -> Option<(&'static str, String)> {
    (!codes.is_empty()).then(|| ("custom_fields", codes.to_owned()))
}

/// Sets some fields of a deal.
pub(crate) struct UpdateDeal {
    pub(crate) id: DealId,
    pub(crate) body: Value,
}

impl Endpoint for UpdateDeal {
    const NAME: &'static str = "deals.update";
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

/// A deal as it comes; times that the published schema calls non-null are null on open deals.
#[derive(Debug, Deserialize)]
pub(crate) struct DealDto {
    pub(crate) id: Option<Value>,
    pub(crate) title: Option<Value>,
    pub(crate) status: Option<Value>,
    pub(crate) value: Option<Value>,
    pub(crate) currency: Option<Value>,
    /// An id, or an object where v1 shines through; so are the other two.
    pub(crate) org_id: Option<Value>,
    pub(crate) person_id: Option<Value>,
    pub(crate) owner_id: Option<Value>,
    pub(crate) pipeline_id: Option<Value>,
    pub(crate) stage_id: Option<Value>,
    pub(crate) won_time: Option<Value>,
    pub(crate) add_time: Option<Value>,
    pub(crate) expected_close_date: Option<Value>,
    pub(crate) is_archived: Option<Value>,
    pub(crate) is_deleted: Option<Value>,
    pub(crate) update_time: Option<Value>,
    pub(crate) label_ids: Option<Value>,
    /// Every field asked for by its code, null when unset.
    pub(crate) custom_fields: Option<Value>,
}
