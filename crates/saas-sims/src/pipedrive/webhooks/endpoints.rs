//! `/v1/webhooks` (section 5.1): create, list, delete; there is no edit.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::super::auth::Caller;
use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::Webhook;
use super::payload::{NEWER_OBJECTS, OBJECTS};
use crate::call::{Call, Reply};
use crate::text::digest;

const KNOWN: [&str; 8] = [
    "subscription_url",
    "event_action",
    "event_object",
    "name",
    "user_id",
    "http_auth_user",
    "http_auth_password",
    "version",
];
const ACTIONS: [&str; 4] = ["create", "change", "delete", "*"];

type Errors = BTreeMap<String, Vec<String>>;

pub(crate) fn list(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    caller: &Caller,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    state.webhooks.settle(settings, by.now);
    // An app sees its own and only these; what apps registered is hidden from everybody else.
    let shown = state.webhooks.all.values().filter(|webhook| {
        webhook.application == caller.oauth && (webhook.removed.is_none() || settings.webhooks.list_removed)
    });
    let data: Vec<Value> = shown.map(|webhook| webhook.json(settings)).collect();
    Ok(Reply::ok(&json!({"status": "ok", "success": true, "data": data})))
}

pub(crate) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    caller: &Caller,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let json = call.media_type() == "application/json";
    let Some(Value::Object(body)) = serde_json::from_slice(&call.body).ok().filter(|_| json) else {
        return Ok(refused(StatusCode::BAD_REQUEST, "body", "must be a JSON object"));
    };
    let errors = errors(settings, call, &body);
    if !errors.is_empty() {
        let body = json!({"status": "error", "success": false, "errors": errors});
        return Ok(Reply::json(StatusCode::BAD_REQUEST, &body));
    }
    state.webhooks.settle(settings, by.now);
    let all = &state.webhooks.all;
    let mine = all.values().filter(|webhook| {
        webhook.removed.is_none() && webhook.application == caller.oauth && webhook.owner_id == by.user_id
    });
    if mine.count() >= settings.webhooks.limit {
        let why = format!("a user may have {} webhooks", settings.webhooks.limit);
        return Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, "webhooks", &why));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = all.last_key_value().map_or(1_828_448, |(id, _)| id + 1);
    let mut credential = |name: &str| {
        let text = text(name)?;
        let random = state.webhooks.rng.u64(..).to_string();
        let echo = format!("v1u:AQIB{}", digest(&["credential", &random, &text]));
        Some((text, echo))
    };
    let webhook = Webhook {
        id,
        user: credential("http_auth_user"),
        password: credential("http_auth_password"),
        name: text("name").unwrap_or_default(),
        owner_id: by.user_id,
        user_id: body.get("user_id").and_then(Value::as_i64).unwrap_or(by.user_id),
        action: text("event_action").unwrap_or_default(),
        object: text("event_object").unwrap_or_default(),
        url: text("subscription_url").unwrap_or_default(),
        version_1: body.get("version").and_then(Value::as_str) == Some("1.0"),
        application: caller.oauth,
        add_time: by.now,
        removed: None,
        last_delivery: None,
        failures: 0,
        banned: None,
        failing_since: None,
    };
    let data = webhook.json(settings);
    state.webhooks.all.insert(id, webhook);
    Ok(Reply::json(StatusCode::CREATED, &json!({"status": "ok", "success": true, "data": data})))
}

pub(crate) fn delete(
    settings: &PipedriveSettings,
    state: &mut State,
    key: &str,
    caller: &Caller,
    by: &Writer,
) -> Reply {
    state.webhooks.settle(settings, by.now);
    let found = key.parse().ok().and_then(|id: i64| state.webhooks.all.get_mut(&id));
    match found.filter(|webhook| webhook.removed.is_none()) {
        None => refused(StatusCode::NOT_FOUND, "id", "not found"),
        Some(webhook) if webhook.application != caller.oauth => {
            Reply::json(StatusCode::FORBIDDEN, &json!({"success": false, "message": "Forbidden"}))
        }
        Some(webhook) => {
            webhook.removed = Some((by.now, "Deleted"));
            Reply::ok(&json!({"status": "ok", "success": true}))
        }
    }
}

fn refused(status: StatusCode, attribute: &str, why: &str) -> Reply {
    Reply::json(status, &json!({"status": "error", "success": false, "errors": {attribute: [why]}}))
}

fn errors(settings: &PipedriveSettings, call: &Call, body: &Map<String, Value>) -> Errors {
    let mut errors = Errors::new();
    let mut wrong = |name: &str, why: &str| errors.entry(name.to_owned()).or_default().push(why.to_owned());
    if settings.refuse_unknown_parameters {
        body.keys()
            .filter(|name| !KNOWN.contains(&name.as_str()))
            .for_each(|name| wrong(name, "is not allowed"));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    for name in ["subscription_url", "event_action", "event_object", "name"] {
        if text(name).is_none_or(str::is_empty) {
            wrong(name, "is required");
        }
    }
    if text("subscription_url").is_some_and(|url| !url.is_empty() && !is_public(settings, call, url)) {
        wrong("subscription_url", "invalid or non-reachable URL");
    }
    if text("event_action").is_some_and(|action| !ACTIONS.contains(&action)) {
        wrong("event_action", "is invalid");
    }
    let known = |object: &str| {
        object == "*"
            || OBJECTS.contains(&object)
            || (settings.webhooks.newer_objects && NEWER_OBJECTS.contains(&object))
    };
    if text("event_object").is_some_and(|object| !known(object)) {
        wrong("event_object", "is invalid");
    }
    if text("name").is_some_and(|name| name.chars().count() > 255) {
        wrong("name", "is too long");
    }
    if body.get("user_id").is_some_and(|id| !id.as_i64().is_some_and(|id| settings.users().contains(&id))) {
        wrong("user_id", "is invalid");
    }
    for name in ["http_auth_user", "http_auth_password"] {
        if body.get(name).is_some_and(|value| !value.is_null() && !value.is_string()) {
            wrong(name, "is invalid");
        }
    }
    if body.get("version").is_some_and(|version| version != "2.0" && version != "1.0") {
        wrong("version", "is invalid");
    }
    errors
}

/// Whether Pipedrive could and would deliver there: public https, and not to itself. It may also probe the URL; this
/// simulator does not (section 5.1, UNVERIFIED).
fn is_public(settings: &PipedriveSettings, call: &Call, text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let vendor = |name: &str| name == "pipedrive.com" || name.ends_with(".pipedrive.com");
    if url.host_str().is_none_or(vendor) || own_host(settings, call, &url) {
        return false;
    }
    if settings.webhooks.allow_local_urls {
        return matches!(url.scheme(), "http" | "https");
    }
    let public = match url.host() {
        Some(Host::Domain(name)) => {
            let local = [".localhost", ".local", ".internal"];
            name.contains('.') && !local.iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(ip)) => is_public_v4(ip),
        Some(Host::Ipv6(ip)) => is_public_v6(ip),
        None => false,
    };
    url.scheme() == "https" && public
}

/// Whether the URL is one of the simulated company's own.
fn own_host(settings: &PipedriveSettings, call: &Call, url: &Url) -> bool {
    let authority = |url: &Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
    let public = settings.public_url.as_deref().and_then(|text| Url::parse(text).ok());
    let asked = Url::parse(&format!("http://{}", call.host())).ok();
    [public, asked].iter().flatten().any(|own| authority(own) == authority(url))
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local())
}
