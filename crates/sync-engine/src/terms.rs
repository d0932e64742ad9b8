//! Reading what only the ERP's services say about AR accounts. That takes a request or two for each of them, so a few are
//! read at a time: those that changed, and each again at the sweep's rhythm, because a profile moves no stamp of its account.

use futures::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    ids::{AccountId, PartyId},
    model::{Malformed, Seen},
    ports::Erp,
};
use sync_store::{StagedKind, StagedRecord, StagedRow, Tx};

use crate::{
    Engine, EngineError,
    erp_stream::{keys_of, with_targets},
    likeness::stage,
    pause::Side,
    staging,
    streams::{ErpStream, Stream},
};

/// Accounts read at a time.
const FEW: u32 = 20;

/// Stored once the terms of all accounts were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TermsRead {
    at: Timestamp,
}

/// Terms that came, and what failed for the whole side.
pub(crate) struct Asked {
    pub(crate) rows: Vec<StagedRow>,
    pub(crate) failed: Option<CallError>,
}

impl Engine {
    /// Reads the terms of some accounts, if they are mapped and due. Tells whether it tried.
    pub(crate) async fn read_terms(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if !self.wants_terms() || self.terms_checked || !self.erp_is_open(now) {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        let before = now - self.settings.sweep_every;
        let mut accounts = tx.terms_due(before, self.terms_after, FEW).await?;
        if accounts.is_empty() && self.terms_after != i64::MIN {
            accounts = tx.terms_due(before, i64::MIN, FEW).await?;
        }
        drop(tx);
        self.terms_after = accounts.last().map_or(i64::MIN, |account| account.row.id);
        if accounts.is_empty() {
            self.terms_checked = true;
            self.note_terms_read(now).await?;
            return Ok(false);
        }
        let erp = self.erp.clone();
        let Asked { rows, failed } = self.meanwhile(ask_terms(erp.as_ref(), &accounts)).await?;
        let mut tx = self.write().await?;
        let keys = stage_terms(&mut tx, &rows, now).await?;
        tx.commit().await?;
        match failed {
            Some(error) => self.side_failed(Side::Erp, &error),
            None => self.erp_pauses.answered(),
        }
        self.tell_page(Stream::Terms, rows.len(), keys, false, Vec::new());
        Ok(true)
    }

    pub(crate) fn wants_terms(&self) -> bool {
        self.settings.policy.fields.wants_terms()
    }

    /// Notes that nothing is due, once all accounts are known.
    async fn note_terms_read(&mut self, now: Timestamp) -> Result<(), EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        let accounts: Option<ErpStream> = tx.cursor(Stream::Accounts.name()).await?;
        let known = accounts.is_some_and(|stream| stream.cursor.is_loaded());
        let noted = tx.cursor::<TermsRead>(Stream::Terms.name()).await?.is_some();
        drop(tx);
        if known && !noted {
            let mut tx = self.write().await?;
            tx.put_cursor(Stream::Terms.name(), &TermsRead { at: now }, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Asks for the terms of these accounts, several at a time.
pub(crate) async fn ask_terms(erp: &dyn Erp, accounts: &[StagedRecord]) -> Asked {
    let asked = accounts.iter().filter_map(|record| {
        let party = record.row.party?;
        Some(async move {
            let answer = erp.terms(AccountId(record.row.id), PartyId(party)).await;
            (&record.row, answer)
        })
    });
    let mut found = Asked { rows: Vec::new(), failed: None };
    for (account, answer) in join_all(asked).await {
        let terms = match answer {
            Ok(terms) => terms,
            Err(error) => match error.kind {
                // What is wrong with one account stops no other.
                ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable => {
                    Seen::Malformed(Malformed {
                        id: Some(account.id),
                        owner: account.party.map(PartyId),
                        updated_at: None,
                        reason: error.to_string(),
                    })
                }
                ErrorKind::Transient { .. }
                | ErrorKind::Exhausted { .. }
                | ErrorKind::Unauthorized
                | ErrorKind::Forbidden
                | ErrorKind::UnknownField => {
                    found.failed.get_or_insert(error);
                    continue;
                }
            },
        };
        found.rows.push(staging::terms(account, &terms));
    }
    found
}

/// Stages terms and asks for a look at whose they are. Gives how many these are.
pub(crate) async fn stage_terms(
    tx: &mut Tx,
    rows: &[StagedRow],
    now: Timestamp,
) -> Result<usize, EngineError> {
    let changed = stage(tx, StagedKind::Terms, rows, now, 0).await?;
    let (known, new): (Vec<_>, Vec<_>) = changed.into_iter().partition(|row| row.was_party.is_some());
    let mut keys = 0;
    for (changed, class) in [(known, Class::Edit), (new, Class::Backfill)] {
        let parties = with_targets(tx, keys_of(StagedKind::Terms, &changed)).await?;
        tx.enqueue(&parties, class, now, "erp terms").await?;
        keys += parties.len();
    }
    Ok(keys)
}
