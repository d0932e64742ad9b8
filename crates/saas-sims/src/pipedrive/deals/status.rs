//! Open, won, lost: what may be said when, and the times that follow (section 1.6).

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::params::whole_seconds;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::Deal;

/// Status of a deal that is not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    Won,
    Lost,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Open, Self::Won, Self::Lost].into_iter().find(|status| status.name() == name)
    }
}

/// Puts `status`, the times and the reason that belong to it into the deal.
pub(super) fn apply(
    deal: &mut Deal,
    body: &Map<String, Value>,
    settings: &PipedriveSettings,
    now: Timestamp,
) -> Result<(), Problem> {
    let old = deal.status;
    if let Some(value) = body.get("status") {
        let known = value.as_str().and_then(Status::of_name);
        deal.status = known.ok_or_else(|| Problem::invalid("status: must be one of open, won, lost"))?;
    }
    let (won, lost) = (deal.status == Status::Won, deal.status == Status::Lost);
    let given = |name: &str, allowed: bool, nullable: bool| match body.get(name) {
        None => Ok(None),
        Some(_) if !allowed => {
            let status = deal.status.name();
            Err(Problem::invalid(format_args!("{name}: can not be set while the status is {status}")))
        }
        Some(Value::Null) if nullable => Ok(None),
        Some(value) => match value.as_str().and_then(whole_seconds) {
            Some(time) => Ok(Some(time)),
            None => Err(Problem::invalid(format_args!("{name}: is not a valid datetime"))),
        },
    };
    let won_time = given("won_time", won, false)?;
    let lost_time = given("lost_time", lost, false)?;
    let close_time = given("close_time", won || lost, true)?;
    let reason = match body.get("lost_reason") {
        None => None,
        Some(_) if !lost => return Err(Problem::invalid("lost_reason: can only be set if the deal is lost")),
        Some(Value::Null) => Some(None),
        Some(Value::String(text)) if text.chars().count() <= 255 => Some(Some(text.clone())),
        Some(_) => return Err(Problem::invalid("lost_reason: must be a string")),
    };

    if deal.status != old {
        deal.won_time = won.then_some(now);
        deal.lost_time = lost.then_some(now);
        deal.close_time = (won || lost).then_some(now);
        deal.lost_reason = None;
        if settings.status_change_moves_stage_time {
            deal.stage_change_time = Some(now);
        }
    }
    if let Some(time) = won_time.or(lost_time) {
        *(if won { &mut deal.won_time } else { &mut deal.lost_time }) = Some(time);
        deal.close_time = Some(time);
    }
    deal.close_time = close_time.or(deal.close_time);
    deal.lost_reason = reason.unwrap_or(deal.lost_reason.take());
    deal.first_won_time = deal.first_won_time.or(deal.won_time);
    Ok(())
}
