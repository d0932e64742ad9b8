//! The console: pages for people, made here and readable without JavaScript. What changes something is a form that leads to a
//! page; scripts make pages live and nothing else.

mod access;
mod assets;
mod connection;
mod curve;
mod customers;
mod documents;
mod fit;
mod handovers;
mod holds;
mod journal;
mod mapping;
mod older;
mod overview;
mod people;
mod plan;
mod reference;
mod sent;
mod setup;
mod shell;
mod tokens;

pub(crate) use access::{invited, leave, log_in, login, welcome, welcomed};
pub(crate) use assets::asset;
pub(crate) use connection::{connection, events, sync};
pub(crate) use curve::{class_told, curve};
pub(crate) use customers::{customer, customers, sync_customer};
pub(crate) use documents::{assign, deal, document, documents, remove_rule};
pub(crate) use fit::{fit, fit_json, measure};
pub(crate) use handovers::{answer_handover, ask, handover, handovers};
pub(crate) use holds::{answer, answer_all, hold, holds};
pub(crate) use journal::journal;
pub(crate) use mapping::{change_mapping, mapping};
pub(crate) use older::{ask_for_older, older};
pub(crate) use overview::{ago, cause_link, overview};
pub(crate) use people::{change_role, deeds, invite, part, people, reset};
pub(crate) use plan::{approve, plan};
pub(crate) use reference::reference;
pub(crate) use setup::{change_setup, make, new, setup};
pub(crate) use shell::{nothing_here, part as part_of, refusal, when};
pub(crate) use tokens::{end_token, make_token, tokens};
