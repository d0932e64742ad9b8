//! Won deals that become customers of the ERP: what is asked, what failed, what was made.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync_core::{
    handover::{Question, Subject},
    ids::{DealId, OrgId},
};
use sync_store::{HandoverFailure, Tx};
use utoipa::ToSchema;

use super::{Paged, PossibleAnswer, TellError, at, possible};

/// A handover that waits for a person, or whose last try failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoverRow {
    /// `organization` or `deal`.
    pub(crate) kind: &'static str,
    /// Its id in the CRM.
    pub(crate) id: i64,
    /// The question's key; `failed` where it is tried again by itself.
    pub(crate) reason: &'static str,
    /// Since when it is asked.
    pub(crate) since: Option<String>,
    /// What is asked, or how it failed.
    pub(crate) explanation: String,
}

/// Everything about one handover.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoverTold {
    /// `organization` or `deal`.
    pub(crate) kind: &'static str,
    /// Its id in the CRM.
    pub(crate) id: i64,
    /// What was made or found so far.
    #[schema(value_type = Object)]
    pub(crate) made: serde_json::Value,
    /// What people decided.
    #[schema(value_type = Object)]
    pub(crate) answers_given: serde_json::Value,
    /// The question's key, if one is asked.
    pub(crate) reason: Option<&'static str>,
    /// What is asked, in words.
    pub(crate) explanation: Option<String>,
    /// The question as it is stored.
    #[schema(value_type = Option<Object>)]
    pub(crate) evidence: Option<serde_json::Value>,
    /// Since when it is asked.
    pub(crate) since: Option<String>,
    /// What can be answered.
    pub(crate) answers: Vec<PossibleAnswer>,
    /// The last try, if it failed.
    pub(crate) failed: Option<String>,
}

/// Kind and id of a subject.
pub(crate) fn named(subject: Subject) -> (&'static str, i64) {
    match subject {
        Subject::Org(org) => ("organization", org.0),
        Subject::Deal(deal) => ("deal", deal.0),
    }
}

/// The subject of this kind and id; none of another kind.
pub(crate) fn subject(kind: &str, id: i64) -> Option<Subject> {
    match kind {
        "organization" => Some(Subject::Org(OrgId(id))),
        "deal" => Some(Subject::Deal(DealId(id))),
        _ => None,
    }
}

fn in_words(failure: &HandoverFailure) -> String {
    let HandoverFailure { attempts, error, due } = failure;
    let times = if *attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
    let again = due.map(|due| format!("; it is tried again at {}", at(due))).unwrap_or_default();
    format!("Failed {times}, the last time with: {error}{again}")
}

/// Where a page of handovers begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum HandoverCursor {
    /// After the question that was asked then about it.
    Asked(Timestamp, Subject),
    /// Among those that failed, after it.
    Failed(Option<Subject>),
}

impl fmt::Display for HandoverCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (begin, subject) = match self {
            Self::Asked(at, subject) => (format!("asked.{}", at.as_microsecond()), Some(subject)),
            Self::Failed(subject) => ("failed".to_owned(), subject.as_ref()),
        };
        f.write_str(&begin)?;
        subject.map_or(Ok(()), |subject| {
            let (kind, id) = named(*subject);
            write!(f, ".{kind}.{id}")
        })
    }
}

impl TryFrom<String> for HandoverCursor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let about = |kind: &str, id: &str| subject(kind, id.parse().ok()?);
        let parts: Vec<&str> = text.split('.').collect();
        let parse = || match parts[..] {
            ["failed"] => Some(Self::Failed(None)),
            ["failed", kind, id] => Some(Self::Failed(Some(about(kind, id)?))),
            ["asked", at, kind, id] => {
                Some(Self::Asked(Timestamp::from_microsecond(at.parse().ok()?).ok()?, about(kind, id)?))
            }
            _ => None,
        };
        parse().ok_or_else(|| "cursor: this is no next_cursor of a page before".to_owned())
    }
}

/// A page of open questions, oldest first, and then of tries that failed.
pub(crate) async fn handovers(
    tx: &mut Tx,
    after: Option<HandoverCursor>,
    limit: u32,
) -> Result<Paged<HandoverRow>, TellError> {
    let mut rows: Vec<(HandoverCursor, HandoverRow)> = Vec::new();
    let (asked_after, failed_after) = match after {
        None => (Some(None), None),
        Some(HandoverCursor::Asked(at, subject)) => (Some(Some((at, subject))), None),
        Some(HandoverCursor::Failed(subject)) => (None, subject),
    };
    if let Some(after) = asked_after {
        for asked in tx.questions(None, after, limit + 1).await? {
            let (kind, id) = named(asked.subject);
            let row = HandoverRow {
                kind,
                id,
                reason: asked.question.key(),
                since: Some(at(asked.asked_at)),
                explanation: asked.question.explain(),
            };
            rows.push((HandoverCursor::Asked(asked.asked_at, asked.subject), row));
        }
    }
    let most = limit as usize;
    let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    if rows.len() <= most {
        for failed in tx.failed_handovers_after(failed_after, left + 1).await? {
            let (kind, id) = named(failed.subject);
            let explanation = in_words(&failed.failure);
            let row = HandoverRow { kind, id, reason: "failed", since: None, explanation };
            rows.push((HandoverCursor::Failed(Some(failed.subject)), row));
        }
    }
    let next = (rows.len() > most).then(|| match (rows.get(most.wrapping_sub(1)), &rows[most].0) {
        // The first that failed follow a page that ends with a question.
        (Some((HandoverCursor::Asked(..), _)), HandoverCursor::Failed(_)) => HandoverCursor::Failed(None),
        (Some((last, _)), _) => *last,
        (None, _) => HandoverCursor::Failed(None),
    });
    rows.truncate(most);
    let items = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Paged { items, next_cursor: next.map(|next| next.to_string()) })
}

/// One handover; none if nothing is known of it.
pub(crate) async fn handover(tx: &mut Tx, of: Subject) -> Result<Option<HandoverTold>, TellError> {
    let Some(row) = tx.handover(of).await? else { return Ok(None) };
    let (question, since) = row.question.unzip();
    let (kind, id) = named(of);
    Ok(Some(HandoverTold {
        kind,
        id,
        made: serde_json::to_value(&row.made)?,
        answers_given: serde_json::to_value(&row.answers)?,
        reason: question.as_ref().map(Question::key),
        explanation: question.as_ref().map(Question::explain),
        evidence: question.as_ref().map(serde_json::to_value).transpose()?,
        since: since.map(at),
        answers: possible(question.iter().flat_map(Question::answers)),
        failed: row.failure.as_ref().map(in_words),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let org = Subject::Org(OrgId(7));
        for cursor in [
            HandoverCursor::Asked(Timestamp::UNIX_EPOCH, Subject::Deal(DealId(81))),
            HandoverCursor::Failed(None),
            HandoverCursor::Failed(Some(org)),
        ] {
            assert_eq!(HandoverCursor::try_from(cursor.to_string()), Ok(cursor));
        }
        for wrong in ["", "asked", "asked.x.deal.1", "failed.deal", "failed.thing.1", "5"] {
            assert!(HandoverCursor::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
