//! Simulators, daemon and commands as processes of their own, over real sockets and a configuration as a user writes it.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod audit;
mod backup;
mod commands;
mod connect;
mod documents;
mod fit;
mod handovers;
mod made;
mod support;
mod webhooks;
