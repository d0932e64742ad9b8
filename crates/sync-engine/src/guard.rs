//! Counting what was written lately, and holding what would be too much (see `sync_core::guard`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use sync_core::{
    answers::Answers,
    decide::Decision,
    guard::{Guard, Wave},
    hold::HoldReason,
    ids::PartyId,
    situation::Situation,
};
use sync_store::JournalEntry;

use crate::{Engine, EngineError, plants::Plant};

/// Journal entries read at a time.
const PAGE: u32 = 1_000;

/// Before the origin of what a person approved: the guard counts only what nobody looked at.
const APPROVED: &str = "approved: ";

/// The origin of a key whose write a person approved.
pub(crate) fn approved(origin: &str) -> String {
    format!("{APPROVED}{origin}")
}

/// Writes of the last window, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Tally(VecDeque<(Timestamp, Wave)>);

impl Tally {
    pub(crate) fn note(&mut self, entries: &[JournalEntry]) {
        self.0.extend(entries.iter().filter_map(|entry| Some((entry.at, wave(entry)?))));
    }

    fn count(&mut self, since: Timestamp) -> BTreeMap<Wave, u64> {
        while self.0.front().is_some_and(|(at, _)| *at < since) {
            self.0.pop_front();
        }
        let mut counted = BTreeMap::new();
        for (_, wave) in &self.0 {
            *counted.entry(*wave).or_default() += 1;
        }
        counted
    }
}

/// What a write counts towards; none if it does not count.
fn wave(entry: &JournalEntry) -> Option<Wave> {
    if entry.origin.starts_with(APPROVED) {
        return None;
    }
    match entry.op.as_str() {
        "create" => Some(Wave::Creates),
        "relate" | "unrelate" => Some(Wave::Updates),
        "update" => Some(Wave::of_written(&entry.before, &entry.after)),
        _ => None,
    }
}

impl Engine {
    /// Turns decisions to write into questions where too much was written lately. Gives the parties that a person let pass.
    pub(crate) async fn hold_waves(
        &mut self,
        decisions: &mut BTreeMap<PartyId, Decision>,
        situations: &BTreeMap<PartyId, Situation>,
        now: Timestamp,
    ) -> Result<BTreeSet<PartyId>, EngineError> {
        let mut passing = BTreeSet::new();
        let Some(guard) = self.settings.guard.clone() else { return Ok(passing) };
        if self.plants.has(Plant::WavePasses) {
            return Ok(passing);
        }
        let asked = |decision: &Decision| match decision {
            Decision::Do(plan) => Wave::of(plan),
            Decision::InSync
            | Decision::NotOurs
            | Decision::Observe(_)
            | Decision::Hold(_)
            | Decision::WaitUntil(_) => None,
        };
        if !decisions.values().any(|decision| asked(decision).is_some()) {
            return Ok(passing);
        }
        let mut counted = self.written_since(now - guard.window).await?;
        let pairs = self.store.read(self.connection()).await?.pair_count().await?;
        for (party, decision) in decisions {
            let Some(wave) = asked(decision) else { continue };
            let Some(limit) = guard.limit(wave, pairs) else { continue };
            let situation = situations.get(party);
            let wanted = |answers: &Answers| wave == Wave::Creates && answers.wants_new();
            if situation.is_some_and(|one| one.answers.lets_pass(now) || wanted(&one.answers)) {
                passing.insert(*party);
                continue;
            }
            let waits = situation.and_then(|situation| situation.hold.as_ref()).filter(|hold| hold.is_wave());
            let so_far = counted.entry(wave).or_default();
            if waits.is_some() || *so_far >= limit {
                *decision = Decision::Hold(waits.cloned().unwrap_or(too_many(&guard, wave, limit)));
            } else {
                *so_far += 1;
            }
        }
        Ok(passing)
    }

    async fn written_since(&mut self, since: Timestamp) -> Result<BTreeMap<Wave, u64>, EngineError> {
        if self.tally.is_none() {
            let mut tx = self.store.read(self.connection()).await?;
            let mut entries: Vec<JournalEntry> = Vec::new();
            let mut before = None;
            loop {
                let page = tx.journal(None, before, PAGE).await?;
                before = page.last().map(|row| row.id);
                let all = page.len();
                let mut recent = page.into_iter().map(|row| row.entry).filter(|entry| entry.at >= since);
                let read = entries.len();
                entries.extend(recent.by_ref());
                if entries.len() - read < PAGE as usize || all < PAGE as usize {
                    break;
                }
            }
            entries.reverse();
            let mut tally = Tally::default();
            tally.note(&entries);
            self.tally = Some(tally);
        }
        Ok(self.tally.get_or_insert_default().count(since))
    }
}

fn too_many(guard: &Guard, wave: Wave, limit: u64) -> HoldReason {
    HoldReason::MassChange { wave, limit, minutes: guard.window.as_mins() }
}
