//! Access by a person's consent, kept, lost and given back: the real parts against the simulator, in this process and in
//! processes of their own.

#![cfg(test)]

mod access;
mod consent;
mod processes;
mod world;
