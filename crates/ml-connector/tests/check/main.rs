//! `check` against the simulators in-process: every report is compared with the text beside this file.
//! `MLC_REWRITE=1 cargo nextest run -p ml-connector --test check` writes the texts anew; read the difference.

#![cfg(test)]

mod assertions;
mod reports;
mod world;
