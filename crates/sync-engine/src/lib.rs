//! The loop that keeps two systems telling the same story: poll, observe, decide, apply, look after doubt, sweep.
//!
//! The engine knows an ERP and a CRM through the ports of `sync-core` and its own state through `sync-store`. It
//! knows no vendor, no SQL and no HTTP. [`Engine::step`] never sleeps; [`daemon`] is the only thing that does.
//!
//! Where to look: `erp_stream`, `relation_stream` and `crm_stream` read pages into staging, `observe` loads situations, `reconcile`
//! decides a batch, `apply` sends it, `doubt` clears up what was never answered, `lease` keeps two processes apart.

mod apply;
mod backoff;
mod crm_stream;
pub mod daemon;
mod doubt;
mod engine;
mod erp_stream;
mod error;
mod family;
pub mod lease;
mod observe;
mod pause;
mod receipt;
mod reconcile;
mod relate;
mod relation_stream;
mod settings;
#[cfg(feature = "simulation")]
pub mod simulation;
mod staging;
pub mod streams;
mod watch;
mod wishes;

pub use engine::{Engine, Parts, Step};
pub use error::EngineError;
pub use pause::{Pause, Side};
pub use settings::Settings;
pub use watch::{Event, Silent, Watch};
pub use wishes::Bell;

/// Name of the customer flow in outcomes and summaries.
pub const CUSTOMERS: &str = "customers";
