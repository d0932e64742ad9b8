//! What the console asks of the process around it: to keep what was said of a connection, to begin consent, and to look at
//! both systems. What a setting means is the process's; here is only what is asked. The page itself (`console/setup.rs` and its
//! template) says the words of both vendors, because people type what those two call it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::told::{fit::FitFinding, handover_plan::OlderDeals};

pub mod mapping;

use mapping::{Foresight, Mapping};

/// A change of a connection that was made in the console.
pub struct Change {
    /// Its name.
    pub name: String,
    /// The version that whoever changes it has seen; 0 for a new one.
    pub version: i64,
    /// Who changes it.
    pub who: String,
    /// What for, in words.
    pub why: String,
    /// Settings by their paths, `oracle.base_url`; none removes one.
    pub settings: Vec<(&'static str, Option<Setting>)>,
    /// The whole text instead of the newest version's.
    pub text: Option<String>,
    /// Secrets that were typed, by the names under which they are kept.
    pub secrets: Vec<(String, SecretString)>,
}

impl Change {
    /// A change that changes nothing yet.
    #[must_use]
    pub fn of(name: &str, version: i64, who: &str, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            version,
            who: who.to_owned(),
            why: why.to_owned(),
            settings: Vec::new(),
            text: None,
            secrets: Vec::new(),
        }
    }
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A secret that is kept under this name.
    Kept(&'static str),
    /// The address at which people come back here who gave access.
    BackHere,
}

/// Why something was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotMade {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Whether nothing is wrong with what was asked: it cannot be done as things stand.
    pub as_things_stand: bool,
}

impl NotMade {
    /// Something that was not made.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), as_things_stand: false }
    }

    /// Something that cannot be made as things stand.
    pub fn as_things_stand(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { as_things_stand: true, ..Self::new(message, help) }
    }
}

/// A field of a customer, as it is mapped and as it would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// What people call the field.
    pub field: String,
    /// Whose value counts, by the settings that are tried.
    pub owner: String,
    /// What the CRM said last, if the customer has an organization.
    pub crm: Option<String>,
    /// What the ERP's record becomes by the settings in force.
    pub now: Option<String>,
    /// What it becomes by those that are tried.
    pub then: Option<String>,
    /// Why its expression has no value for this record.
    pub failed: Option<String>,
}

/// Whoever makes connections.
#[async_trait]
pub trait Maker: Send + Sync {
    /// Keeps a change; it takes effect at once.
    async fn change(&self, change: Change) -> Result<(), NotMade>;

    /// The address at which a person gives access to the CRM. Whoever has it can give access in this connection's name.
    async fn consent(&self, connection: &str) -> Result<String, NotMade>;

    /// Reads one customer from the ERP now, by its party id or number, and maps it as the settings in force do and as this text
    /// does. Nothing is kept.
    async fn try_out(&self, connection: &str, text: &str, customer: &str) -> Result<Vec<Tried>, NotMade>;

    /// What a mapping in force by this text would write that is not written anyway, of the customers that were read last.
    /// Nothing is kept, and neither system is asked.
    async fn foresee(&self, connection: &str, text: &str) -> Result<Foresight, NotMade>;

    /// Older won deals that wait for a person, after an organization; none where won deals are not handed over.
    async fn older_deals(&self, connection: &str, after: Option<i64>) -> Result<Option<OlderDeals>, NotMade>;

    /// The mapping of a text, for a form.
    fn mapping(&self, text: &str) -> Mapping;

    /// The text with another mapping.
    fn with_mapping(&self, text: &str, mapping: &Mapping) -> Result<String, NotMade>;

    /// Settings of a text by their paths, for forms.
    fn settings(&self, text: &str) -> BTreeMap<String, String>;

    /// The address at which people come back who gave access.
    fn back_here(&self, connection: &str) -> String;
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Whether both systems let us in and have what we need.
    Access,
    /// What a first sync would do, and what it costs.
    Fit,
}

/// How looking at a connection stands.
#[derive(Debug, Clone, Default)]
pub struct LookState {
    /// What is being looked at, and since when.
    pub running: Option<(Look, Timestamp)>,
    /// Records that were read for it.
    pub read: u64,
    /// Why it ended without a result.
    pub failed: Option<String>,
    /// What was found last, and when.
    pub findings: Option<(Timestamp, Vec<FitFinding>)>,
}

/// Looks that people asked for, one after the other.
pub struct Looks {
    asked: mpsc::UnboundedSender<(String, Look)>,
    states: Mutex<BTreeMap<String, LookState>>,
}

/// Whoever looks takes from here what was asked for.
pub type Asked = mpsc::UnboundedReceiver<(String, Look)>;

impl Looks {
    /// Looks, and where they are asked for.
    #[must_use]
    pub fn new() -> (Arc<Self>, Asked) {
        let (asked, asks) = mpsc::unbounded_channel();
        (Arc::new(Self { asked, states: Mutex::default() }), asks)
    }

    /// Asks for a look; one that is asked for already is enough. Tells whether somebody will look.
    pub(crate) fn ask(&self, connection: &str, look: Look, now: Timestamp) -> bool {
        let mut states = self.states();
        let state = states.entry(connection.to_owned()).or_default();
        if state.running.is_some_and(|(running, _)| running == look) {
            return true;
        }
        let taken = self.asked.send((connection.to_owned(), look)).is_ok();
        if taken {
            *state = LookState {
                running: Some((look, now)),
                findings: state.findings.take(),
                ..LookState::default()
            };
        }
        taken
    }

    /// How looking at a connection stands.
    #[must_use]
    pub fn state(&self, connection: &str) -> LookState {
        self.states().get(connection).cloned().unwrap_or_default()
    }

    /// So many records more were read.
    pub fn note_read(&self, connection: &str, records: u64) {
        if let Some(state) = self.states().get_mut(connection) {
            state.read += records;
        }
    }

    /// A look ended: with what was found, or with why nothing was.
    pub fn ended(&self, connection: &str, found: Result<Vec<FitFinding>, String>, now: Timestamp) {
        let mut states = self.states();
        let state = states.entry(connection.to_owned()).or_default();
        state.running = None;
        match found {
            Ok(findings) => (state.failed, state.findings) = (None, Some((now, findings))),
            Err(why) => state.failed = Some(why),
        }
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<String, LookState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_look_is_asked_for_once_and_its_end_is_told() {
        let (looks, mut asked) = Looks::new();
        assert!(looks.ask("acme", Look::Fit, NOW) && looks.ask("acme", Look::Fit, NOW));
        assert_eq!(asked.try_recv().ok(), Some(("acme".to_owned(), Look::Fit)));
        assert!(asked.try_recv().is_err(), "the same look again");
        looks.note_read("acme", 500);
        assert_eq!((looks.state("acme").read, looks.state("other").read), (500, 0));
        looks.ended("acme", Err("no".to_owned()), NOW);
        let state = looks.state("acme");
        assert_eq!((state.running, state.failed.as_deref()), (None, Some("no")));
        assert!(looks.ask("acme", Look::Access, NOW));
        assert_eq!((looks.state("acme").read, looks.state("acme").failed), (0, None));
        looks.ended("acme", Ok(Vec::new()), NOW);
        assert!(looks.state("acme").findings.is_some());
    }

    #[test]
    fn nobody_waits_for_a_look_that_nobody_will_make() {
        let (looks, asked) = Looks::new();
        drop(asked);
        assert!(!looks.ask("acme", Look::Fit, NOW));
        assert_eq!(looks.state("acme").running, None);
    }
}
