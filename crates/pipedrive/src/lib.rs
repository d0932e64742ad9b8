//! Pipedrive behind the [`Crm`](sync_core::ports::Crm) port: organizations and their custom fields; beside it the calls
//! that the other flows stand on, one file per topic.
//!
//! Facts about Pipedrive are in `pipedrive.md`; the numbers in comments are its sections. v2 for everything that
//! exists there (11, no. 1). One file per resource in `api/`, DTOs inside; one `convert.rs` knows both their names
//! and ours.
//!
//! What is deliberately not here: what is done with deals and notes, and repetition (the engine).

mod activities;
mod answers;
mod api;
mod asked;
mod calls;
mod client;
mod codes;
mod config;
mod convert;
mod custom;
mod deal_json;
mod deals;
mod dialect;
mod documents;
mod handovers;
mod hooks;
mod notes;
mod persons;
mod provision;
mod relations;
mod settings;
mod shapes;
mod subscriptions;
mod survey;

mod uninstall;

pub use client::{Pipedrive, WhoAmI, grant, home};
pub use config::{PipedriveAuth, PipedriveConfig};
pub use deal_json::monetary;
pub use deals::{DealChanges, DealCodes};
pub use hooks::{Encoding, HmacKeys, HookKeys, PipedriveHooks};
pub use notes::{NOTE_LIMIT, NOTES_LISTED_FROM};
pub use settings::{Stage, User};
pub use subscriptions::SUBSCRIPTION_TOKENS;
pub use survey::{Fielded, KnownField, type_name};
pub use uninstall::Uninstalled;
