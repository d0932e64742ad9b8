//! The proof that anybody can run: whole lives of a connection from seeds, under all laws (`sync_engine::simulation`).

mod access;
mod document;
mod door;
mod lives;
#[cfg(feature = "planted")]
pub mod planted;
mod report;
mod shrink;

pub use document::{PlantedBug, document, planted_bugs};
pub(crate) use lives::runtime;
pub use lives::{Course, Lived, Nursery, live_all};
pub use report::{Proof, ShownFailure};
pub use shrink::shortest;
