//! `/api/v1`: what the command line can do, for programs. Each function is one route; `openapi.rs` lists them all.

mod asked;
mod audit;
mod check;
mod customers;
mod deals;
mod documents;
mod fit;
mod handovers;
mod holds;
mod once;
mod openapi;
mod pace;
mod planned;
mod setup;
mod site;
mod webhooks;
mod writes;

pub(crate) use audit::*;
pub(crate) use check::*;
pub(crate) use customers::*;
pub(crate) use deals::*;
pub(crate) use documents::*;
pub(crate) use fit::*;
pub(crate) use handovers::*;
pub(crate) use holds::*;
pub(crate) use once::once;
pub use openapi::document;
pub(crate) use openapi::served;
pub(crate) use pace::{Pace, slowly};
pub(crate) use planned::*;
pub(crate) use setup::*;
pub(crate) use site::*;
pub(crate) use webhooks::*;
pub(crate) use writes::*;
