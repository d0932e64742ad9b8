//! State of the connector in SQLite or PostgreSQL: staged records, pairs and mirrors, the queue of keys, plans,
//! intents, journal, holds, runs, cursors, leases, the spend ledger, attempts to connect, sealed credentials, alerts on their way, and the people
//! who may use the console.
//!
//! One SQL text serves both databases; `sql.rs` and `tx.rs` hide their drivers, and every other file is one table
//! (or two that belong together): its statements first, then the methods of [`Tx`] that run them. What is
//! deliberately not here: decisions, clocks, vendors. Times are arguments; the one source of randomness is
//! `vault.rs`, for keys and nonces.
//!
//! Every write of the engine goes through [`Store::write`], which refuses a holder whose lease was taken over.

mod alerts;
mod answers;
mod api_tokens;
mod backup;
mod claim;
mod connection_texts;
mod connections;
mod connects;
mod cursors;
mod deal_pages;
mod deeds;
mod document_rows;
mod document_rules;
mod documents;
mod erp_intents;
mod error;
mod figures;
mod fits;
mod gate;
mod glance;
mod handovers;
mod holds;
mod hooks;
mod idempotent;
mod intents;
mod journal;
mod lease;
mod ledger;
mod match_keys;
mod mergers;
mod migrate;
mod page_intents;
mod pairs;
mod people;
mod plans;
mod queue;
mod relations;
mod runs;
mod said;
mod sql;
mod staged;
mod staged_kind;
mod store;
mod subscriptions;
mod trouble;
mod tx;
mod vault;
mod went_back;
mod wishes;

pub use alerts::{AlertEnd, AlertRow, NewAlert};
pub use answers::Answered;
pub use api_tokens::ApiToken;
pub use backup::{Backup, BackupError, CAME_BACK, CameBack, Restored, Restoring, back_up};
pub use connection_texts::ConnectionText;
pub use connections::ConnectionRow;
pub use connects::{Attempt, AttemptEnd, Company, CompanyEnd, Connected, MissingScope, NewAttempt};
pub use deal_pages::{
    DealPageJob, DealPageRow, FailedDealPage, PageQuestion, PageQuestionRow, SettledDealPage,
};
pub use deeds::Deed;
pub use document_rows::{DocumentRow, PersonAnswer};
pub use document_rules::DocumentRule;
pub use documents::{
    Decided, DecidedDocument, DecisionKey, DocumentId, DocumentJob, FailedDocument, SettledDocument,
};
pub use erp_intents::{ErpIntent, NewErpIntent};
pub use error::StoreError;
pub use figures::{CursorRow, DayFigures, DocumentQueue, Figures, HourFigures, QueueFigures};
pub use fits::{FitRow, Volume, WrittenSince};
pub use gate::Gate;
pub use glance::Glancing;
pub use handovers::{FailedHandover, HandoverFailure, HandoverJob, HandoverRow, OpenHandover, QuestionRow};
pub use holds::{ClosedHold, HoldCause, HoldRow};
pub use hooks::{HookRow, HookSeen, HookedRecord};
pub use idempotent::Once;
pub use intents::{Intent, IntentEnd, NewIntent};
pub use journal::{JournalEntry, JournalRow};
pub use lease::{Fence, LeaseRow};
pub use ledger::Ledger;
pub use match_keys::{MatchKeys, MatchSide};
pub use migrate::AppliedMigration;
pub use page_intents::{NewPageIntent, PageIntent};
pub use pairs::{FoundPairs, PairRow};
pub use people::{Invitation, Person, Role, Session, Welcomed};
pub use plans::PlanRow;
pub use queue::{Job, QueueLen, Reschedule};
pub use runs::{Counts, Outcome, RunRow};
pub use staged::{Changed, StagedRecord, StagedRow};
pub use staged_kind::StagedKind;
pub use store::{Store, StoreOptions};
pub use subscriptions::OurSubscription;
pub use trouble::Trouble;
pub use tx::Tx;
pub use vault::{MasterKey, Vault, unguessable};
pub use wishes::{Errand, WishCost, WishEnd, WishRow};
