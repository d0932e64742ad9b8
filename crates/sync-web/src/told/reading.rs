//! Documents and deals as they were last read, and what was decided about them, for whoever tells of them.

use sync_core::{
    deals::CrmDeal,
    documents::{Attachment, Document, DocumentKey, DocumentKind, LearnedBy},
};
use sync_store::{DocumentId, DocumentRow, DocumentRule, StagedRecord, Tx};

use super::TellError;

/// The kind and id of a document, as stored.
#[must_use]
pub fn key_of(id: DocumentId) -> Option<DocumentKey> {
    let kinds = DocumentKind::ALL.map(|kind| DocumentKey { kind, id: id.id });
    kinds.into_iter().find(|key| DocumentId::from(*key) == id)
}

/// A document as it was last read; none where the ERP has it no more, or it cannot be read.
///
/// # Errors
/// When the database refuses, or the record cannot be read.
pub async fn read(tx: &mut Tx, id: DocumentId) -> Result<Option<Document>, TellError> {
    let record = tx.staged(id.kind, &[id.id]).await?.remove(&id.id);
    let record = record.filter(|record| record.missing < 2 && record.row.malformed.is_none());
    Ok(record.map(|record| serde_json::from_str(&record.row.body)).transpose()?)
}

/// A deal as it was last read.
///
/// # Errors
/// When the record cannot be read.
pub fn read_deal(record: Option<&StagedRecord>) -> Result<Option<CrmDeal>, TellError> {
    let record = record.filter(|record| record.row.malformed.is_none());
    Ok(record.map(|record| serde_json::from_str(&record.row.body)).transpose()?)
}

/// The total of a document with its currency.
#[must_use]
pub fn amount(document: &Document) -> Option<String> {
    let currency = document.currency.as_deref().unwrap_or_default();
    document.total.map(|total| format!("{total} {currency}").trim_end().to_owned())
}

/// What was decided, in a sentence.
///
/// # Errors
/// When the record cannot be read.
pub fn explained(row: &DocumentRow) -> Result<(String, Option<Attachment>), TellError> {
    let Some((decided, _)) = &row.decided else { return Ok(("it was not looked at yet".to_owned(), None)) };
    let attachment: Attachment = serde_json::from_str(&decided.body)?;
    let explanation = match &attachment {
        Attachment::Deal { because, archived, .. } => {
            let when = if *archived { " It is shown when the deal is no longer archived." } else { "" };
            format!("{because}{when}")
        }
        Attachment::Ambiguous { because, candidates } => {
            let deals: Vec<String> = candidates.iter().map(|one| one.deal.to_string()).collect();
            format!("{} Candidates: {}.", because.explain(), deals.join(", "))
        }
        Attachment::Unmatched { because } | Attachment::Customer { because, .. } => because.explain(),
        Attachment::NotCounted { because } => because.explain(),
        Attachment::Look { .. } => "the deals that it names are being looked for".to_owned(),
    };
    Ok((explanation, Some(attachment)))
}

/// What a rule that is made of an answer about a document goes by, as it is stored: a field's name, `account` or `party`.
///
/// # Errors
/// When the document does not say it; the text says what it does say.
pub fn likeness(document: Option<&Document>, key: &str) -> Result<String, String> {
    let Some(document) = document else {
        return Err(
            "the document cannot be read, or the ERP has it no more: no rule can be made of it".to_owned()
        );
    };
    let choices = LearnedBy::choices(document);
    let Some(chosen) = choices.iter().find(|choice| choice.key() == key) else {
        let keys: Vec<String> = choices.iter().map(LearnedBy::key).collect();
        return Err(format!("{key:?} is nothing that it says; a rule can go by {}", keys.join(", ")));
    };
    serde_json::to_string(chosen).map_err(|error| error.to_string())
}

/// Which documents a rule is about, in words.
///
/// # Errors
/// When it cannot be read.
pub fn means(rule: &DocumentRule) -> Result<String, TellError> {
    let by: LearnedBy = serde_json::from_str(&rule.likeness)?;
    Ok(by.explain())
}
