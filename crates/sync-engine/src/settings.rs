//! What the engine needs to know of a connection's configuration.

use jiff::SignedDuration;
use sync_core::{guard::Guard, hooks::HookEntity, policy::Policy, poll::Pace};

/// Rhythm and assumptions of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How customers are decided.
    pub policy: Policy,
    /// Overlap and safety of the ERP's windows.
    pub pace: Pace,
    /// How often the ERP is polled.
    pub poll_every: SignedDuration,
    /// How often the CRM is polled.
    pub crm_poll_every: SignedDuration,
    /// How far before its watermark a window over the CRM begins; at least a minute, its stamps have whole seconds.
    pub crm_overlap: SignedDuration,
    /// How often everything is read by id.
    pub sweep_every: SignedDuration,
    /// A request takes effect within this time of being sent, or never: client timeout plus margin.
    pub t_effect: SignedDuration,
    /// After T_effect and this a created record is surely found by look-up.
    pub settle: SignedDuration,
    /// How many writes pass without being asked about; none if any number does.
    pub guard: Option<Guard>,
    /// Most keys handled at once.
    pub batch: u32,
    /// The subscription for webhooks that this process looks after; none if it looks after none.
    pub subscribing: Option<Subscribing>,
}

/// A subscription for webhooks that shall be there. `Debug` shows no address: whoever knows one has half of what it takes
/// to send something.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscribing {
    /// Whether webhooks are wanted; if not, those that we made are ended.
    pub wanted: bool,
    /// The kinds of records to be told of: each has a subscription of its own.
    pub entities: Vec<HookEntity>,
    /// The address of the secret in use.
    pub address: String,
    /// Addresses of secrets that are still valid.
    pub older: Vec<String>,
    /// What people see in the CRM's list.
    pub name: String,
}

impl std::fmt::Debug for Subscribing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { wanted, entities, address: _, older, name } = self;
        f.debug_struct("Subscribing")
            .field("wanted", wanted)
            .field("entities", entities)
            .field("older", &older.len())
            .field("name", name)
            .finish_non_exhaustive()
    }
}
