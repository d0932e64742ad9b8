//! Deals: read in many ways, and changed (pipedrive.md 1.6, 1.8).

use std::collections::BTreeMap;

use jiff::Timestamp;
use saas_http::Endpoint;
use serde_json::Value as Json;
use sync_core::{
    budget::Class,
    deals::CrmDeal,
    error::{CallError, ErrorKind},
    ids::{DealId, OrgId},
    model::{Page, Seen},
    money::Money,
    ports::Called,
};

use crate::{
    api::deals::{GetDeal, IDS, ListDeals, UpdateDeal, Which},
    calls::if_there,
    client::{Pipedrive, whole_seconds},
    deal_json,
};

/// The most custom fields that a list can be asked for.
pub(crate) const CODES: usize = 15;

/// Codes of the custom fields that a list is to return.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DealCodes(String);

impl DealCodes {
    /// At most fifteen of them; without any, lists return all fields that the company has.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] when there are more.
    pub fn of<'a>(codes: impl IntoIterator<Item = &'a str>) -> Called<Self> {
        let codes: Vec<&str> = codes.into_iter().collect();
        if codes.len() > CODES {
            let message = format!("a list returns at most {CODES} custom fields, not {}", codes.len());
            return Err(CallError::without_effect(ListDeals::NAME, ErrorKind::Rejected, message));
        }
        Ok(Self(codes.join(",")))
    }
}

/// What to set on a deal; all else stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DealChanges {
    /// What it is worth.
    pub value: Option<Money>,
    /// Custom fields by code, in the shapes of v2; null clears.
    pub custom: BTreeMap<String, Json>,
}

/// Archived deals are in none of the lists, nor are deleted ones: [`Pipedrive::deal`] tells the two apart.
impl Pipedrive {
    /// All deals, by id (10 tokens a page).
    ///
    /// # Errors
    /// As every call.
    pub async fn deals_walk(
        &self,
        codes: &DealCodes,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        self.deals(Which::ById, codes, cursor, class).await
    }

    /// All won deals, by id (10 tokens a page).
    ///
    /// # Errors
    /// As every call.
    pub async fn deals_won(
        &self,
        codes: &DealCodes,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        self.deals(Which::Won, codes, cursor, class).await
    }

    /// All open deals, by id (10 tokens a page).
    ///
    /// # Errors
    /// As every call.
    pub async fn deals_open(
        &self,
        codes: &DealCodes,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        self.deals(Which::Open, codes, cursor, class).await
    }

    /// Deals that changed at `from` or later, by the time of their last change (10 tokens a page).
    ///
    /// # Errors
    /// As every call.
    pub async fn deals_changed(
        &self,
        from: Timestamp,
        codes: &DealCodes,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        self.deals(Which::ChangedSince(whole_seconds(from)), codes, cursor, class).await
    }

    /// Won deals that changed at `from` or later, among them those won since (10 tokens a page).
    ///
    /// # Errors
    /// As every call.
    pub async fn deals_won_since(
        &self,
        from: Timestamp,
        codes: &DealCodes,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        self.deals(Which::WonAndChangedSince(whole_seconds(from)), codes, cursor, class).await
    }

    /// Deals of an organization, by id (10 tokens a page).
    ///
    /// # Errors
    /// As every call.
    pub async fn deals_of(
        &self,
        org: OrgId,
        codes: &DealCodes,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        self.deals(Which::Of(org), codes, cursor, class).await
    }

    /// These deals, in hundreds (10 tokens each). Those that are missing, hidden, archived or deleted are left out.
    ///
    /// # Errors
    /// As every call.
    pub async fn deals_by_id(
        &self,
        ids: &[DealId],
        codes: &DealCodes,
        class: Class,
    ) -> Called<Vec<Seen<CrmDeal>>> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let mut deals = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS) {
            let page = self.deals(Which::Ids(some.to_vec()), codes, None, class).await?;
            let wanted = |seen: &Seen<CrmDeal>| match seen {
                Seen::Record(deal) => some.contains(&deal.id),
                // Left out, it would seem to be gone.
                Seen::Malformed(record) => record.id.is_none_or(|id| some.contains(&DealId(id))),
            };
            deals.extend(page.rows.into_iter().filter(wanted));
        }
        Ok(deals)
    }

    /// One deal, also when it is archived or in the bin, where that is shown (1 token); `None` when it is not there.
    ///
    /// # Errors
    /// As every call.
    pub async fn deal(&self, id: DealId, codes: &DealCodes, class: Class) -> Called<Option<CrmDeal>> {
        let get = GetDeal { id, custom_fields: codes.0.clone() };
        if_there(self.one(&get, class, |data| read(data, id)).await)
    }

    /// Changes a deal and answers with what became of it (5 tokens).
    ///
    /// # Errors
    /// As every call; [`ErrorKind::Rejected`] without a request when there is nothing to write.
    pub async fn patch_deal(&self, id: DealId, changes: &DealChanges, class: Class) -> Called<CrmDeal> {
        let body = deal_json::body(changes)
            .map_err(|why| CallError::without_effect(UpdateDeal::NAME, ErrorKind::Rejected, why))?;
        self.one(&UpdateDeal { id, body: body.into() }, class, |data| read(data, id)).await
    }

    async fn deals(
        &self,
        which: Which,
        codes: &DealCodes,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>> {
        let list = ListDeals { which, custom_fields: codes.0.clone(), cursor };
        self.cursor_page(&list, class, deal_json::seen).await
    }
}

fn read(data: &Json, id: DealId) -> Result<CrmDeal, String> {
    let deal = deal_json::read(data)?;
    if deal.id == id { Ok(deal) } else { Err(format!("the answer is about deal {}", deal.id)) }
}
