//! Questions about customers that wait for a person.

use serde::Serialize;
use sync_core::{answers::Answer, hold::HoldReason, ids::PartyId, matching::Judged};
use sync_store::{HoldCause, Tx};
use utoipa::ToSchema;

use super::{Paged, PossibleAnswer, TellError, at, possible};

/// How many questions have one cause.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Cause {
    /// The cause's key.
    pub(crate) reason: String,
    /// How many there are.
    pub(crate) holds: u64,
    /// Since when the oldest waits.
    pub(crate) since: String,
}

impl From<HoldCause> for Cause {
    fn from(HoldCause { reason, holds, since }: HoldCause) -> Self {
        Self { reason, holds, since: at(since) }
    }
}

/// A question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldRow {
    /// Its number.
    pub(crate) id: i64,
    /// The party that waits.
    pub(crate) party: i64,
    /// The cause's key.
    pub(crate) reason: &'static str,
    /// Since when.
    pub(crate) since: String,
    /// What is wrong and what can be done about it.
    pub(crate) explanation: String,
}

impl From<sync_store::HoldRow> for HoldRow {
    fn from(row: sync_store::HoldRow) -> Self {
        Self {
            id: row.id,
            party: row.party.0,
            reason: row.reason.key(),
            since: at(row.opened_at),
            explanation: row.reason.explain(),
        }
    }
}

/// A question with everything that speaks for an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldTold {
    /// The question.
    #[serde(flatten)]
    pub(crate) hold: HoldRow,
    /// The question as it is stored.
    #[schema(value_type = Object)]
    pub(crate) evidence: HoldReason,
    /// What can be answered.
    pub(crate) answers: Vec<PossibleAnswer>,
    /// What was asked about this party before, newest first.
    pub(crate) before: Vec<Earlier>,
}

/// A question that is closed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Earlier {
    /// The cause's key.
    pub(crate) reason: &'static str,
    /// Since when it was asked.
    pub(crate) since: String,
    /// Until when.
    pub(crate) until: String,
    /// The answer; none if it was solved by itself.
    pub(crate) answer: Option<&'static str>,
    /// Who gave it.
    pub(crate) answered_by: Option<String>,
}

impl HoldTold {
    /// The organizations among which a person is to choose.
    pub(crate) fn candidates(&self) -> &[Judged] {
        match &self.evidence {
            HoldReason::Ambiguous { candidates, .. } => candidates,
            _ => &[],
        }
    }

    /// Organizations that an answer can name.
    pub(crate) fn organizations(&self) -> Vec<i64> {
        match &self.evidence {
            HoldReason::Ambiguous { candidates, .. } => candidates.iter().map(|one| one.org.0).collect(),
            HoldReason::SeveralOrganizations { orgs } => orgs.iter().map(|org| org.0).collect(),
            HoldReason::OrganizationTaken { org, .. } => vec![org.0],
            _ => Vec::new(),
        }
    }
}

/// Causes of questions about customers, the most frequent first.
pub(crate) async fn causes(tx: &mut Tx) -> Result<Vec<Cause>, TellError> {
    Ok(tx.hold_causes().await?.into_iter().map(Cause::from).collect())
}

/// A page of questions, oldest first; of one cause, or of all.
pub(crate) async fn holds(
    tx: &mut Tx,
    reason: Option<&str>,
    after: Option<i64>,
    limit: u32,
) -> Result<Paged<HoldRow>, TellError> {
    let rows = tx.list_holds(reason, after, limit + 1).await?;
    Ok(Paged::of(rows.into_iter().map(HoldRow::from).collect(), limit, |hold| hold.id))
}

/// What is asked about a party.
pub(crate) async fn hold(tx: &mut Tx, party: i64) -> Result<Option<HoldTold>, TellError> {
    let Some(row) = tx.open_hold_of(PartyId(party)).await? else { return Ok(None) };
    let before = tx.closed_holds(PartyId(party), 20).await?;
    let before = before.into_iter().map(|closed| {
        let (answer, answered_by) = closed.answered.unzip();
        Earlier {
            reason: closed.hold.reason.key(),
            since: at(closed.hold.opened_at),
            until: at(closed.closed_at),
            answer: answer.as_ref().map(Answer::key),
            answered_by,
        }
    });
    Ok(Some(HoldTold {
        answers: possible(row.reason.answers()),
        evidence: row.reason.clone(),
        before: before.collect(),
        hold: row.into(),
    }))
}
