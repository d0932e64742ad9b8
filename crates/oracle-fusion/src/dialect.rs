//! How Fusion says no (oracle-fusion.md 4.8).

use http::HeaderMap;
use saas_http::{Dialect, Refusal, Reply, refusal_by_status};
use serde_json::Value;
use sync_core::error::{CallError, Effect, ErrorKind};

use crate::soap::fault::Fault;

/// Structured errors, plain text, empty bodies and web pages, all from one system.
pub(crate) struct FusionDialect;

impl Dialect for FusionDialect {
    fn refusal(&self, reply: &Reply<'_>) -> Refusal {
        if let Some(fault) = Fault::of(reply) {
            let kind = fault.kind(reply.status.as_u16());
            return Refusal { kind, message: reply.saying(&fault.words) };
        }
        let message = details(reply).map_or_else(|| reply.message(), |words| reply.saying(&words));
        let blank = reply.body.trim_ascii().is_empty();
        let kind = match reply.status.as_u16() {
            // A 400 without a word, or a gateway's page, passes by itself (4.8).
            400 if blank || reply.is_html() => ErrorKind::Transient { after: None },
            // During maintenance gateways answer for resources that surely exist (4.9).
            404 if reply.is_html() => ErrorKind::Transient { after: None },
            _ => refusal_by_status(reply),
        };
        Refusal { kind, message }
    }

    /// A fault is the last word (1.4). What passes by itself may have passed on what was sent: a gateway that does not
    /// answer, or answers with a page of its own, says nothing about the pod.
    fn effect(&self, reply: &Reply<'_>) -> Option<Effect> {
        if Fault::of(reply).is_some() {
            return Some(Effect::None);
        }
        matches!(self.refusal(reply).kind, ErrorKind::Transient { .. }).then_some(Effect::InDoubt)
    }

    /// Oracle Support asks for the ecid (4.5).
    fn correlation(&self, headers: &HeaderMap) -> Option<String> {
        headers.get("x-oracle-dms-ecid")?.to_str().ok().map(str::to_owned)
    }
}

/// Whether somebody else changed the record since it was read: 412, or JBO-25014 in flight (4.6).
pub(crate) fn is_overtaken(error: &CallError) -> bool {
    let signs = ["JBO-25014", "(25014", "Another user has changed the row"];
    let signed = signs.iter().any(|sign| error.message.contains(sign));
    error.kind == ErrorKind::Rejected && (signed || error.message.starts_with("412"))
}

/// Codes may stand at the top or inside the details; neither is certain.
fn details(reply: &Reply<'_>) -> Option<String> {
    let json = reply.json()?;
    let none = Vec::new();
    let details = json.get("o:errorDetails").and_then(Value::as_array).unwrap_or(&none);
    let mut words: Vec<String> = details.iter().filter_map(one).collect();
    if words.is_empty() {
        words.extend(one(&json));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

fn one(error: &Value) -> Option<String> {
    let word = |key: &str| error.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = word("detail").or_else(|| word("title"))?;
    let marks: Vec<&str> = ["o:errorCode", "o:errorPath"].into_iter().filter_map(word).collect();
    Some(if marks.is_empty() { text.to_owned() } else { format!("{text} ({})", marks.join(" at ")) })
}
