//! Bugs that can be planted, to see that the simulation catches them: a proof that cannot fail proves nothing.
//!
//! Where a bug can live outside of the engine (in its settings, in a client of a remote system) the simulation plants it
//! there. The others need a place in the engine: the code asks [`Plants::has`] there, and does the wrong thing if the bug
//! is planted. Without the feature `planted`, which no build for users has, [`Plants`] has no size, every such question is
//! answered with a constant no, and nothing can be planted. The feature refuses to be built without debug assertions, so
//! that no release has it by accident.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    decide::Decision,
    documents::{DealPage, Document, DocumentKind},
    hold::HoldReason,
    ids::PartyId,
    model::{CrmOrg, Page, Seen},
    plan::{Plan, Rule, Step},
    poll::{ErpCursor, Pace, PageEnd, Progress},
    situation::Situation,
};
use sync_store::{StoreError, Tx};

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!(
    "the feature `planted` is for tests: it plants bugs on demand, and a release must not be able to"
);

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    // In the settings.
    /// A record that was created is taken to be found at once, though lists and search lag.
    SettleTooShort,
    /// A request without an answer is taken to be over at once, though it may still take effect.
    EffectTooShort,
    /// A window of the ERP begins where the last one ended: what was committed late is passed.
    NoOverlap,
    /// A window of the ERP ends in the future.
    WindowAhead,
    /// Nobody has to approve anything.
    NoApproval,
    // In the clients.
    /// A lost answer of the CRM is reported as a request that was not sent.
    LostAnswerRepeated,
    /// The same for the ERP.
    LostPieceRepeated,
    /// Pages of a window of the ERP are asked for by offset, though rows move.
    OffsetPaging,
    // At the door for webhooks.
    /// What nobody vouches for is parsed before that is known.
    HookParsedFirst,
    /// A digest vouches for a body whatever it says.
    HookDigestBelieved,
    /// An event is acknowledged before it is durable.
    HookAnsweredFirst,
    /// A refresh token that was rotated is stored when the next one is fetched.
    RefreshTokenSavedLate,
    // In the engine: intents and doubts.
    /// Writes to the CRM are sent without an intent.
    NoIntent,
    /// Pieces are sent to the ERP without an intent, and those without an answer are forgotten.
    NoErpIntent,
    /// A create that no list shows yet is taken not to have happened, before it is settled.
    DoubtEndedAtOnce,
    /// Writes that an earlier process left without an answer are not looked for.
    DoubtsForgotten,
    /// A party is decided again while a write about it is in doubt.
    DoubtIgnored,
    /// An update that may have happened is not counted (seed 150 of old).
    PerhapsNotCounted,
    /// A first write that did not happen counts as a beginning (seed 131 of old).
    BegunByNothing,
    // In the engine: reading.
    /// The watermark is the newest stamp seen, and the next window begins there.
    WatermarkIsNewest,
    /// The cursor passes a page in a transaction of its own, before the page is staged.
    CursorBeforePage,
    /// What was read last is the newest, though lists lag.
    StalePageOverwrites,
    /// A deal that a list shows is ground enough for a write (seed 138 of old).
    DealListBelieved,
    // In the engine: keys and questions.
    /// A key is done with before its write is sent.
    DoneBeforeSent,
    /// A key that was asked for again meanwhile is done with all the same.
    AskingForgotten,
    /// A question is not kept.
    HoldForgotten,
    /// Why a question to a person was put is not asked: a deleted organization is created again.
    DeletedCreatedAgain,
    /// An organization that belongs to another party is taken away from it.
    TakenOrganizationBound,
    /// What was written, and what became of it, is not remembered.
    WrittenForgotten,
    // In the engine: between the two flows.
    /// A party that was created for an organization gets no pair with it.
    PartyNotPaired,
    /// A party for which an organization is just being created becomes the customer of another one.
    CreateOverlooked,
    /// What was decided before a handover is sent after it, whoever it concerned.
    DecidedBefore,
    /// Whoever belongs to an organization that a handover found gone does not hear of it (seed 177 of old).
    GoneUntold,
    /// A pair that was made by a handover tells no relatives (seed 411 of old).
    RelativesUntold,
    /// What is to be told of a handover is not remembered.
    TellingForgotten,
    // In the engine: documents.
    /// Writes to what deals show are sent without an intent.
    NoPageIntent,
    /// A note whose answer was lost is not looked for.
    LostNoteForgotten,
    /// Fields whose answer was lost are not counted as written (seed 1238 of old).
    LostFieldsNotCounted,
    /// Balances are not asked for by themselves.
    BalancesForgotten,
    /// The deal that a document leaves is not looked at again.
    MovedStays,
    /// A note is written whatever a person wrote into it since.
    NoteEditIgnored,
    /// Notes say what they said when they were seen: nobody asks what changed since.
    NotesBelieved,
    /// An invoice that is not complete counts.
    IncompleteCounts,
    /// A customer that gets its organization has its documents stay where they are (seed 41 of old).
    PairedUntold,
    // In the engine: what may be sent.
    /// What is told of a handover comes before customers that wait.
    TellingPasses,
    /// What is more urgent waits behind what is not.
    ClassIgnored,
    /// Work goes on although only the reserve of the budget is left.
    ReserveIgnored,
    /// A wave of writes passes without being asked about.
    WavePasses,
    /// A process whose lease was taken over goes on writing.
    NoFencing,
}

