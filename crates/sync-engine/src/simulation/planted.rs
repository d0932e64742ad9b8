//! Every bug that can be planted, under the name by which `prove` knows it, with the laws that catch it; and those bugs
//! that live outside of the engine, in its settings or in the client of a remote system.

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    error::{CallError, Effect},
    handover::{Approval, HandoverPolicy},
    poll::{ErpRead, floor_ms},
};

use super::world::Worlds;
use crate::{Settings, plants::Plant};

/// A bug that can be planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bug {
    /// What it is called.
    pub name: &'static str,
    /// What is wrong.
    pub story: &'static str,
    pub(crate) plant: Plant,
}

const fn bug(name: &'static str, plant: Plant, story: &'static str) -> Bug {
    Bug { name, story, plant }
}

/// All of them.
pub const PLANTED: [Bug; 49] = [
    bug("no-intent", Plant::NoIntent, "writes to the CRM are sent without an intent"),
    bug("no-erp-intent", Plant::NoErpIntent, "pieces are sent to the ERP without an intent"),
    bug("settle-too-short", Plant::SettleTooShort, "settle is shorter than lists and search lag"),
    bug("effect-too-short", Plant::EffectTooShort, "T_effect is shorter than a request may be under way"),
    bug(
        "doubt-ended-at-once",
        Plant::DoubtEndedAtOnce,
        "a create that no list shows is taken not to have happened",
    ),
    bug(
        "doubts-forgotten",
        Plant::DoubtsForgotten,
        "what an earlier process left without an answer is not looked for",
    ),
    bug("doubt-ignored", Plant::DoubtIgnored, "a party is decided again while a write about it is in doubt"),
    bug(
        "lost-answer-repeated",
        Plant::LostAnswerRepeated,
        "a lost answer of the CRM is taken for a request that was not sent",
    ),
    bug(
        "lost-piece-repeated",
        Plant::LostPieceRepeated,
        "a lost answer of the ERP is taken for a request that was not sent",
    ),
    bug(
        "perhaps-not-counted",
        Plant::PerhapsNotCounted,
        "an update that may have happened is not counted (seed 150 of old)",
    ),
    bug(
        "begun-by-nothing",
        Plant::BegunByNothing,
        "a first write that did not happen counts as a beginning (seed 131 of old)",
    ),
    bug("no-overlap", Plant::NoOverlap, "windows of the ERP do not overlap"),
    bug("window-ahead", Plant::WindowAhead, "windows of the ERP end in the future"),
    bug(
        "watermark-is-newest",
        Plant::WatermarkIsNewest,
        "the watermark is the newest stamp seen, and the next window begins there",
    ),
    bug("offset-paging", Plant::OffsetPaging, "windows of the ERP are paged by offset"),
    bug(
        "cursor-before-page",
        Plant::CursorBeforePage,
        "the cursor passes a page in a transaction before that which stages it",
    ),
    bug(
        "stale-page-overwrites",
        Plant::StalePageOverwrites,
        "what a list says overwrites what was read since",
    ),
    bug(
        "deal-list-believed",
        Plant::DealListBelieved,
        "a deal that a list shows is ground enough for a write (seed 138 of old)",
    ),
    bug("done-before-sent", Plant::DoneBeforeSent, "a key is done with before its write is sent"),
    bug("asking-forgotten", Plant::AskingForgotten, "a key that was asked for again meanwhile is done with"),
    bug("hold-forgotten", Plant::HoldForgotten, "a question to a person is not kept"),
    bug(
        "deleted-created-again",
        Plant::DeletedCreatedAgain,
        "an organization that a person deleted is created again",
    ),
    bug(
        "taken-organization-bound",
        Plant::TakenOrganizationBound,
        "an organization that belongs to another party is bound",
    ),
    bug(
        "written-forgotten",
        Plant::WrittenForgotten,
        "what was written, and what became of it, is not remembered",
    ),
    bug(
        "party-not-paired",
        Plant::PartyNotPaired,
        "a party that was created for an organization gets no pair with it",
    ),
    bug(
        "create-overlooked",
        Plant::CreateOverlooked,
        "a party for which an organization is just being created becomes the customer of another one",
    ),
    bug(
        "decided-before",
        Plant::DecidedBefore,
        "what was decided before a handover is sent after it, whoever it concerned",
    ),
    bug(
        "gone-untold",
        Plant::GoneUntold,
        "the customer of an organization that a handover found gone does not hear of it (seed 177 of old)",
    ),
    bug(
        "relatives-untold",
        Plant::RelativesUntold,
        "a pair that was made by a handover tells no relatives (seed 411 of old)",
    ),
    bug("telling-forgotten", Plant::TellingForgotten, "what is to be told of a handover is not remembered"),
    bug(
        "telling-passes",
        Plant::TellingPasses,
        "what is told of a handover comes before customers that wait",
    ),
    bug("no-page-intent", Plant::NoPageIntent, "what deals show of documents is written without an intent"),
    bug("lost-note-forgotten", Plant::LostNoteForgotten, "a note whose answer was lost is not looked for"),
    bug(
        "lost-fields-not-counted",
        Plant::LostFieldsNotCounted,
        "fields whose answer was lost are not counted as written (seed 1238 of old)",
    ),
    bug("balances-forgotten", Plant::BalancesForgotten, "balances are not asked for by themselves"),
    bug("moved-stays", Plant::MovedStays, "the deal that a document leaves is not looked at again"),
    bug(
        "note-edit-ignored",
        Plant::NoteEditIgnored,
        "a note is written whatever a person wrote into it since",
    ),
    bug(
        "notes-believed",
        Plant::NotesBelieved,
        "notes say what they said when they were seen; nobody asks what changed since",
    ),
    bug("incomplete-counts", Plant::IncompleteCounts, "an invoice that is not complete counts"),
    bug(
        "documents-of-paired-untold",
        Plant::PairedUntold,
        "documents of a customer that gets its organization stay on another company's deal (seed 41 of old)",
    ),
    bug("no-approval", Plant::NoApproval, "nobody has to approve anything"),
    bug("class-ignored", Plant::ClassIgnored, "what is urgent waits behind what is not"),
    bug(
        "reserve-ignored",
        Plant::ReserveIgnored,
        "work goes on although only the reserve of the budget is left",
    ),
    bug("wave-passes", Plant::WavePasses, "a wave of writes passes without being asked about"),
    bug(
        "hook-parsed-first",
        Plant::HookParsedFirst,
        "what comes to the door for webhooks is parsed before anybody vouched for it",
    ),
    bug(
        "hook-digest-believed",
        Plant::HookDigestBelieved,
        "a webhook with a digest is believed, whatever the digest says",
    ),
    bug("hook-answered-first", Plant::HookAnsweredFirst, "a webhook is acknowledged before it is durable"),
    bug(
        "refresh-token-saved-late",
        Plant::RefreshTokenSavedLate,
        "a refresh token that was given is stored after it is used",
    ),
    bug("no-fencing", Plant::NoFencing, "a process whose lease was taken over goes on writing"),
];

