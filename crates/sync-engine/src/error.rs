//! What stops an engine. Failed remote calls do not: they pause a side or reschedule a key.

use sync_store::StoreError;

/// A step could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed, or another process has taken the connection ([`StoreError::Fenced`]).
    #[error("the store could not be used")]
    Store(#[from] StoreError),
    /// Our own lease could not be renewed in time; nothing more may be sent.
    #[error("the lease on the connection has run out; another process may have taken it")]
    LeaseLost,
    /// A stored body could not be read back.
    #[error("a stored {what} of {id} cannot be read: {reason}")]
    Stored {
        /// Which kind of row.
        what: &'static str,
        /// Its id.
        id: i64,
        /// The decoder's words.
        reason: String,
    },
}
