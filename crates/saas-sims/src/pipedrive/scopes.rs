//! Scopes of the OAuth installation (section 4.2): what an operation needs, as both specifications have it.

use axum::http::StatusCode;

use super::problem::gateway;
use super::settings::PipedriveSettings;
use crate::call::Reply;

/// The 403 when none of the scopes that an operation takes was granted; `name` is that of the statistics.
pub(crate) fn check(settings: &PipedriveSettings, name: &str) -> Result<(), Reply> {
    let granted: Vec<&str> = settings.oauth.scopes.split(',').collect();
    let needed = needed(settings, name);
    if !settings.oauth.enforce_scopes || needed.iter().any(|scope| granted.contains(scope)) {
        return Ok(());
    }
    Err(gateway(StatusCode::FORBIDDEN, "Scope and URL mismatch"))
}

/// Any of these is enough.
fn needed(settings: &PipedriveSettings, name: &str) -> Vec<&'static str> {
    let (method, path) = name.split_once(' ').unwrap_or_default();
    let path = path.trim_start_matches("/api/v2").trim_start_matches("/v1").trim_start_matches('/');
    let path: Vec<&str> = path.split('/').collect();
    let reading = method == "GET";
    let either = |read: &'static str, full: &'static str| if reading { vec![read, full] } else { vec![full] };
    match path.as_slice() {
        ["users", "me"] | ["currencies"] => vec!["base"],
        ["users", ..] => vec!["users:read"],
        ["itemSearch", ..] => vec!["search:read"],
        [_, _, "changelog" | "flow"] => vec!["recents:read"],
        ["webhooks", ..] if settings.oauth.webhook_scopes => {
            [vec!["admin"], either("webhooks:read", "webhooks:full")].concat()
        }
        ["webhooks", ..] => vec!["admin"],
        ["notes", ..] => {
            [either("deals:read", "deals:full"), either("contacts:read", "contacts:full")].concat()
        }
        ["files", ..] => [
            either("deals:read", "deals:full"),
            either("contacts:read", "contacts:full"),
            either("activities:read", "activities:full"),
        ]
        .concat(),
        ["organizations" | "persons", "search"] => vec!["contacts:read", "contacts:full", "search:read"],
        ["deals", "search"] => vec!["deals:read", "deals:full", "search:read"],
        ["organizations" | "persons" | "organizationRelationships", ..] => {
            either("contacts:read", "contacts:full")
        }
        ["organizationFields" | "personFields", ..] if reading => {
            vec!["contacts:read", "contacts:full", "admin", "contact-fields:full"]
        }
        ["organizationFields" | "personFields", rest @ ..] => {
            fields(rest, method, "contacts:full", "contact-fields:full")
        }
        ["dealFields", ..] if reading => vec!["deals:read", "deals:full", "admin", "deal-fields:full"],
        ["dealFields", rest @ ..] => fields(rest, method, "deals:full", "deal-fields:full"),
        ["pipelines" | "stages", ..] if reading => vec!["deals:read", "deals:full", "admin"],
        ["pipelines" | "stages", ..] => vec!["admin"],
        ["deals", _, "products", ..] | ["deals", "products"] => {
            [either("deals:read", "deals:full"), either("products:read", "products:full")].concat()
        }
        ["deals", ..] => either("deals:read", "deals:full"),
        ["products", ..] => either("products:read", "products:full"),
        ["activities" | "activityTypes", ..] => either("activities:read", "activities:full"),
        // Nothing else is served; what comes to be served without a line here is refused.
        _ => Vec::new(),
    }
}

/// Writes of field definitions: edits, deletions and options also go with the records' own scope.
fn fields(
    rest: &[&str],
    method: &str,
    records: &'static str,
    definitions: &'static str,
) -> Vec<&'static str> {
    match rest {
        [] => vec!["admin", definitions],
        [_] if method == "DELETE" => vec!["admin", definitions],
        _ => vec![records, "admin", definitions],
    }
}
