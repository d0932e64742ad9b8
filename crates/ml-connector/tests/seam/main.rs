//! The transport seam of the simulation: the real clients against the simulators' routers in-process, on a virtual
//! clock.

#![cfg(test)]

mod access;
mod answers;
mod backup;
mod bad_input;
mod budget;
mod clock;
mod contacts;
mod contract;
mod deal_hooks;
mod documents;
mod families;
mod family_plans;
mod guard;
mod handover_plans;
mod handovers;
mod hooks;
mod lives;
mod marks;
mod matching;
mod own_fields;
mod owners;
mod plan;
mod policies;
mod subscriptions;
mod terms;
mod urgent;
mod walk;
mod world;