/// What is planted in an engine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plants {
    #[cfg(feature = "planted")]
    planted: Option<Plant>,
}

#[cfg(not(feature = "planted"))]
const _: () = assert!(size_of::<Plants>() == 0, "without its feature a plant takes no room");

impl Plants {
    /// Whether this bug is planted.
    #[cfg(feature = "planted")]
    pub(crate) fn has(self, plant: Plant) -> bool {
        self.planted == Some(plant)
    }

    /// Whether this bug is planted: none is.
    #[cfg(not(feature = "planted"))]
    #[expect(clippy::unused_self, reason = "the other one needs it")]
    pub(crate) fn has(self, _: Plant) -> bool {
        false
    }
}

#[cfg(feature = "planted")]
impl From<Option<Plant>> for Plants {
    fn from(planted: Option<Plant>) -> Self {
        Self { planted }
    }
}

/// Bugs that take more than a question at their place.
impl Plants {
    /// What a situation looks like to an engine that does not know of its doubts.
    pub(crate) fn misread(self, situations: &mut BTreeMap<PartyId, Situation>) {
        if self.has(Plant::DoubtIgnored) {
            situations.values_mut().for_each(|situation| situation.doubt = None);
        }
    }

    /// What is decided where it is not asked why a person would have to be.
    pub(crate) fn misjudge(self, situation: &Situation, decision: Decision) -> Decision {
        let (party, step) = match &decision {
            Decision::Hold(HoldReason::OrganizationGone { org }) if self.has(Plant::DeletedCreatedAgain) => {
                (situation.party, Step::Forget { org: *org })
            }
            Decision::Hold(HoldReason::OrganizationTaken { org, .. })
                if self.has(Plant::TakenOrganizationBound) =>
            {
                (situation.party, Step::Bind { org: *org })
            }
            _ => return decision,
        };
        let (reason, rule, class) = ("planted".to_owned(), Rule::OrganizationGone, Class::NewCustomer);
        Decision::Do(Plan { party, steps: vec![step], reason, rule, class, then_hold: None })
    }

    /// Where the next window of the ERP begins.
    pub(crate) fn misplace(self, pace: Pace) -> Pace {
        if self.has(Plant::WatermarkIsNewest) { Pace { overlap: SignedDuration::ZERO, ..pace } } else { pace }
    }

    /// Where the watermark is after a page.
    pub(crate) fn mismark(self, progress: Progress, page: PageEnd) -> Progress {
        match (progress, page.last_stamp) {
            (Progress::Polled(ErpCursor::Idle { watermark }), Some(newest))
                if self.has(Plant::WatermarkIsNewest) =>
            {
                let watermark = (newest + SignedDuration::from_millis(1)).min(watermark);
                Progress::Polled(ErpCursor::Idle { watermark })
            }
            _ => progress,
        }
    }

    /// A page of organizations that claims to be newer than all that was read before.
    pub(crate) fn as_if_newest(self, mut page: Page<CrmOrg>, read_at: Timestamp) -> Page<CrmOrg> {
        if self.has(Plant::StalePageOverwrites) {
            for seen in &mut page.rows {
                if let Seen::Record(org) = seen {
                    org.updated_at = read_at;
                }
            }
        }
        page
    }

    /// Invoices as if all of them were complete.
    pub(crate) fn as_if_complete(self, rows: &mut [Seen<Document>]) {
        if self.has(Plant::IncompleteCounts) {
            for seen in rows {
                if let Seen::Record(document) = seen
                    && document.key.kind == DocumentKind::Invoice
                {
                    document.status = document.status.take().map(|_| "Complete".to_owned());
                }
            }
        }
    }

    /// Notes as if nothing was known of what was written into them.
    pub(crate) fn as_if_never_written(self, page: &mut DealPage) {
        if self.has(Plant::NoteEditIgnored) {
            page.shown.notes.values_mut().for_each(|note| note.sent.clear());
        }
    }

    /// Keys that are done with, in the generation that they have by now.
    pub(crate) async fn as_if_never_asked_again(
        self,
        tx: &mut Tx,
        done: &mut [(PartyId, i64)],
    ) -> Result<(), StoreError> {
        let parties: Vec<PartyId> = done.iter().map(|(party, _)| *party).collect();
        for job in tx.jobs(&parties).await? {
            done.iter_mut().filter(|(party, _)| *party == job.party).for_each(|done| done.1 = job.generation);
        }
        Ok(())
    }
}
