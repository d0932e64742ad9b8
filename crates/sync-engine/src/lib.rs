//! The loop that keeps two systems telling the same story: poll, observe, decide, apply, look after doubt, sweep.
//!
//! The engine knows an ERP and a CRM through the ports of `sync-core` and its own state through `sync-store`. It
//! knows no vendor, no SQL and no HTTP. [`Engine::step`] never sleeps; [`daemon`] is the only thing that does.
//!
//! Where to look: `erp_stream`, `relation_stream` and `crm_stream` read pages into staging, `observe` loads situations
//! (`family` whose parts they are), `reconcile` decides a batch, `apply` sends it (`carry_out` only what a person approved),
//! `survey` and `planner` show what would be done without moving anything, `customer` does one now, `doubt` clears up what
//! was never answered (`relate` where it is about relations), `lease` keeps two processes apart. The way back, from won
//! deals to customers of the ERP: `deal_stream` reads, `handover` decides, `handover_look` asks the ERP, `handover_write` writes.

mod apply;
pub mod audit;
mod backoff;
mod came_back;
mod carry_out;
mod crm_stream;
mod customer;
pub mod daemon;
mod deal_stream;
pub mod documents;
mod doubt;
mod engine;
mod erp_stream;
mod error;
mod estranged;
mod facts;
mod family;
mod guard;
mod handover;
mod handover_activity;
mod handover_look;
mod handover_observe;
mod handover_others;
mod handover_persons;
mod handover_plan;
mod handover_shown;

mod handover_write;
mod hooked;
pub mod lease;
mod likeness;
mod observe;
mod pause;
mod planner;
mod plants;
mod receipt;
mod reconcile;
mod relate;
mod relation_stream;
mod settings;
#[cfg(feature = "simulation")]
pub mod simulation;
mod staging;
pub mod streams;
pub mod subscriptions;
mod survey;
mod terms;
mod urgent;
mod watch;
mod went_back;
mod wishes;

pub use came_back::read_anew;
pub use carry_out::{Approved, Fate};
pub use customer::Told;
pub use engine::{Engine, Parts, Step};
pub use error::EngineError;
pub use handover::{HANDOVERS, Handing, activated_at};
pub use handover_plan::{Askable, ForeseenHandover, HandoverPlanner, HandoverPreview, OlderPage};
pub use handover_shown::ForeseenAnswer;
pub use pause::{Pause, Side};
pub use planner::{Foreseen, Planner, Reads, Sides, policy_digest};
pub use settings::{Settings, Subscribing};
pub use survey::Survey;
pub use watch::{Event, Silent, Watch};
pub use wishes::Bell;

/// Name of the customer flow in outcomes and summaries.
pub const CUSTOMERS: &str = "customers";
