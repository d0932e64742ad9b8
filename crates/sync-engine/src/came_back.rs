//! A store that came from a backup knows nothing of what was written since. So everything is in doubt: nothing is done before
//! all that was sent has taken effect and is found (T_effect and settle, as after any lost answer), and nothing is decided
//! before both sides were read completely again, as on the first load. What was created since carries its origin key and is
//! found by that walk before anything could be created again.

use jiff::Timestamp;
use sync_core::poll::ErpCursor;
use sync_store::{CAME_BACK, CameBack, Tx};

use crate::{
    Engine, EngineError,
    streams::{CrmCursor, CrmStream, ErpStream, RelationStream, Rhythm, Stream},
};

/// Has everything read again, as if it had never been read, and looked at, changed or not. To be called on the store of a
/// connection that came from a backup, before any engine works on it.
///
/// # Errors
/// When the store cannot be used.
pub async fn read_anew(tx: &mut Tx, now: Timestamp) -> Result<(), EngineError> {
    for stream in [Stream::Accounts, Stream::Parties] {
        if let Some(state) = tx.cursor::<ErpStream>(stream.name()).await? {
            tx.put_cursor(stream.name(), &state.anew(), now).await?;
        }
    }
    for stream in [Stream::Orgs, Stream::Deals] {
        if let Some(state) = tx.cursor::<CrmStream>(stream.name()).await? {
            tx.put_cursor(stream.name(), &state.anew(), now).await?;
        }
    }
    if let Some(mut state) = tx.cursor::<RelationStream>(Stream::Relations.name()).await? {
        state.rhythm.swept_at = None;
        tx.put_cursor(Stream::Relations.name(), &state, now).await?;
    }
    Ok(())
}

/// When the connection's state came from a backup, if it ever did.
pub(crate) async fn came_back_at(tx: &mut Tx) -> Result<Option<Timestamp>, EngineError> {
    let back: Option<CameBack> = tx.cursor(CAME_BACK).await?;
    Ok(back.map(|back| back.at))
}

impl Rhythm {
    /// Never read. What an earlier walk saw was not seen by the one that comes.
    fn anew(self) -> Self {
        Self { polled_at: None, swept_at: None, sweep: self.sweep + 1, began: None }
    }
}

impl ErpStream {
    fn anew(self) -> Self {
        Self { cursor: ErpCursor::New, rhythm: self.rhythm.anew(), again: None, repeating: true }
    }
}

impl CrmStream {
    fn anew(self) -> Self {
        Self {
            cursor: CrmCursor::New,
            rhythm: self.rhythm.anew(),
            again: false,
            repeating: true,
            in_open: false,
            with_open: false,
        }
    }
}

impl Engine {
    /// Until when nothing is done, because what was sent before the store came from a backup may still take effect, or is not
    /// found yet.
    pub(crate) async fn settles_until(&mut self, now: Timestamp) -> Result<Option<Timestamp>, EngineError> {
        let until = match self.settles_at {
            Some(known) => known,
            None => {
                let mut tx = self.store.read(self.connection()).await?;
                let back = came_back_at(&mut tx).await?;
                let settles = self.settings.t_effect + self.settings.settle;
                // It was before now, whatever the clock said then.
                let until = back.map(|at| at.min(now) + settles).filter(|until| *until > now);
                if let Some(until) = until {
                    tracing::warn!(%until, "the store came from a backup: nothing is done before what was sent can be found");
                }
                self.settles_at = Some(until);
                until
            }
        };
        Ok(until.filter(|until| *until > now))
    }
}

#[cfg(test)]
mod tests {
    use sync_core::poll::Pace;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn streams_that_are_read_anew_count_as_never_loaded_and_their_walk_is_a_new_one() {
        let watermark = at("2026-03-02T12:00:00Z");
        let rhythm = Rhythm { polled_at: Some(watermark), swept_at: Some(watermark), sweep: 7, began: None };
        let erp = ErpStream { cursor: ErpCursor::Idle { watermark }, rhythm, again: None, repeating: false };
        let anew = erp.anew();
        assert!(!anew.cursor.is_loaded() && anew.repeating);
        assert_eq!(anew.rhythm.sweep, 8);
        let pace = Pace { overlap: jiff::SignedDuration::ZERO, safety: jiff::SignedDuration::ZERO };
        assert!(!anew.cursor.begin_poll(pace).is_loaded(), "nothing is decided before the walk is complete");

        let crm = CrmStream { cursor: CrmCursor::Idle { watermark }, rhythm, ..CrmStream::default() };
        let mut anew = crm.anew();
        anew.begin_walk();
        assert!(!anew.cursor.is_loaded() && anew.repeating);
        assert_eq!(anew.rhythm.sweep, 8, "rows that an earlier walk saw are unseen");
    }
}
