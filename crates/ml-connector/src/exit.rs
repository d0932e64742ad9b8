//! Exit codes: what a script may conclude from the end of a command.

use std::fmt;

use sync_engine::EngineError;
use sync_store::{StoreError, Trouble};

use crate::config::ConfigError;

/// How a command ended. The numbers are part of the interface and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything asked for was done.
    Ok = 0,
    /// Something unexpected failed; a bug, or a machine in trouble.
    Failure = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The sync ended, but some records failed.
    SomeFailed = 3,
    /// A remote system refused our credentials or cannot be reached.
    Remote = 4,
    /// Another process holds the connection, or the database.
    Held = 5,
    /// The budget is exhausted; the next run resumes.
    Budget = 6,
    /// `check` found a problem, or `audit` a difference.
    Unfit = 7,
}

/// The table of exit codes, as `--help` shows it.
pub const HELP: &str = "\
Exit codes:
  0  everything asked for was done
  1  something unexpected failed
  2  the command line or the configuration is wrong
  3  the sync ended, but some records failed
  4  a remote system refused our credentials or cannot be reached
  5  another process holds the connection, or the database
  6  the budget is exhausted; the next run resumes
  7  `check` found a problem, or `audit` a difference";

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// An error that knows its exit code and its remedy. Return it from a command (`?` turns it into
/// [`anyhow::Error`]); errors of other types end with [`ExitCode::Failure`].
#[derive(Debug)]
pub struct Failed {
    code: ExitCode,
    message: String,
    help: Option<String>,
}

impl Failed {
    /// An error that ends the process with `code`.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None }
    }

    /// The same error with its remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The remedy, if there is one.
    pub fn remedy(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failed {}

/// What the store says in an error that a command returned, if it is from there.
pub fn of_store(error: &anyhow::Error) -> Option<&StoreError> {
    error.chain().find_map(|cause| match cause.downcast_ref::<EngineError>() {
        Some(EngineError::Store(error)) => Some(error),
        Some(EngineError::LeaseLost | EngineError::Stored { .. }) | None => cause.downcast_ref(),
    })
}

/// The exit code of what the store says.
pub fn store_code(error: &StoreError) -> ExitCode {
    match error {
        StoreError::File { trouble: Trouble::Locked | Trouble::BeingRestored, .. } => ExitCode::Held,
        StoreError::File { .. }
        | StoreError::Fenced
        | StoreError::Inconsistent { .. }
        | StoreError::Unwritable { .. }
        | StoreError::Version { .. }
        | StoreError::NotMigrated
        | StoreError::Url
        | StoreError::Newer { .. }
        | StoreError::Migrate(_)
        | StoreError::Sql(_) => ExitCode::Failure,
    }
}

/// The exit code of an error that a command returned. A reader of our stdout who left early is no failure.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    if let Some(failed) = error.downcast_ref::<Failed>() {
        return failed.code;
    }
    if error.downcast_ref::<ConfigError>().is_some() {
        return ExitCode::Usage;
    }
    if let Some(error) = of_store(error) {
        return store_code(error);
    }
    let left_early = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(left_early) { ExitCode::Ok } else { ExitCode::Failure }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn an_error_keeps_its_code_under_context() {
        let failed = Failed::new(ExitCode::Held, "held").help("wait");
        let error = Err::<(), _>(failed).context("while starting").unwrap_err();
        assert_eq!(code_of(&error), ExitCode::Held);
        assert_eq!(code_of(&anyhow::anyhow!("other")), ExitCode::Failure);
        let pipe = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(code_of(&anyhow::Error::from(pipe)), ExitCode::Ok);
    }
}