impl Bug {
    /// The bug of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        PLANTED.into_iter().find(|bug| bug.name == name)
    }
}

/// Settings with a bug in them.
pub(crate) fn mistaken(mut settings: Settings, plant: Option<Plant>) -> Settings {
    match plant {
        Some(Plant::SettleTooShort) => {
            settings.settle = SignedDuration::ZERO;
            settings.policy.settle = SignedDuration::ZERO;
        }
        Some(Plant::EffectTooShort) => settings.t_effect = SignedDuration::ZERO,
        Some(Plant::NoOverlap) => settings.pace.overlap = SignedDuration::ZERO,
        Some(Plant::WindowAhead) => settings.pace.safety = SignedDuration::from_mins(-30),
        Some(_) | None => {}
    }
    settings
}

/// Rules of handovers with a bug in them.
pub(crate) fn mistaken_rules(mut policy: HandoverPolicy, plant: Option<Plant>) -> HandoverPolicy {
    match plant {
        Some(Plant::SettleTooShort) => policy.settle = SignedDuration::ZERO,
        Some(Plant::NoApproval) => {
            policy.approval = Approval::Auto;
            policy.review_above.clear();
        }
        Some(_) | None => {}
    }
    policy
}

/// The bug of a life, as far as it lives in the clients.
#[derive(Default)]
pub(crate) struct Planted {
    pub(crate) bug: Option<Bug>,
    pub(crate) by_offset: ByOffset,
}

impl Planted {
    /// Whether this bug is planted.
    pub(crate) fn has(&self, plant: Plant) -> bool {
        self.bug.is_some_and(|bug| bug.plant == plant)
    }
}

impl Worlds {
    /// The rows that the client of this life sees where the right one asks for `read`, and what it asks for.
    pub(crate) fn mispaged<T>(
        &mut self,
        stream: usize,
        rows: Vec<(i64, Timestamp, T)>,
        read: ErpRead,
    ) -> (Vec<(i64, Timestamp, T)>, ErpRead) {
        let size = self.page_size;
        if self.planted.has(Plant::OffsetPaging) {
            self.planted.by_offset.seen(stream, rows, read, size)
        } else {
            (rows, read)
        }
    }

    /// What the client of this life says of a request whose answer was lost.
    pub(crate) fn mistold(&self, error: CallError, plant: Plant) -> CallError {
        let mistaken = error.effect == Effect::InDoubt && self.planted.has(plant);
        if mistaken { CallError { effect: Effect::None, ..error } } else { error }
    }
}

/// Where a client stands that pages windows of the ERP by offset, for each of two streams.
#[derive(Default)]
pub(crate) struct ByOffset([Option<Place>; 2]);

/// Where paging stands.
#[derive(Clone, Copy)]
struct Place {
    from: Timestamp,
    /// With which first stamp the next page would rightly be asked for.
    next: Timestamp,
    offset: usize,
}

impl ByOffset {
    /// The rows that such a client sees where the right one asks for `read`, and what it asks for.
    pub(crate) fn seen<T>(
        &mut self,
        stream: usize,
        mut rows: Vec<(i64, Timestamp, T)>,
        read: ErpRead,
        size: usize,
    ) -> (Vec<(i64, Timestamp, T)>, ErpRead) {
        let ErpRead::Window { from, to } = read else { return (rows, read) };
        let place = self.0[stream].take().filter(|place| place.next == from);
        let (began, offset) = place.map_or((from, 0), |place| (place.from, place.offset));
        rows.retain(|(_, stamp, _)| *stamp >= began && to.is_none_or(|to| *stamp < to));
        rows.sort_by_key(|(id, stamp, _)| (*stamp, *id));
        rows.drain(..offset.min(rows.len()));
        if let Some((_, last, _)) = rows.get(size.saturating_sub(1)).filter(|_| rows.len() > size) {
            self.0[stream] = Some(Place { from: began, next: floor_ms(*last), offset: offset + size });
        }
        (rows, ErpRead::Window { from: began, to })
    }
}
