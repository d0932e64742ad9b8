//! A whole life of a connection from one seed: in-memory worlds behind the ports, people who edit them, requests
//! that are lost, processes that die, and the laws checked all along.
//!
//! One seed decides everything. Port calls and commits pass a seeded gate that releases one at a time, on one
//! thread, while the database is at rest; a process dies at a gate. A failing seed fails again and tells its story.

mod access;
mod activities;
mod book;
mod budget;
mod contacts;
mod crm;
mod deals;
mod documents;
mod erp;
mod expected;
mod family;
mod frozen;
mod gate;
mod handed;
mod hooks;
mod letterbox;
mod life;
mod notes;
mod papers;
mod people;
#[cfg(feature = "planted")]
mod planted;
mod sales;
mod seat;
mod shown;
mod trial;
mod verdict;
mod world;

pub use access::{Access, Answer, Badge, Issued, Office};
pub use gate::SeededGate;
pub use letterbox::{Handled, House, Letter, Letterbox, Proof};
pub use life::{Means, live, live_by, prepare};
#[cfg(feature = "planted")]
pub use planted::{Bug, PLANTED};
pub use trial::{Failure, Met, Report, Trial};
