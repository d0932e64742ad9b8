//! What `holds` and `handovers` have in common: answers that can be given, and who gave one.

use serde::Serialize;

use super::Context;

/// An answer to a question, and what it does.
#[derive(Serialize)]
pub(super) struct PossibleAnswer {
    /// What to type.
    pub(super) answer: &'static str,
    /// What follows.
    pub(super) does: &'static str,
}

/// Answers as they are shown.
pub(super) fn possible(
    answers: impl IntoIterator<Item = (&'static str, &'static str)>,
) -> Vec<PossibleAnswer> {
    answers.into_iter().map(|(answer, does)| PossibleAnswer { answer, does }).collect()
}

/// Who answers: whoever is named, else the user.
pub(super) fn by(context: &Context<'_>, named: Option<&str>) -> String {
    let user = || (context.env)("USER").filter(|user| !user.is_empty());
    named.map(str::to_owned).or_else(user).unwrap_or_else(|| "command line".to_owned())
}
