//! Won deals that become customers of the ERP: what is asked, what failed, what was made.

use serde::Serialize;
use sync_core::{
    handover::{Question, Subject},
    ids::{DealId, OrgId},
};
use sync_store::{HandoverFailure, Tx};
use utoipa::ToSchema;

use super::{PossibleAnswer, TellError, at, possible};

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

/// Open questions, oldest first, and then tries that failed.
pub(crate) async fn handovers(tx: &mut Tx, limit: u32) -> Result<Vec<HandoverRow>, TellError> {
    let mut rows: Vec<HandoverRow> = Vec::new();
    for asked in tx.questions(None, None, limit).await? {
        let (kind, id) = named(asked.subject);
        rows.push(HandoverRow {
            kind,
            id,
            reason: asked.question.key(),
            since: Some(at(asked.asked_at)),
            explanation: asked.question.explain(),
        });
    }
    for failed in tx.failed_handovers(limit).await? {
        let (kind, id) = named(failed.subject);
        let explanation = in_words(&failed.failure);
        rows.push(HandoverRow { kind, id, reason: "failed", since: None, explanation });
    }
    Ok(rows)
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
