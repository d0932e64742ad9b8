//! Creating a customer that can be invoiced (oracle-fusion.md 1.4, 1.5): exact requests and tolerant answers against a
//! hand-written remote, and the whole way against the simulator.
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod duplicates;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod parties;
#[cfg(test)]
mod pod;
#[cfg(test)]
mod relationships;
#[cfg(test)]
mod soap;
#[cfg(test)]
#[path = "../../../saas-http/tests/support/mod.rs"]
mod support;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod world;
