//! What notes say, asked for as cheaply as it can be.
//!
//! Before a note is changed it is known what it says, so that the journal has what a person wrote into it (law 4). Each note read
//! by id is dear where many change. One list of all notes that changed since the list before tells as much of every note that was
//! seen after the first such list: what is not in it says what it said. All of this is in memory and can be lost.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    deals::CrmNote,
    documents::{DealPage, SeenNote},
    error::ErrorKind,
    ids::NoteId,
    model::{Page, Seen},
    ports::Called,
};

use super::{DocumentFlow, Place};
use crate::plants::Plant;

/// So much content is remembered, in bytes.
const MOST: usize = 16 << 20;

/// When lists are tried again that do not end or cannot be read.
const LATER: SignedDuration = SignedDuration::from_hours(1);

/// Notes that were seen and did not change since.
#[derive(Debug, Default)]
pub(crate) struct NoteWatch {
    /// Until when changes were listed, by the CRM's clock, and when that was asked for, by ours.
    listed: Option<(Timestamp, Timestamp)>,
    /// As read by id or answered to a write after the first list.
    seen: BTreeMap<NoteId, CrmNote>,
    /// Of what they say.
    bytes: usize,
    /// Whether the last list did not end, so that the next one begins anew.
    endless: bool,
    /// No list is asked for before.
    rests_until: Option<Timestamp>,
}

impl NoteWatch {
    /// A note as it is now.
    pub(crate) fn saw(&mut self, note: &CrmNote) {
        self.forget(note.id);
        if self.listed.is_none() || note.deleted {
            return;
        }
        if self.bytes + note.content.len() > MOST {
            self.clear();
        }
        self.bytes += note.content.len();
        self.seen.insert(note.id, note.clone());
    }

    /// It changes, or may have.
    pub(crate) fn forget(&mut self, id: NoteId) {
        let before = self.seen.remove(&id);
        self.bytes -= before.map_or(0, |note| note.content.len());
    }

    fn clear(&mut self) {
        self.seen.clear();
        self.bytes = 0;
    }

    /// Whether changes were listed less than `freshness` ago.
    fn is_fresh(&self, now: Timestamp, freshness: SignedDuration) -> bool {
        // A clock that was put back makes nothing fresh.
        self.listed.is_some_and(|(_, asked)| asked <= now && now.duration_since(asked) < freshness)
    }

    /// What changed since the list before has to be read again.
    fn listed(&mut self, page: Page<CrmNote>, asked: Timestamp) {
        let unnamed = |row: &Seen<CrmNote>| matches!(row, Seen::Malformed(row) if row.id.is_none());
        // The first one is asked for the time alone: what it leaves out nobody relies on.
        let first = self.listed.replace((page.server_now, asked)).is_none();
        if !first && (page.more || page.rows.iter().any(unnamed)) {
            self.clear();
            if std::mem::replace(&mut self.endless, true) {
                self.rest(asked);
            }
            return;
        }
        self.endless = false;
        for row in page.rows {
            match row {
                // Lists lag: what they show of an earlier time is no news.
                Seen::Record(row) => {
                    let known = self.seen.get(&row.id);
                    let same = |known: &CrmNote| {
                        (known.content == row.content && !row.deleted)
                            || (row.updated_at.is_some() && row.updated_at < known.updated_at)
                    };
                    if !known.is_none_or(same) {
                        self.forget(row.id);
                    }
                }
                Seen::Malformed(row) => self.forget(NoteId(row.id.unwrap_or_default())),
            }
        }
    }

    /// Everything is read by id for a while.
    fn rest(&mut self, now: Timestamp) {
        *self = Self { rests_until: Some(now + LATER), ..Self::default() };
    }
}

impl DocumentFlow {
    /// Our notes as they are now; all notes on the deal only where one may have been made without an answer.
    pub(super) async fn read_notes(
        &mut self,
        place: &Place,
        page: &DealPage,
        class: Class,
    ) -> Called<BTreeMap<NoteId, SeenNote>> {
        let mut notes = BTreeMap::new();
        let seen = |note: CrmNote| (note.id, SeenNote { content: note.content, deleted: note.deleted });
        if page.in_doubt.is_empty() {
            self.list_changed_notes(place, class).await?;
        } else {
            notes.extend(self.crm.notes_of(page.notes_are_on(), class).await?.into_iter().map(seen));
        }
        let fresh = self.notes.is_fresh(place.clock.now(), self.rhythm.notes_freshness)
            || self.plants.has(Plant::NotesBelieved);
        for note in page.shown.notes.values() {
            let known = self.notes.seen.get(&note.id).filter(|_| fresh && page.in_doubt.is_empty());
            if let Some(known) = known.cloned() {
                notes.extend([seen(known)]);
            } else if let Some(read) = self.crm.note(note.id, class).await? {
                self.notes.saw(&read);
                notes.extend([seen(read)]);
            }
        }
        Ok(notes)
    }

