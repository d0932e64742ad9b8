//! How a refusal is told: `{"error":{"message","help"}}`, as the command line does.

use serde::Serialize;

/// What is wrong, and what to do about it.
#[derive(Serialize)]
pub(crate) struct Problem {
    error: Told,
}

#[derive(Serialize)]
struct Told {
    message: &'static str,
    help: &'static str,
}

impl Problem {
    pub(crate) fn new(message: &'static str, help: &'static str) -> Self {
        Self { error: Told { message, help } }
    }
}
