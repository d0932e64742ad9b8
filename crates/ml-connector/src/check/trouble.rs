//! What went wrong with a call, told for the person who must put it right.
//!
//! The engine only has to know what to do about a refused call ([`CallError::kind`]); people look in different places
//! for a wrong host name, a private authority, a firewall's page and a missing role. So the answer itself counts here.

use jiff::{SignedDuration, Timestamp};
use saas_http::{Last, Unreached};
use sync_core::error::{CallError, ErrorKind};

/// Name of the call that fetches tokens.
const TOKEN: &str = "oauth.token";

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Whether it is about the token, not about the call that needed it.
    pub token: bool,
    /// Why it failed.
    pub cause: Cause,
    /// The remote system's words, or the network's.
    pub said: String,
    /// What the vendor's support asks for.
    pub correlation: Option<String>,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No connection came about.
    Unreached(Unreached),
    /// It was sent, but no whole answer came.
    NoAnswer,
    /// A redirect, and where to; we follow none.
    Redirected(Option<String>),
    /// A web page where an API should answer, with this status.
    WebPage(u16),
    /// 401, or a token endpoint's refusal.
    Unauthorized,
    /// 402.
    Unpaid,
    /// 403 or 415 in the system's own words.
    Forbidden,
    /// 404 or 410.
    Missing,
    /// 429 for too many at a time.
    Crowded(Option<SignedDuration>),
    /// 429 for the day, or our own ledger's word for it.
    Exhausted(Timestamp),
    /// 5xx.
    Down(u16),
    /// Any other refusal.
    Rejected(u16),
    /// A success that we cannot read.
    Unreadable,
    /// Nothing was sent: our own side is in the way.
    Unsent,
}

impl Trouble {
    /// From what the client says and what became of the last request, if one was sent.
    pub fn of(error: &CallError, last: Option<&Last>) -> Self {
        Self {
            token: error.call == TOKEN,
            cause: cause(error, last),
            said: error.message.clone(),
            correlation: error.correlation.clone(),
        }
    }

    /// Whether asking on would say the same again, or make it worse (pipedrive.md 3.5).
    pub fn ends_it(&self) -> bool {
        self.token
            || match self.cause {
                Cause::Unreached(_)
                | Cause::NoAnswer
                | Cause::Redirected(_)
                | Cause::WebPage(_)
                | Cause::Unauthorized
                | Cause::Unpaid
                | Cause::Crowded(_)
                | Cause::Exhausted(_)
                | Cause::Down(_)
                | Cause::Unsent => true,
                Cause::Forbidden | Cause::Missing | Cause::Rejected(_) | Cause::Unreadable => false,
            }
    }
}

fn cause(error: &CallError, last: Option<&Last>) -> Cause {
    match (last, &error.kind) {
        (None, ErrorKind::Exhausted { until }) => Cause::Exhausted(*until),
        // There is nothing to show oneself with.
        (None, ErrorKind::Unauthorized) => Cause::Unauthorized,
        (None, _) => Cause::Unsent,
        (Some(Last::Unsent(at)), _) => Cause::Unreached(*at),
        (Some(Last::Lost), _) => Cause::NoAnswer,
        (Some(Last::TooLarge), _) => Cause::Unreadable,
        (Some(Last::Answered { status, web_page, elsewhere }), kind) => {
            answered(*status, *web_page, elsewhere.as_deref(), kind)
        }
    }
}

fn answered(status: u16, web_page: bool, elsewhere: Option<&str>, kind: &ErrorKind) -> Cause {
    match status {
        // A fault: the service's own word, and final (oracle-fusion.md 1.4). Other 500s may come from anywhere.
        500 if matches!(kind, ErrorKind::Rejected | ErrorKind::Missing) => Cause::Rejected(500),
        300..=399 => Cause::Redirected(elsewhere.map(str::to_owned)),
        500.. => Cause::Down(status),
        _ if web_page => Cause::WebPage(status),
        401 => Cause::Unauthorized,
        402 => Cause::Unpaid,
        403 | 415 => Cause::Forbidden,
        404 | 410 => Cause::Missing,
        429 => match kind {
            ErrorKind::Exhausted { until } => Cause::Exhausted(*until),
            ErrorKind::Transient { after } => Cause::Crowded(*after),
            _ => Cause::Crowded(None),
        },
        200..=299 => Cause::Unreadable,
        _ if *kind == ErrorKind::Unauthorized => Cause::Unauthorized,
        _ => Cause::Rejected(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, web_page: bool) -> Last {
        Last::Answered { status, web_page, elsewhere: None }
    }

    #[test]
    fn the_answer_tells_what_the_kind_does_not() {
        let transient = ErrorKind::Transient { after: None };
        let until = "2026-11-25T00:00:00Z".parse().unwrap();
        let exhausted = ErrorKind::Exhausted { until };
        for (kind, last, wanted, ends) in [
            (transient.clone(), Some(Last::Unsent(Unreached::Name)), Cause::Unreached(Unreached::Name), true),
            (transient.clone(), Some(Last::Lost), Cause::NoAnswer, true),
            (ErrorKind::Unreadable, Some(Last::TooLarge), Cause::Unreadable, false),
            (transient.clone(), Some(answer(302, false)), Cause::Redirected(None), true),
            (transient.clone(), Some(answer(403, true)), Cause::WebPage(403), true),
            (ErrorKind::Unreadable, Some(answer(200, true)), Cause::WebPage(200), true),
            (transient.clone(), Some(answer(503, true)), Cause::Down(503), true),
            (ErrorKind::Unauthorized, Some(answer(401, false)), Cause::Unauthorized, true),
            (ErrorKind::Unauthorized, Some(answer(400, false)), Cause::Unauthorized, true),
            (ErrorKind::Forbidden, Some(answer(402, false)), Cause::Unpaid, true),
            (ErrorKind::Forbidden, Some(answer(403, false)), Cause::Forbidden, false),
            (ErrorKind::Missing, Some(answer(404, false)), Cause::Missing, false),
            (exhausted.clone(), Some(answer(429, false)), Cause::Exhausted(until), true),
            (transient.clone(), Some(answer(429, false)), Cause::Crowded(None), true),
            (ErrorKind::Rejected, Some(answer(400, false)), Cause::Rejected(400), false),
            (ErrorKind::Unreadable, Some(answer(200, false)), Cause::Unreadable, false),
            (ErrorKind::Rejected, Some(answer(500, false)), Cause::Rejected(500), false),
            (exhausted, None, Cause::Exhausted(until), true),
            (ErrorKind::Unauthorized, None, Cause::Unauthorized, true),
            (transient, None, Cause::Unsent, true),
        ] {
            let error = CallError::without_effect("users.me", kind, "words");
            let trouble = Trouble::of(&error, last.as_ref());
            assert_eq!(trouble.cause, wanted);
            assert_eq!(trouble.ends_it(), ends, "{wanted:?}");
        }
    }

    #[test]
    fn trouble_with_a_token_is_known_by_its_call_and_ends_it() {
        let error = CallError::without_effect(TOKEN, ErrorKind::Missing, "404");
        let trouble = Trouble::of(&error, Some(&answer(404, false)));
        assert!(trouble.token && trouble.ends_it());
    }
}
