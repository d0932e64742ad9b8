//! Handovers: what sales won becomes a customer that finance can invoice. Organizations of the CRM -> party, account, site
//! to bill to, profile and contact of the ERP, each looked for before it is created, one at a time.
//!
//! [`decide`] is pure: everything that it knows is in [`Handover`], and what is still missing of it is asked for as a
//! [`Look`], so that nothing is created that was not looked for a moment before.

mod activity;
mod answers;
mod contact;
mod decide;
mod foresee;
mod pieces;
mod policy;
mod question;
mod shown;
mod situation;
mod task;
mod trigger;

pub use activity::{
    Activity, ActivityChange, ActivityStep, ActivityWords, NewActivity, Sent, activity_marker, activity_step,
    activity_words,
};
pub use answers::{HandoverAnswer, HandoverAnswers};
pub use contact::{ContactEnd, MadeContact, MadePerson};
pub use decide::{Decision, Wait, decide};
pub use foresee::{HandoverCourse, NextStep, foresee, older};
pub use pieces::{Began, Look, Looked, Made, MadeAccount, MadeParty, Piece, PieceKind};
pub use policy::{
    Approval, BusinessUnit, Conditions, Directory, FieldIs, HandoverPolicy, Interest, Mark, Required, Trigger,
};
pub use question::Question;
pub use shown::{
    AnswerField, AnswerRules, AnsweredOn, Answers, OnRecord, Sending, Shown, Wanted, WantedAnswers, answers,
    waiting,
};
pub use situation::{Asked, Handover, OrgFacts, Paired, StagedDeal, Subject};
pub use trigger::{Because, Cause, causes};
