//! From what was seen to findings. Pure: everything that is said can be had from a table.

mod access;
mod budget;
mod creates;
mod documents;
mod fields;
mod fusion;
mod grant;
mod pipedrive;
mod sales;

pub(crate) use budget::{days, for_looking};

use super::finding::{Finding, FirstLoad, Report, Spent};
use super::observe::{Asked, Observed, Unusable};
use super::trouble::{Cause, Trouble};
use crate::config::Connection;
use crate::wire::handover_policy;

/// Judges what was seen of a connection.
pub fn judge(connection: &Connection, seen: &Observed) -> Report {
    let mut findings = vec![store(&seen.store)];
    let (mut first_load, mut spent, mut handovers) = (FirstLoad::default(), Spent::default(), None);
    match &seen.fusion {
        Ok(fusion) => {
            findings.extend(fusion::judge(connection, fusion));
            spent.erp_requests = fusion.requests;
        }
        Err(why) => {
            let mut names = Vec::from(fusion::NAMES);
            names.extend(connection.customers_from_crm.iter().flat_map(|_| creates::NAMES));
            findings.extend(unasked(why, "fusion.settings", "[connection.oracle]", &names));
        }
    }
    let customers = seen.fusion.as_ref().ok().and_then(|fusion| fusion::customers(connection, fusion));
    first_load.customers = customers;
    match &seen.pipedrive {
        Ok(pipedrive) => {
            first_load = budget::first_load(connection, customers, pipedrive);
            handovers = pipedrive.ready.as_ref().and_then(sales::forecast);
            findings.extend(pipedrive::judge(connection, pipedrive, &first_load));
            spent.pipedrive_requests = pipedrive.spent.requests;
            spent.pipedrive_tokens = pipedrive.spent.tokens;
        }
        Err(why) => {
            let mut names = Vec::from(pipedrive::NAMES);
            names.extend(handover_policy(connection).iter().flat_map(sales::names));
            findings.extend(unasked(why, "pipedrive.settings", "[connection.pipedrive]", &names));
        }
    }
    Report::new(connection.name.clone(), findings, first_load, handovers, spent)
}

fn store(seen: &Result<(), String>) -> Finding {
    const NAME: &str = "store.reachable";
    match seen {
        Ok(()) => Finding::ok(NAME, "can be opened, its tables are up to date"),
        Err(why) => Finding::problem(NAME, why.as_str()).remedy(
            "let this user write there; for PostgreSQL look at host, database, user and password",
            "[store] url",
        ),
    }
}

/// A side that could not be asked: what is wrong with the settings, and what is not known therefore.
fn unasked(why: &Unusable, name: &'static str, place: &str, names: &[&'static str]) -> Vec<Finding> {
    let what = why.help.clone().unwrap_or_else(|| "put this right first".to_owned());
    let mut findings = vec![Finding::problem(name, why.message.as_str()).remedy(what, place)];
    findings.extend(names.iter().map(|skipped| Finding::not_checked(skipped, name)));
    findings
}

impl<T> Asked<T> {
    /// What was answered, if anything was.
    fn answer(&self) -> Option<&T> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Failed(_) | Self::NotAsked => None,
        }
    }

    /// Why asking ended here, if it did.
    fn end(&self) -> Option<&Trouble> {
        self.refusal_or_end().filter(|trouble| trouble.ends_it())
    }

    /// Why this alone could not be had, if so.
    fn refusal(&self) -> Option<&Trouble> {
        self.refusal_or_end().filter(|trouble| !trouble.ends_it())
    }

    /// Whether the system knew us: it answered, or forbade.
    fn entered(&self) -> bool {
        let forbidden = |trouble: &Trouble| trouble.cause == Cause::Forbidden;
        self.answer().is_some() || self.refusal().is_some_and(forbidden)
    }

    fn refusal_or_end(&self) -> Option<&Trouble> {
        match self {
            Self::Failed(trouble) => Some(trouble),
            Self::Answered(_) | Self::NotAsked => None,
        }
    }
}

/// A number with its thousands told apart.
pub(in crate::check) fn grouped(number: u64) -> String {
    sync_web::fit::grouped(&number)
}

/// Whether two names are the same, whatever their blanks and letter case.
fn same(left: &str, right: &str) -> bool {
    let plain = |text: &str| sync_core::text::squeeze(text).to_lowercase();
    plain(left) == plain(right)
}

/// "1 thing", "2 things".
pub(in crate::check) fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(u64::try_from(number).unwrap_or(u64::MAX)))
}

/// The words for a clock that is not ours (`Date` has whole seconds, and answers take some).
fn clock(name: &'static str, ahead: Option<jiff::SignedDuration>, blocked_by: &'static str) -> Finding {
    /// More than this is no travelling time.
    const APART: u64 = 60;
    let Some(ahead) = ahead else { return Finding::not_checked(name, blocked_by) };
    let seconds = ahead.unsigned_abs().as_secs();
    if seconds <= APART {
        return Finding::ok(name, "agrees with the clock of this machine");
    }
    let which = if ahead.is_negative() { "behind" } else { "ahead of" };
    Finding::warning(
        name,
        format!("is {} {which} the clock of this machine", counted(seconds as usize, "second")),
    )
    .remedy(
        "let this machine keep its time by NTP; what we ask for by time follows the remote clock, \
             but logs, tokens and the budget's day follow this one",
        "this machine (timedatectl)",
    )
}

#[cfg(test)]
mod ready_tests;
#[cfg(test)]
mod tests;
