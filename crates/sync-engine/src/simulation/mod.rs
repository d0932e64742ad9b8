//! A whole life of a connection from one seed: in-memory worlds behind the ports, people who edit them, requests
//! that are lost, processes that die, and the laws checked all along.
//!
//! One seed decides everything. Port calls and commits pass a seeded gate that releases one at a time, on one
//! thread, while the database is at rest; a process dies at a gate. A failing seed fails again and tells its story.

mod book;
mod crm;
mod deals;
mod erp;
mod family;
mod gate;
mod handed;
mod hooks;
mod life;
mod people;
mod sales;
mod seat;
mod verdict;
mod world;

pub use gate::SeededGate;
pub use life::{Failure, Plant, Report, live};
