//! Oracle Fusion Cloud ERP behind the [`Erp`](sync_core::ports::Erp) port: parties and AR accounts; beside it the calls
//! that the other flows stand on: invoices, credit memos and orders, and those that create a customer (1.4).
//!
//! Facts about Fusion are in `oracle-fusion.md`; the numbers in comments are its sections. One file per call in
//! `api/`, DTOs inside; one `convert.rs` knows both their names and ours.
//!
//! What is deliberately not here: cursors, windows and overlap (sync-core's `poll`), repetition (the engine).

mod api;
mod client;
mod config;
mod convert;
mod dialect;
mod documents;
mod extra;
mod links;
mod parties;
mod persons;
mod places;
mod query;
mod readiness;
mod soap;
mod survey;
mod writes;

pub use client::Fusion;
pub use config::{FusionConfig, Terms};
pub use readiness::{SetAssignment, SetAssignments};
pub use soap::source_systems::SourceSystem;
pub use survey::{Shape, Subject};
