//! Documents of the ERP, the deals they belong to, and why.

use serde::{Deserialize, Serialize};
use sync_core::{
    documents::{Attachment, Document, DocumentKey, LearnedBy, Reason},
    ids::DealId,
};
use sync_store::{DecisionKey, DocumentId, DocumentRow, StagedKind, Tx};
use utoipa::ToSchema;

use super::{
    Paged, TellError, at,
    reading::{amount, explained, key_of, means, read, read_deal},
};

/// A document and what was decided about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentTold {
    /// `invoice:ID`, `credit_memo:ID`, `sales_order:ID` or `purchase_order:ID`.
    pub(crate) document: String,
    /// The number that people use.
    pub(crate) number: String,
    /// Its total with its currency; none where the ERP has it no more, or it cannot be read.
    pub(crate) amount: Option<String>,
    /// What is still to be paid.
    pub(crate) open: Option<String>,
    /// Its day.
    pub(crate) date: Option<String>,
    /// What the ERP says of it.
    pub(crate) status: Option<String>,
    /// What it says of where it belongs: field and value.
    pub(crate) references: Vec<String>,
    /// `deal`, `customer`, `ambiguous`, `unmatched`, and so on.
    pub(crate) decision: &'static str,
    /// The deal that it belongs to.
    pub(crate) deal: Option<i64>,
    /// Why, in words.
    pub(crate) explanation: String,
    /// Deals that it may belong to, the likeliest first.
    pub(crate) candidates: Vec<CandidateTold>,
    /// When that was decided.
    pub(crate) decided_at: Option<String>,
    /// Who said where it belongs, and when.
    pub(crate) said_by: Option<String>,
    /// What a rule can go by that is made of an answer about it.
    pub(crate) likenesses: Vec<LikenessTold>,
}

/// What documents of a rule have in common.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LikenessTold {
    /// The field's name, `account` or `party`: `always` of an answer.
    pub(crate) always: String,
    /// In words.
    pub(crate) means: String,
}

/// A rule that a person made of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentRuleTold {
    /// Its number.
    pub(crate) id: i64,
    /// Which documents are meant.
    pub(crate) means: String,
    /// The deal that they belong to.
    pub(crate) deal: i64,
    /// Who made it.
    pub(crate) made_by: String,
    /// When.
    pub(crate) made_at: String,
}

/// All rules that persons made of answers.
pub(crate) async fn document_rules(tx: &mut Tx) -> Result<Vec<DocumentRuleTold>, TellError> {
    let rules = tx.document_rules().await?.into_iter().map(|rule| {
        let means = means(&rule)?;
        Ok(DocumentRuleTold { id: rule.id, means, deal: rule.deal.0, made_by: rule.by, made_at: at(rule.at) })
    });
    rules.collect()
}

/// A deal that a document may belong to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CandidateTold {
    /// The deal.
    pub(crate) deal: i64,
    /// What sales calls it.
    pub(crate) title: String,
    /// How much speaks for it.
    pub(crate) score: i64,
    /// What speaks for it, in words.
    pub(crate) reasons: String,
}

/// A deal and its documents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DealTold {
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
    /// Its documents.
    pub(crate) documents: Vec<DocumentTold>,
}

async fn told(tx: &mut Tx, row: DocumentRow) -> Result<Option<DocumentTold>, TellError> {
    let Some(key) = key_of(row.id) else { return Ok(None) };
    let read = read(tx, row.id).await?;
    let (explanation, decision) = explained(&row)?;
    let candidates = match decision {
        Some(Attachment::Ambiguous { candidates, .. }) => candidates
            .into_iter()
            .map(|one| CandidateTold {
                deal: one.deal.0,
                title: one.title.clone(),
                score: i64::from(one.score),
                reasons: Reason::list(&one.reasons),
            })
            .collect(),
        _ => Vec::new(),
    };
    let likenesses = read.as_ref().map(LearnedBy::choices).unwrap_or_default();
    let likeness = |by: &LearnedBy| LikenessTold { always: by.key(), means: by.explain() };
    let likenesses = likenesses.iter().map(likeness).collect();
    Ok(Some(DocumentTold {
        likenesses,
        document: format!("{}:{}", key.kind.key(), key.id),
        number: read.as_ref().map(Document::name).unwrap_or_default(),
        amount: read.as_ref().and_then(amount),
        open: read.as_ref().and_then(|read| read.balance).map(|open| open.to_string()),
        date: read.as_ref().and_then(|read| read.date).map(|day| day.to_string()),
        status: read.as_ref().and_then(|read| read.status.clone()),
        references: read
            .map(|read| read.references.iter().map(|(field, value)| format!("{field} \"{value}\"")).collect())
            .unwrap_or_default(),
        decision: row.decided.as_ref().map_or("not_looked_at", |(decided, _)| decided.key.key()),
        deal: row.decided.as_ref().and_then(|(decided, _)| decided.deal).map(|deal| deal.0),
        explanation,
        candidates,
        decided_at: row.decided.as_ref().map(|(_, when)| at(*when)),
        said_by: row.answer.map(|answer| format!("{}, {}", answer.by, at(answer.at))),
    }))
}