    /// Lists what changed since the list before, where that costs less than to read the notes of all deals that wait.
    async fn list_changed_notes(&mut self, place: &Place, class: Class) -> Called<()> {
        let now = place.clock.now();
        let waiting = self.read_ahead.len() + 1;
        let rests = self.notes.rests_until.is_some_and(|until| now < until);
        if rests
            || waiting < self.rhythm.notes_listed_from
            || self.notes.is_fresh(now, self.rhythm.notes_freshness)
        {
            return Ok(());
        }
        if self.plants.has(Plant::NotesBelieved) && self.notes.listed.is_some() {
            return Ok(());
        }
        // The first one tells the time: what is seen from then on is watched.
        let since = self.notes.listed.map_or(now, |(until, _)| until) - self.rhythm.settle;
        match self.crm.notes_changed(since, class).await {
            Ok(page) => self.notes.listed(page, now),
            Err(error) => match error.kind {
                ErrorKind::Unreadable | ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Forbidden => {
                    tracing::warn!(%error, "changed notes cannot be listed; each is read by itself");
                    self.notes.rest(now);
                }
                ErrorKind::UnknownField
                | ErrorKind::Unauthorized
                | ErrorKind::Exhausted { .. }
                | ErrorKind::Transient { .. } => return Err(error),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sync_core::{ids::DealId, model::Malformed};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000 + second).unwrap_or_default()
    }

    fn note(id: i64, content: &str, second: i64) -> CrmNote {
        let content = content.to_owned();
        CrmNote {
            id: NoteId(id),
            deal: Some(DealId(1)),
            content,
            updated_at: Some(at(second)),
            deleted: false,
        }
    }

    fn page(rows: Vec<Seen<CrmNote>>) -> Page<CrmNote> {
        Page { rows, more: false, next: None, server_now: at(50) }
    }

    fn malformed(id: Option<i64>) -> Seen<CrmNote> {
        Seen::Malformed(Malformed { id, owner: None, updated_at: None, reason: "content".to_owned() })
    }

    /// Notes 1 to 3, seen at their tenth second.
    fn watch() -> NoteWatch {
        let mut watch = NoteWatch::default();
        watch.saw(&note(9, "seen before the first list", 0));
        // It tells the time, whatever it leaves out.
        watch.listed(Page { more: true, ..page(vec![malformed(None)]) }, at(1));
        assert!(watch.listed == Some((at(50), at(1))) && !watch.endless);
        for id in 1..=3 {
            watch.saw(&note(id, "as seen", 10));
        }
        watch
    }

    fn known(watch: &NoteWatch) -> Vec<i64> {
        watch.seen.keys().map(|id| id.0).collect()
    }

    #[test]
    fn what_says_something_else_has_to_be_read_again_unless_the_list_lags() {
        let mut watch = watch();
        assert_eq!(
            known(&watch),
            [1, 2, 3],
            "what was seen before the first list may have changed before it"
        );
        let rows = [note(1, "of before", 9), note(2, "as seen", 20), note(3, "in the same second", 10)];
        watch.listed(page(rows.map(Seen::Record).into()), at(30));
        assert_eq!(known(&watch), [1, 2]);
        watch.listed(page(vec![Seen::Record(CrmNote { deleted: true, ..note(2, "as seen", 20) })]), at(31));
        assert_eq!(known(&watch), [1], "should a list show what was deleted");
        watch.saw(&note(2, "as seen", 20));
        let timeless = CrmNote { updated_at: None, ..note(1, "whenever", 0) };
        watch.listed(page(vec![Seen::Record(timeless), malformed(Some(2))]), at(31));
        assert_eq!((known(&watch), watch.bytes), (Vec::new(), 0));
    }

    #[test]
    fn a_row_that_does_not_say_whose_it_is_may_be_of_any_note() {
        let mut watch = watch();
        watch.listed(page(vec![malformed(None)]), at(30));
        assert_eq!(known(&watch), Vec::<i64>::new());
        assert!(watch.listed.is_some() && watch.rests_until.is_none());
        watch.listed(page(vec![malformed(None)]), at(31));
        assert!(watch.listed.is_none() && watch.rests_until == Some(at(31) + LATER));
    }

    #[test]
    fn a_clock_that_was_put_back_makes_no_list_fresh() {
        let watch = watch();
        let five = SignedDuration::from_secs(5);
        assert!(watch.is_fresh(at(1), five) && watch.is_fresh(at(5), five));
        assert!(!watch.is_fresh(at(6), five) && !watch.is_fresh(at(0), five));
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let mut watch = watch();
        watch.saw(&note(4, &"x".repeat(MOST - 3 * 7), 11));
        assert_eq!((known(&watch), watch.bytes), (vec![1, 2, 3, 4], MOST));
        watch.saw(&note(5, "x", 11));
        assert_eq!((known(&watch), watch.bytes), (vec![5], 1));
        watch.saw(&CrmNote { deleted: true, ..note(5, "x", 12) });
        assert_eq!((known(&watch), watch.bytes), (Vec::new(), 0));
    }
}
