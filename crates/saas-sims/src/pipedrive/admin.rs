//! `/_sim/` of Pipedrive: what people and other integrations do.

use axum::http::Method;
use serde_json::{Value, json};

use super::webhooks::Outcome;
use super::{PipedriveSim, admin_hands};
use crate::call::{Call, Reply};
use crate::shell::{done, refused};

pub(crate) fn answer(sim: &PipedriveSim, call: &Call) -> Option<Reply> {
    let path: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    let body = || serde_json::from_slice::<Value>(&call.body).map_err(|error| error.to_string());
    let id = |text: &str| text.parse::<i64>().map_err(|error| error.to_string());
    let outcome = match (&call.method, path.as_slice()) {
        (&Method::POST, ["organizations"]) => {
            body().and_then(|body| sim.create_as_person(&body)).map(|id| json!({"id": id}))
        }
        (&Method::POST, ["organizations", key]) => {
            body().and_then(|body| sim.edit_as_person(id(key)?, &body)).map(|()| json!({"ok": true}))
        }
        (&Method::DELETE, ["organizations", key]) => {
            id(key).and_then(|id| sim.delete_as_person(id)).map(|()| json!({"ok": true}))
        }
        (&Method::GET, ["events"]) => Ok(json!(sim.events())),
        (&Method::POST, ["spend"]) => body().and_then(|body| {
            let tokens = body["tokens"].as_u64().ok_or("tokens is missing")?;
            sim.spend_foreign(tokens);
            Ok(json!({"left": sim.tokens_left()}))
        }),
        (&Method::POST, ["tokens", "revoke"]) => {
            sim.revoke_tokens();
            return Some(done());
        }
        (&Method::POST, ["oauth", "consent"]) => body().and_then(|body| {
            sim.deny_authorization(body["deny"].as_bool().ok_or("deny is missing")?);
            Ok(json!({"ok": true}))
        }),
        (&Method::POST, ["oauth", "uninstall"]) => {
            sim.uninstall_as_person();
            return Some(done());
        }
        (&Method::GET, ["webhooks", "outbox"]) => Ok(json!({
            "deliveries": sim.due_deliveries(), "next": sim.next_delivery(),
        })),
        (&Method::POST, ["webhooks", "outcome"]) => body().and_then(|body| {
            let id = body["id"].as_u64().ok_or("id is missing")?;
            let status = body["status"].as_u64().and_then(|status| u16::try_from(status).ok());
            let outcome = match (status, body["error"].as_str()) {
                (Some(status), None) => Outcome::Answered(status),
                (None, Some("timeout")) => Outcome::TimedOut,
                (None, Some("unreachable")) => Outcome::Unreachable,
                _ => return Err("status, or error timeout or unreachable, is missing".to_owned()),
            };
            Ok(json!({"taken": sim.delivered(id, outcome)}))
        }),
        (&Method::GET, ["oauth", "callbacks"]) => Ok(json!(sim.uninstall_callbacks())),
        _ => admin_hands::answer(sim, call)?,
    };
    Some(match outcome {
        Ok(body) => Reply::ok(&body),
        Err(why) => refused(&why),
    })
}
