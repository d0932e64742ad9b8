//! The binary `ml-connector`, as a library so that its parts can be tested: configuration, command line, output,
//! commands. `wire.rs`, `clients.rs`, `check/`, `fit/`, `hooks.rs` and `connect/` alone name vendors and
//! roles together; anyhow lives only here.

pub mod alerts;
pub mod check;
pub mod cli;
pub mod clients;
pub mod commands;
pub mod config;
pub mod connect;
pub mod docs;
pub mod exit;
pub mod fit;
pub mod hooks;

pub mod made;
pub mod mapped;
pub mod output;
pub mod plan_file;
pub mod preview;
pub mod progress;
pub mod prove;
mod sync_rules;
pub mod telemetry;
pub mod wire;
