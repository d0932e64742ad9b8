//! The part of ml-connector that decides: model, field table, mapping, situation, decision, plan, budget
//! arithmetic and the ports through which the world is reached.
//!
//! What is deliberately not here: IO, clocks, randomness and threads. `now` is an argument, remote systems
//! are the traits of [`ports`], and everything else is a function of its arguments. The words used are those
//! of `ARCHITECTURE.md` (party, organization, pair, mirror, situation, plan, intent, receipt, hold).

pub mod alerts;
pub mod answers;
pub mod budget;
pub mod customers;
pub mod deals;
pub mod decide;
pub mod difference;
pub mod documents;
pub mod error;
pub mod expression;
pub mod fields;
pub mod foresee;
pub mod guard;
pub mod handover;
pub mod hierarchy;
pub mod hold;
pub mod hooks;
pub mod ids;
pub mod laws;
pub mod mapping;
pub mod matching;
pub mod merge;
pub mod model;
pub mod money;
pub mod moved;
pub mod pair;
pub mod plan;
pub mod policy;
pub mod poll;
pub mod ports;
pub mod situation;
pub mod subscriptions;
pub mod text;
pub mod value;
