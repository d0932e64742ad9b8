//! Whether a system answers, and whether it lets us in: the same for both, with other places to look at.

use saas_http::Unreached;
use url::Url;

use super::super::finding::Finding;
use super::super::trouble::{Cause, Trouble};

/// A system, as far as its door is concerned.
pub(super) struct Door<'a> {
    /// How people call it.
    pub(super) system: &'static str,
    /// Name of the finding about reaching it.
    pub(super) reachable: &'static str,
    /// Name of the finding about its credentials.
    pub(super) credentials: &'static str,
    /// Name of the finding about the first thing that is read.
    pub(super) first: &'static str,
    /// Name of the finding about its budget; none where there is no such thing.
    pub(super) budget: &'static str,
    /// Its table in the configuration file.
    pub(super) section: &'static str,
    /// Where its API is.
    pub(super) base_url: &'a Url,
    /// Where its tokens come from, and the key that says so.
    pub(super) token: Option<(&'a Url, &'static str)>,
    /// What to do about credentials that are refused, and where.
    pub(super) refused: fn(&Trouble) -> (String, String),
}

/// The findings about a door, and which of them is why the rest was not asked.
pub(super) struct Access {
    pub(super) findings: [Finding; 2],
    pub(super) blocked_by: &'static str,
}

/// Judges a door by what ended the asking, if anything did. `entered`: something was answered before, or
/// forbidden, which takes knowing us.
pub(super) fn access(door: &Door<'_>, end: Option<&Trouble>, entered: bool) -> Access {
    let reached =
        || Finding::ok(door.reachable, format!("{} answers at {}", door.system, host(door.base_url)));
    let let_in = || Finding::ok(door.credentials, "accepted");
    let Some(end) = end else {
        // Refusals that any server can utter, such as 404, do not show that we are let in.
        let credentials = if entered { let_in() } else { Finding::not_checked(door.credentials, door.first) };
        return Access { findings: [reached(), credentials], blocked_by: door.reachable };
    };
    let seen = seen(end);
    match &end.cause {
        Cause::Exhausted(_) => {
            let credentials =
                if entered { let_in() } else { Finding::not_checked(door.credentials, door.budget) };
            let reachable =
                if entered { reached() } else { Finding::not_checked(door.reachable, door.budget) };
            Access { findings: [reachable, credentials], blocked_by: door.budget }
        }
        Cause::Unauthorized
        | Cause::Unpaid
        | Cause::Forbidden
        | Cause::Missing
        | Cause::Rejected(_)
        | Cause::Unreadable => {
            let (what, place) = credentials_remedy(door, end);
            let refused = Finding::problem(door.credentials, asked(door, end, &seen)).remedy(what, place);
            Access { findings: [reached(), refused], blocked_by: door.credentials }
        }
        Cause::Unreached(_)
        | Cause::NoAnswer
        | Cause::Redirected(_)
        | Cause::WebPage(_)
        | Cause::Crowded(_)
        | Cause::Down(_)
        | Cause::Unsent => {
            let (what, place) = reach_remedy(door, end);
            let credentials =
                if entered { let_in() } else { Finding::not_checked(door.credentials, door.reachable) };
            let reachable = Finding::problem(door.reachable, reach_seen(door, end, &seen));
            Access { findings: [reachable.remedy(what, place), credentials], blocked_by: door.reachable }
        }
    }
}

/// What was said, and what the vendor's support asks for.
pub(super) fn seen(trouble: &Trouble) -> String {
    match &trouble.correlation {
        Some(correlation) => format!("{} (correlation {correlation})", trouble.said),
        None => trouble.said.clone(),
    }
}

fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// The address that was called when it failed, and its key.
fn address<'a>(door: &Door<'a>, trouble: &Trouble) -> (&'a Url, String) {
    let (url, key) = match door.token {
        Some((url, key)) if trouble.token => (url, key),
        Some(_) | None => (door.base_url, "base_url"),
    };
    (url, format!("{} {key}", door.section))
}

/// What was said, and by whom if it was not the API.
fn asked(door: &Door<'_>, trouble: &Trouble, said: &str) -> String {
    let host = host(address(door, trouble).0);
    if trouble.token { format!("the token endpoint at {host} says {said}") } else { said.to_owned() }
}

fn reach_seen(door: &Door<'_>, trouble: &Trouble, said: &str) -> String {
    let host = host(address(door, trouble).0);
    let whose = if trouble.token { "the token endpoint at " } else { "" };
    match &trouble.cause {
        Cause::Redirected(Some(elsewhere)) => format!("{whose}{host} sends us elsewhere, to {elsewhere}"),
        Cause::Redirected(None) => format!("{whose}{host} sends us elsewhere"),
        _ => format!("{whose}{host}: {said}"),
    }
}

fn reach_remedy(door: &Door<'_>, trouble: &Trouble) -> (String, String) {
    let (url, place) = address(door, trouble);
    let ca_file = format!("{} ca_file", door.section);
    let (what, place) = match &trouble.cause {
        Cause::Unreached(Unreached::Name) => {
            ("correct the host name, or let this machine resolve it (DNS)", place)
        }
        Cause::Unreached(Unreached::Refused) => {
            ("correct host and port; nobody listens there, or a firewall refuses for it", place)
        }
        Cause::Unreached(Unreached::Tls) if url.scheme() == "https" => (
            "no trust came about: if a proxy inspects your traffic, or the certificate is of a private authority, \
             name a PEM file with its certificates; else the host name is not the certificate's, or there is no TLS",
            ca_file,
        ),
        Cause::Unreached(Unreached::Silence) => (
            "let this machine connect to that host and port; firewalls that drop packets look like this",
            place,
        ),
        Cause::Unreached(Unreached::Tls | Unreached::Other) => {
            ("look at the address and at the network", place)
        }
        Cause::NoAnswer => (
            "check again; if it stays so, raise the timeout, or look for a proxy in between",
            format!("{} timeout", door.section),
        ),
        Cause::Redirected(_) => {
            ("write the address that it leads to; one that leads to a login page is not the API's", place)
        }
        Cause::WebPage(403) => (
            "this is not the API's word but that of a firewall in front of it: wait some minutes, then let the address of \
             this machine through (allow list, location based access control, web application firewall)",
            format!("the network in front of {}", door.system),
        ),
        Cause::WebPage(_) => {
            ("write the address of the API itself; this one answers with pages for people", place)
        }
        Cause::Crowded(_) => (
            "wait a minute and check again; something sends too much, perhaps another integration",
            format!("{}'s other users", door.system),
        ),
        Cause::Unsent => ("see what is said of the store", "[store] url".to_owned()),
        _ => (
            "check again later: it may be down for maintenance",
            format!("the status page of {}", door.system),
        ),
    };
    (what.to_owned(), place)
}

fn credentials_remedy(door: &Door<'_>, trouble: &Trouble) -> (String, String) {
    match trouble.cause {
        Cause::Unpaid => (
            "the company is closed, or its trial or subscription has ended: have it renewed".to_owned(),
            format!("{}: Billing", door.system),
        ),
        Cause::Missing | Cause::Rejected(_) | Cause::Unreadable | Cause::Forbidden if trouble.token => {
            let place = address(door, trouble).1;
            (
                "write the address of the token endpoint; what answers there gives no tokens to us"
                    .to_owned(),
                place,
            )
        }
        _ => (door.refused)(trouble),
    }
}
