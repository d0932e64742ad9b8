//! The grant of an app: whether there is one, and for how long it will be (pipedrive.md 4.2).

use jiff::SignedDuration;
use saas_http::RefreshFrom;

use super::super::finding::Finding;
use super::super::observe::{GrantSeen, PipedriveSeen};
use super::super::trouble::{Cause, Trouble};
use super::access::Access;
use super::counted;
use crate::config::Connection;
use crate::connect::remedy;

const NAME: &str = "pipedrive.refresh_token";

/// A refresh token that nobody uses dies after 60 days; from here on it is time to say so.
const IDLE: SignedDuration = SignedDuration::from_hours(45 * 24);

/// Where there is no grant nothing can be said about the door.
pub(super) fn without(pipedrive: &PipedriveSeen) -> Option<Access> {
    match pipedrive.grant?.from {
        RefreshFrom::Nowhere | RefreshFrom::Ended(_) => Some(Access {
            findings: ["pipedrive.reachable", "pipedrive.credentials"]
                .map(|name| Finding::not_checked(name, NAME)),
            blocked_by: NAME,
        }),
        RefreshFrom::Seed | RefreshFrom::Vault => None,
    }
}

pub(super) fn judge(
    connection: &Connection,
    pipedrive: &PipedriveSeen,
    end: Option<&Trouble>,
) -> Option<Finding> {
    let GrantSeen { from, idle } = pipedrive.grant?;
    let connect = |finding: Finding| finding.remedy(remedy(&connection.name), "ml-connector connect");
    let refused = end.is_some_and(|end| end.token && end.cause == Cause::Unauthorized);
    Some(match from {
        RefreshFrom::Nowhere => connect(Finding::problem(NAME, "nobody has given access yet")),
        RefreshFrom::Ended(at) => connect(Finding::problem(
            NAME,
            format!("access was ended at {at:.0}: the app was uninstalled, or it was disconnected here"),
        )),
        RefreshFrom::Seed | RefreshFrom::Vault if refused => {
            Finding::not_checked(NAME, "pipedrive.credentials")
        }
        RefreshFrom::Seed => Finding::ok(NAME, "the one in the configuration file; what comes back for it is kept"),
        RefreshFrom::Vault => match idle {
            None => Finding::ok(NAME, "stored; when it was renewed before this check was not noted"),
            Some(idle) if idle <= IDLE => {
                Finding::ok(NAME, format!("stored; renewed {}", days_ago(idle)))
            }
            Some(idle) => Finding::warning(
                NAME,
                format!(
                    "stored; it was renewed {}, before this check renewed it: after 60 days without use it dies",
                    days_ago(idle)
                ),
            )
            .remedy("keep `ml-connector run` running, or check once a month", "this machine (systemd)"),
        },
    })
}

fn days_ago(idle: SignedDuration) -> String {
    match usize::try_from(idle.as_hours() / 24).unwrap_or(0) {
        0 => "today".to_owned(),
        days => format!("{} ago", counted(days, "day")),
    }
}
