//! Deals to work through: those that were won and have no document, and those of which something is asked.

use jiff::Timestamp;
use serde::Serialize;
use sync_core::{
    deals::{CrmDeal, DealStatus},
    documents::DocumentQuestion,
    ids::DealId,
};
use sync_store::{StagedKind, Tx};
use utoipa::ToSchema;

use super::{Paged, TellError, at, reading::read_deal};

/// Deals without documents that are read at a time, and how often for one answer: those that are not won fill no page.
const READ: u32 = 500;
const TIMES: u32 = 20;

/// A deal to work through.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DealRow {
    /// The deal.
    pub(crate) deal: i64,
    /// What sales calls it.
    pub(crate) title: String,
    /// What it is worth, with its currency.
    pub(crate) value: Option<String>,
    /// When it was won.
    pub(crate) won_at: Option<String>,
    /// Its organization.
    pub(crate) organization: Option<i64>,
    /// What is asked about it, in words.
    pub(crate) question: Option<String>,
    /// Since when.
    pub(crate) asked_at: Option<String>,
}

fn row(deal: DealId, read: Option<CrmDeal>) -> DealRow {
    let value =
        |read: &CrmDeal| read.value.as_ref().map(|value| format!("{} {}", value.amount, value.currency));
    DealRow {
        deal: deal.0,
        title: read.as_ref().map(|read| read.title.clone()).unwrap_or_default(),
        value: read.as_ref().and_then(value),
        won_at: read.as_ref().and_then(|read| read.won_at).map(at),
        organization: read.and_then(|read| read.org).map(|org| org.0),
        question: None,
        asked_at: None,
    }
}

/// Won deals to which no document belongs, after a deal.
pub(crate) async fn deals_without_documents(
    tx: &mut Tx,
    after: Option<i64>,
    limit: u32,
) -> Result<Paged<DealRow>, TellError> {
    let (mut after, mut items, mut more) = (DealId(after.unwrap_or(i64::MIN)), Vec::new(), false);
    'reading: for _ in 0..TIMES {
        let page = tx.deals_without_documents(after, READ).await?;
        more = page.len() >= READ as usize;
        for record in &page {
            if items.len() >= limit as usize {
                more = true;
                break 'reading;
            }
            after = DealId(record.row.id);
            let won = read_deal(Some(record))?.filter(|deal| deal.status == DealStatus::Won);
            items.extend(won.map(|deal| row(deal.id, Some(deal))));
        }
        if !more {
            break;
        }
    }
    Ok(Paged { items, next_cursor: more.then(|| after.0.to_string()) })
}

/// Deals of which a field cannot be shown, or is contested, those asked about first first; after one of them.
pub(crate) async fn asked_deals(
    tx: &mut Tx,
    after: Option<(Timestamp, DealId)>,
    limit: u32,
) -> Result<Paged<DealRow>, TellError> {
    let mut asked = tx.page_questions(None, after, limit + 1).await?;
    let more = asked.len() > limit as usize;
    asked.truncate(limit as usize);
    let last = asked.last().filter(|_| more);
    let next_cursor = last.map(|last| format!("{}-{}", last.asked_at.as_microsecond(), last.deal));
    let ids: Vec<i64> = asked.iter().map(|asked| asked.deal.0).collect();
    let staged = tx.staged(StagedKind::Deal, &ids).await?;
    let mut items = Vec::new();
    for asked in asked {
        let question: DocumentQuestion = serde_json::from_str(&asked.question.body)?;
        let read = read_deal(staged.get(&asked.deal.0))?;
        let (question, asked_at) = (Some(question.explain()), Some(at(asked.asked_at)));
        items.push(DealRow { question, asked_at, ..row(asked.deal, read) });
    }
    Ok(Paged { items, next_cursor })
}
