//! Who has a SQLite database open: a lock on the file `DATABASE.lock` beside it, shared by all who use the database and
//! held alone by whoever replaces it. The operating system ends it with its process, so it is never left behind. What is
//! written in it says that a restore has begun to move files and has not ended.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use crate::{StoreError, Trouble};

/// The right to have the database open.
pub(crate) struct Claim {
    lock: File,
    database: PathBuf,
}

impl Claim {
    /// For those who use the database together with others.
    pub(crate) fn share(database: &Path) -> Result<Self, StoreError> {
        let claim = Self::open(database)?;
        match claim.lock.try_lock_shared() {
            // Where files cannot be locked, the locks of SQLite have to do.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => return Err(claim.trouble(Trouble::BeingRestored, None)),
        }
        if claim.is_marked()? {
            return Err(claim.trouble(Trouble::HalfRestored, None));
        }
        Ok(claim)
    }

    /// For whoever replaces the database; none while anybody else has it open.
    pub(crate) fn alone(database: &Path) -> Result<Option<Self>, StoreError> {
        let claim = Self::open(database)?;
        match claim.lock.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(claim)),
            Err(TryLockError::WouldBlock) => Ok(None),
        }
    }

    fn open(database: &Path) -> Result<Self, StoreError> {
        let file = beside(database, ".lock");
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&file);
        match opened {
            Ok(lock) => Ok(Self { lock, database: database.to_owned() }),
            Err(error) => Err(StoreError::io(database, error)),
        }
    }

    /// Notes that files begin to be moved. Who opens the database from now on is refused, also after a crash.
    pub(crate) fn mark(&mut self) -> Result<(), StoreError> {
        let written = self.lock.write_all(b"a restore has begun and not ended\n");
        written.and_then(|()| self.lock.sync_all()).map_err(|error| StoreError::io(&self.database, error))
    }

    /// Notes that all files are where they should be.
    pub(crate) fn unmark(&mut self) -> Result<(), StoreError> {
        let emptied = self.lock.set_len(0).and_then(|()| self.lock.rewind());
        emptied.and_then(|()| self.lock.sync_all()).map_err(|error| StoreError::io(&self.database, error))
    }

    fn is_marked(&self) -> Result<bool, StoreError> {
        let mut text = Vec::new();
        let read = (&self.lock).read_to_end(&mut text);
        read.map_err(|error| StoreError::io(&self.database, error)).map(|bytes| bytes > 0)
    }

    /// Ends the claim before its owner ends.
    pub(crate) fn release(&self) {
        // Whoever cannot unlock does so by ending.
        let _ = self.lock.unlock();
    }

    fn trouble(&self, trouble: Trouble, source: Option<sqlx::Error>) -> StoreError {
        StoreError::File { file: self.database.display().to_string(), trouble, source }
    }
}

/// The path with something appended to its name.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
