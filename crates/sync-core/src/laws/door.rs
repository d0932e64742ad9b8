//! The laws about what comes in by itself: 6 (what is acknowledged is durable) and 9 (who proves nothing changes nothing).

use super::{Violation, broken};

/// Law 6 for what is told to us: an answer passes an event only when it is durable. `answered`: the sender was told that it was
/// taken, and so never sends it again; `kept`: the store has it.
#[must_use]
pub fn law_6_kept_before_answered(what: &str, answered: bool, kept: bool) -> Option<Violation> {
    (answered && !kept).then(|| broken(6, format!("{what} was acknowledged and is not in the store")))
}

/// What became of something that came in without a valid proof of who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unproven {
    /// The sender was told that it was taken.
    pub answered: bool,
    /// Its body was looked into.
    pub parsed: bool,
    /// The store says something else than before.
    pub changed: bool,
}

/// Law 9: what nobody vouches for changes nothing, and is not parsed.
#[must_use]
pub fn law_9_unproven_is_nothing(what: &str, became: Unproven) -> Option<Violation> {
    let Unproven { answered, parsed, changed } = became;
    let wrong = [(answered, "was acknowledged"), (parsed, "was parsed"), (changed, "changed the store")];
    let wrong: Vec<&str> = wrong.into_iter().filter_map(|(is, how)| is.then_some(how)).collect();
    (!wrong.is_empty())
        .then(|| broken(9, format!("{what} {} though nobody vouches for it", wrong.join(" and "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_kept_may_be_acknowledged() {
        assert_eq!(law_6_kept_before_answered("an event", true, true), None);
        assert_eq!(law_6_kept_before_answered("an event", false, false), None);
        let broken = law_6_kept_before_answered("an event", true, false).unwrap();
        assert_eq!(
            (broken.law, broken.story.as_str()),
            (6, "an event was acknowledged and is not in the store")
        );
    }

    #[test]
    fn who_proves_nothing_is_nobody() {
        let nothing = Unproven { answered: false, parsed: false, changed: false };
        assert_eq!(law_9_unproven_is_nothing("a letter", nothing), None);
        let parsed = law_9_unproven_is_nothing("a letter", Unproven { parsed: true, ..nothing }).unwrap();
        assert_eq!(
            (parsed.law, parsed.story.as_str()),
            (9, "a letter was parsed though nobody vouches for it")
        );
        let all = Unproven { answered: true, parsed: true, changed: true };
        let all = law_9_unproven_is_nothing("a letter", all).unwrap();
        assert!(all.story.contains("was acknowledged and was parsed and changed the store"), "{}", all.story);
    }
}
