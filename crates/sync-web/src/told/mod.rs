//! What API and console tell: one shape for both, read from the store, in a bounded number of statements whatever there is.

mod audit;
mod budget;
mod customers;
mod deals;
mod deeds;
mod documents;
pub mod fit;
pub mod handover_plan;
mod handovers;
mod holds;
mod journal;
mod overview;
pub mod plan;
mod plan_page;
pub mod reading;
mod webhooks;

use jiff::Timestamp;
use serde::Serialize;
use sync_store::{ConnectionRow, Store, StoreError};
use utoipa::ToSchema;

pub(crate) use audit::{AuditsTold, UnequalPage, audits, unequal};
pub(crate) use budget::{Budget, SpentBy};
pub(crate) use customers::{Customer, CustomerRow, LOOKED_THROUGH, customer, customers};
pub(crate) use deals::{DealRow, asked_deals, deals_without_documents};
pub(crate) use deeds::{DeedTold, deeds};
pub(crate) use documents::{
    DealTold, DocumentCursor, DocumentRuleTold, DocumentTold, deal, document, document_rules, documents,
};
pub(crate) use handovers::{
    HandoverCursor, HandoverRow, HandoverTold, handover, handovers, named as handovers_named, subject,
};
pub(crate) use holds::{Cause, HoldRow, HoldTold, causes, hold, holds};
pub(crate) use journal::{RunRow, Written, journal, runs};
pub(crate) use overview::{ConnectionTold, connections};
pub(crate) use plan_page::{PlanError, PlanPage, plan_page};
pub(crate) use webhooks::{WebhooksTold, webhooks};

/// The most records of a page.
pub(crate) const MOST: u32 = 200;

/// Why something could not be told.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row of the store has another form than this version writes.
    #[error("a stored record cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Records, and where the next ones begin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Paged<T> {
    /// The records.
    pub(crate) items: Vec<T>,
    /// Send it as `cursor` to get those that follow; none at the end.
    pub(crate) next_cursor: Option<String>,
}

impl<T> Paged<T> {
    /// A page of at most `limit`: `items` has one more if there are more, and `key` tells where an item stands.
    pub(crate) fn of(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> i64) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|item| key(item).to_string());
        Self { items, next_cursor }
    }
}

/// The connection of this name, if it was ever worked on.
pub(crate) async fn connection(store: &Store, name: &str) -> Result<Option<ConnectionRow>, StoreError> {
    Ok(store.connections().await?.into_iter().find(|connection| connection.name == name))
}

/// A time as it is written everywhere: UTC, whole seconds.
pub(crate) fn at(time: Timestamp) -> String {
    format!("{time:.0}")
}

/// An answer that can be given, and what it does.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PossibleAnswer {
    /// What to send.
    pub(crate) answer: &'static str,
    /// What follows.
    pub(crate) does: &'static str,
}

/// Answers as they are shown.
pub(crate) fn possible(
    answers: impl IntoIterator<Item = (&'static str, &'static str)>,
) -> Vec<PossibleAnswer> {
    answers.into_iter().map(|(answer, does)| PossibleAnswer { answer, does }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_nothing_follows() {
        let page = |count: i64| Paged::of((1..=count).collect(), 3, |item| *item);
        assert_eq!((page(2).items.len(), page(2).next_cursor), (2, None));
        assert_eq!((page(3).items.len(), page(3).next_cursor), (3, None));
        let more = page(4);
        assert_eq!((more.items, more.next_cursor.as_deref()), (vec![1, 2, 3], Some("3")));
    }
}
