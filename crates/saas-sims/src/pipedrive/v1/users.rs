//! `GET /v1/users` and `/v1/users/{id}` (section 1.7): the token's user and the colleagues, not paginated.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use crate::call::{Call, Reply};

/// Names and mailboxes of the colleagues.
const COLLEAGUES: [(&str, &str); 3] =
    [("Maria Tamm", "maria"), ("Jonas Berg", "jonas"), ("Aino Laine", "aino")];

pub(super) fn list(settings: &PipedriveSettings, call: &Call) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let users: Vec<Value> = settings.users().into_iter().map(|id| user(settings, id)).collect();
    Ok(Reply::ok(&json!({"success": true, "data": users})))
}

pub(super) fn one(settings: &PipedriveSettings, call: &Call, id: i64) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    if !settings.users().contains(&id) {
        let body = json!({"success": false, "error": "User not found or not accessible."});
        return Ok(Reply::json(StatusCode::NOT_FOUND, &body));
    }
    Ok(Reply::ok(&json!({"success": true, "data": user(settings, id)})))
}

/// Name and mailbox of a user.
fn person(settings: &PipedriveSettings, id: i64) -> (&str, &'static str) {
    let colleague = usize::try_from(id - settings.user_id - 1).ok().and_then(|at| COLLEAGUES.get(at));
    colleague.copied().unwrap_or((&settings.user_name, "integration"))
}

fn user(settings: &PipedriveSettings, id: i64) -> Value {
    let you = id == settings.user_id;
    let (name, mailbox) = person(settings, id);
    json!({
        "id": id,
        "name": name,
        "default_currency": "EUR",
        "locale": "en_GB",
        "lang": 1,
        "email": format!("{mailbox}@{}.example", settings.company_domain),
        "phone": null,
        "activated": true,
        "last_login": "2026-01-05 08:00:00",
        "created": "2024-03-01 09:30:00",
        "modified": "2026-01-05 08:00:00",
        "has_created_company": false,
        "access": [{"app": "sales", "admin": you, "permission_set_id": "0b1f3c42-0000-4000-8000-000000000001"}],
        "active_flag": true,
        "timezone_name": "Europe/Tallinn",
        "timezone_offset": "+02:00",
        "role_id": 1,
        "icon_url": null,
        "is_you": you,
        "is_deleted": false,
    })
}

/// What a note shows of its author.
pub(super) fn author(settings: &PipedriveSettings, id: i64) -> Value {
    let (name, mailbox) = person(settings, id);
    let email = format!("{mailbox}@{}.example", settings.company_domain);
    json!({"email": email, "icon_url": null, "is_you": id == settings.user_id, "name": name})
}
