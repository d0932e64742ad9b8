//! Documents of the ERP on the deal they belong to: invoices, credit memos, sales orders and purchase orders.
//!
//! Three pure steps. [`attach`] says which deal a document belongs to and why; [`roll_up`] and [`render`] say what a deal
//! shows of its documents; [`decide_page`] says what is to be written for that, all of one deal at once. What has to be read
//! first is asked for: [`asks`] before attaching, [`PageDecision::Observe`] before writing.
//!
//! Not here: reading documents (`oracle-fusion`), remembering what was shown (`sync-store`), and any conversion between
//! currencies, which nobody does.

mod answers;
mod attach;
mod document;
mod headers;
mod kind;
mod known;
mod money;
mod note;
mod page;
mod page_model;
mod policy;
mod question;
mod reference;
mod rollup;
mod rule;
mod score;
mod summary;

pub use answers::{AttachAnswer, Learned, LearnedBy};
pub use attach::{Attachment, NotCounted, Unmatched, asks, attach, pages_touched};
pub use document::{Document, InvoiceStatus, OpenPart};
pub use headers::{ErpCreditMemo, ErpInvoice, ErpPurchaseOrder, ErpSalesOrder, Installment, InvoiceDetails};
pub use kind::{DocumentKey, DocumentKind, ParseKeyError};
pub use known::{
    Asks, Before, CustomerAsk, CustomerDeals, DealFound, DealSeen, FieldAsk, Known, Link, LinkAsk,
};
pub use money::{Currencies, shown_amount};
pub use note::{NOTE_LIMIT, digest, is_ours, marker, overdue_marker, render, says, tells_of};
pub use page::decide_page;
pub use page_model::{
    DealHere, DealPage, DealState, FieldWrite, NotShown, PageAnswers, PageDecision, PageRead, PageWrite,
    SeenNote, Shown, ShownField, ShownNote, ToRead,
};
pub use policy::{
    Amounts, DateWindow, DocumentPolicy, LinkTemplate, LinkTemplateError, NoteFor, NoteStyle, ReferenceRule,
};
pub use question::DocumentQuestion;
pub use reference::{How, ParseFieldError, Pattern, PatternError, ReferenceField};
pub use rollup::{RollUp, RollUpField, RollUpValue, Trouble, roll_up};
pub use rule::{Ambiguity, Candidate, Rule};
pub use score::{ATTACH_AT, LEAD, PLAUSIBLE, Reason};
