//! Access by a person's consent, kept, lost and given back: the real parts against the simulator, in one process.

#![cfg(test)]

mod access;
mod consent;
mod world;