/// What was decided of documents that somebody has to look at.
const WAITING: [DecisionKey; 3] = [DecisionKey::Ambiguous, DecisionKey::Unmatched, DecisionKey::Customer];

/// Where a page of documents begins: after the document of which this was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct DocumentCursor(DecisionKey, DocumentKey);

impl DocumentCursor {
    /// Whether it is of the list of this decision; without one, of those that somebody has to look at.
    pub(crate) fn is_of(self, decision: Option<DecisionKey>) -> bool {
        decision.map_or_else(|| WAITING.contains(&self.0), |decision| decision == self.0)
    }
}

/// Fit for an address as it is.
impl std::fmt::Display for DocumentCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(decision, document) = self;
        write!(f, "{}:{}:{}", decision.key(), document.kind.key(), document.id)
    }
}

impl TryFrom<String> for DocumentCursor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let (decision, document) = text.split_once(':')?;
            let decision = DecisionKey::ALL.into_iter().find(|key| key.key() == decision)?;
            Some(Self(decision, document.parse().ok()?))
        };
        parse().ok_or_else(|| "cursor: this is no next_cursor of a page before".to_owned())
    }
}

/// A page of documents with this decision, or of those without a deal that somebody has to look at.
pub(crate) async fn documents(
    tx: &mut Tx,
    decision: Option<DecisionKey>,
    after: Option<DocumentCursor>,
    limit: u32,
) -> Result<Paged<DocumentTold>, TellError> {
    let keys = decision.as_ref().map_or(&WAITING[..], std::slice::from_ref);
    let begin = after.and_then(|DocumentCursor(key, _)| keys.iter().position(|one| *one == key));
    let mut rows: Vec<(DecisionKey, DocumentRow)> = Vec::new();
    for (index, key) in keys.iter().enumerate().skip(begin.unwrap_or(0)) {
        let after = after.filter(|_| begin == Some(index)).map(|DocumentCursor(_, of)| DocumentId::from(of));
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        rows.extend(tx.decided_documents(*key, after, left + 1).await?.into_iter().map(|row| (*key, row)));
        if rows.len() > limit as usize {
            break;
        }
    }
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more).and_then(|(key, row)| Some((*key, key_of(row.id)?)));
    let next_cursor = last.map(|(key, of)| DocumentCursor(key, of).to_string());
    let mut items = Vec::new();
    for (_, row) in rows {
        items.extend(told(tx, row).await?);
    }
    Ok(Paged { items, next_cursor })
}

/// One document; none if there is no such one.
pub(crate) async fn document(tx: &mut Tx, key: DocumentKey) -> Result<Option<DocumentTold>, TellError> {
    let id = DocumentId::from(key);
    match tx.documents(&[id]).await?.remove(&id) {
        Some(row) => told(tx, row).await,
        None => Ok(None),
    }
}

/// A deal with its documents; none if it was never read and has none.
pub(crate) async fn deal(tx: &mut Tx, deal: i64) -> Result<Option<DealTold>, TellError> {
    let record = tx.staged(StagedKind::Deal, &[deal]).await?.remove(&deal);
    let read = read_deal(record.as_ref())?;
    let mut documents = Vec::new();
    for row in tx.documents_of(&[DealId(deal)]).await? {
        documents.extend(told(tx, row).await?);
    }
    if read.is_none() && documents.is_empty() {
        return Ok(None);
    }
    Ok(Some(DealTold {
        deal,
        title: read.as_ref().map(|deal| deal.title.clone()).unwrap_or_default(),
        value: read
            .as_ref()
            .and_then(|deal| deal.value.as_ref())
            .map(|value| format!("{} {}", value.amount, value.currency)),
        won_at: read.as_ref().and_then(|deal| deal.won_at).map(at),
        organization: read.and_then(|deal| deal.org).map(|org| org.0),
        documents,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_a_decision_and_a_document() {
        let cursor = DocumentCursor::try_from("unmatched:invoice:7".to_owned());
        let expected = DocumentCursor(DecisionKey::Unmatched, "invoice:7".parse().expect("a document"));
        assert_eq!(cursor, Ok(expected));
        assert_eq!(DocumentCursor::try_from(expected.to_string()), Ok(expected));
        for wrong in ["", "unmatched", "unmatched:invoice", "thing:invoice:7", "unmatched:thing:7"] {
            assert!(DocumentCursor::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
