//! Files that are there with everything in them or not at all, and files that make room for others.

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};

use super::{BackupError, io};
use crate::claim::beside;

/// What SQLite writes beside a database, and the database itself, which is the last to be put in place.
const LOG: &str = "-wal";
const INDEX: &str = "-shm";

/// A file in the making beside its final place: gone when dropped.
pub(super) struct Part(PathBuf);

impl Part {
    /// An empty one, for its owner only.
    pub(super) fn beside(place: &Path) -> Result<Self, BackupError> {
        let place = std::path::absolute(place).map_err(|error| io(place, error))?;
        let path = beside(&place, &format!(".part-{}", std::process::id()));
        // What a process of this number left behind that died.
        remove(&path);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|error| io(&path, error))?;
        Ok(Self(path))
    }

    /// A copy of a database and of the log that lies beside it.
    pub(super) fn copied(from: &Path, place: &Path) -> Result<Self, BackupError> {
        let part = Self::beside(place)?;
        copy_into(from, &part.0)?;
        let log = beside(from, LOG);
        if log.exists() {
            copy_into(&log, &beside(&part.0, LOG))?;
        }
        Ok(part)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Durable under its final name, unless something is there already.
    pub(super) fn keep_as(self, place: &Path) -> Result<(), BackupError> {
        flush(&self.0)?;
        match fs::hard_link(&self.0, place) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists(place.to_owned()));
            }
            // Some file systems have no links.
            Err(_) => {
                refuse_existing(place)?;
                fs::rename(&self.0, place).map_err(|error| io(place, error))?;
            }
        }
        flush_folder(place)
    }

    /// Durable in the place of whatever was there.
    pub(super) fn replace(self, place: &Path) -> Result<(), BackupError> {
        flush(&self.0)?;
        fs::rename(&self.0, place).map_err(|error| io(place, error))?;
        flush_folder(place)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// A database and what lies beside it; what is not there needs no removing.
fn remove(path: &Path) {
    for file in [path.to_owned(), beside(path, LOG), beside(path, INDEX), beside(path, "-journal")] {
        let _ = fs::remove_file(file);
    }
}

pub(super) fn refuse_existing(path: &Path) -> Result<(), BackupError> {
    match path.symlink_metadata() {
        Ok(_) => Err(BackupError::Exists(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(path, error)),
    }
}

/// Moves a database and what lies beside it to names that tell when. Gives those names.
pub(super) fn move_aside(database: &Path, now: Timestamp) -> Result<Vec<PathBuf>, BackupError> {
    let aside = free_name(database, now);
    let mut moved = Vec::new();
    for suffix in ["", INDEX, LOG] {
        let (from, to) = (beside(database, suffix), beside(&aside, suffix));
        if from.exists() {
            fs::rename(&from, &to).map_err(|error| io(&from, error))?;
            moved.push(to);
        }
    }
    Ok(moved)
}

fn free_name(database: &Path, now: Timestamp) -> PathBuf {
    let stamp = now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
    let name = beside(database, &format!(".before-restore-{stamp}"));
    let taken = |name: &Path| ["", INDEX, LOG].iter().any(|suffix| beside(name, suffix).exists());
    let others = (2..).map(|number| beside(&name, &format!("-{number}")));
    std::iter::once(name.clone()).chain(others).find(|name| !taken(name)).unwrap_or(name)
}

fn copy_into(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = File::open(from).map_err(|error| io(from, error))?;
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to);
    let mut target = made.map_err(|error| io(to, error))?;
    std::io::copy(&mut source, &mut target).map_err(|error| io(to, error))?;
    Ok(())
}

fn flush(file: &Path) -> Result<(), BackupError> {
    File::open(file).and_then(|file| file.sync_all()).map_err(|error| io(file, error))
}

/// A name is durable when its folder is.
fn flush_folder(of: &Path) -> Result<(), BackupError> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    flush(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_moved_aside_keeps_its_log_and_never_replaces_anything() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("store.db");
        for round in ["first", "second"] {
            fs::write(&database, round).unwrap();
            fs::write(beside(&database, LOG), "log").unwrap();
            let moved = move_aside(&database, now()).unwrap();
            let names: Vec<_> =
                moved.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
            let aside = match round {
                "first" => "store.db.before-restore-20260302T120000Z",
                _ => "store.db.before-restore-20260302T120000Z-2",
            };
            assert_eq!(names, [aside, &format!("{aside}-wal")]);
            assert_eq!(fs::read_to_string(&moved[0]).unwrap(), round);
            assert!(!database.exists());
        }
    }

    #[test]
    fn a_part_is_gone_when_nobody_keeps_it_and_overwrites_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("backup.db");
        drop(Part::beside(&place).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        Part::beside(&place).unwrap().keep_as(&place).unwrap();
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Part::beside(&place).unwrap().keep_as(&place);
        assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
