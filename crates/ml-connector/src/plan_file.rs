//! The file that `plan --out` writes and `apply` reads: JSON, one connection.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync_core::{
    handover::Subject,
    ids::{DealId, OrgId, PartyId},
    money::Money,
    plan::Plan,
    text,
};
use sync_engine::{Approved, Foreseen, ForeseenHandover, Sides};

use crate::exit::{ExitCode, Failed};

/// The form of the file. Another form is refused: a plan is made again in seconds.
pub const VERSION: u32 = 2;

/// A plan of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// [`VERSION`].
    pub version: u32,
    /// The connection's name.
    pub connection: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Digest of the settings under which it was decided.
    pub policy: String,
    /// Everything that would be done, party by party.
    pub records: Vec<PlanRecord>,
    /// Older won deals that would become customers of the ERP if a person asks for it, as `apply` does.
    pub handovers: Vec<PlannedHandover>,
}

/// An older won deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedHandover {
    /// The organization.
    pub organization: OrgId,
    /// The deal.
    pub deal: DealId,
    /// The organization's name, for people.
    pub name: Option<String>,
    /// What sales calls the deal, for people.
    pub title: String,
    /// What it is worth, for people.
    pub value: Option<Money>,
    /// Digest of the deal, the organization and what would be done.
    pub digest: String,
}

impl PlannedHandover {
    /// The record of a handover that waits for a person.
    pub fn of(foreseen: &ForeseenHandover) -> Option<Self> {
        let ForeseenHandover { subject, name, deal, waits, digest, .. } = foreseen;
        let (Subject::Org(organization), Some(deal), true) = (subject, deal, waits) else { return None };
        Some(Self {
            organization: *organization,
            deal: deal.id,
            name: name.clone(),
            title: deal.title.clone(),
            value: deal.value.clone(),
            digest: digest.clone(),
        })
    }
}

/// What would be done about one party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRecord {
    /// The party.
    pub party: PartyId,
    /// Its number, for people.
    pub number: Option<String>,
    /// Its name, for people.
    pub name: Option<String>,
    /// The exact plans, in order.
    pub plans: Vec<Plan>,
    /// Digests of what the two sides said.
    pub sides: Sides,
}

impl PlanRecord {
    /// The record of a party about which something would be done.
    pub fn of(foreseen: &Foreseen) -> Option<Self> {
        let Foreseen { party, number, name, plans, sides, .. } = foreseen;
        (!plans.is_empty()).then(|| Self {
            party: *party,
            number: number.clone(),
            name: name.clone(),
            plans: plans.clone(),
            sides: sides.clone(),
        })
    }

    /// What a person approved by applying it.
    pub fn approved(&self) -> Approved {
        Approved { party: self.party, plans: self.plans.clone(), sides: self.sides.clone() }
    }
}

impl PlanFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no plan of this version.
    pub fn load(path: &Path) -> Result<Self, Failed> {
        let shown = path.display();
        let remedy = "make one with `ml-connector plan --out FILE`";
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failed::new(ExitCode::Usage, format!("the plan {shown} cannot be read: {error}")).help(remedy)
        })?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
            Failed::new(ExitCode::Usage, format!("{shown} is no plan: {}", said(&error))).help(remedy)
        })?;
        let version = json.get("version").and_then(serde_json::Value::as_u64);
        if version != Some(u64::from(VERSION)) {
            let said = version.map_or("no version".to_owned(), |version| format!("version {version}"));
            let message = format!("the plan {shown} has {said}; this program knows version {VERSION}");
            return Err(Failed::new(ExitCode::Usage, message).help("make a new plan"));
        }
        serde_json::from_value(json).map_err(|error| {
            Failed::new(ExitCode::Usage, format!("{shown} is no plan: {}", said(&error)))
                .help("make a new plan")
        })
    }

    /// Refuses a plan that was made under other settings.
    ///
    /// # Errors
    /// When the digest is another one.
    pub fn check_policy(&self, policy: &str) -> Result<(), Failed> {
        if self.policy == policy {
            return Ok(());
        }
        let message = format!(
            "the plan of {} was made under other settings for {}: fields, filters or reactions were changed since",
            self.made_at, self.connection
        );
        Err(Failed::new(ExitCode::Usage, message).help("make a new plan"))
    }
}

/// What is wrong, in one line: names that the file has may be of any length, and no names.
fn said(error: &serde_json::Error) -> String {
    text::bounded(&text::squeeze(&error.to_string()), 300).0
}
