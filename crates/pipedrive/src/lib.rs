//! Pipedrive behind the [`Crm`](sync_core::ports::Crm) port: organizations and their custom fields.
//!
//! Facts about Pipedrive are in `pipedrive.md`; the numbers in comments are its sections. v2 for everything that
//! exists there (11, no. 1). One file per resource in `api/`, DTOs inside; one `convert.rs` knows both their names
//! and ours.
//!
//! What is deliberately not here: webhooks, deals and notes (later issues), repetition (the engine).

mod api;
mod client;
mod codes;
mod config;
mod convert;
mod dialect;
mod provision;

pub use client::{Pipedrive, WhoAmI};
pub use config::{PipedriveAuth, PipedriveConfig};
