//! What was said on both sides of a refused write, fit to be shown: no headers, secrets masked, bounded.

use http::StatusCode;
use serde_json::Value;
use sync_core::error::Exchange;

use crate::Endpoint;

/// What people need to see why a write was refused. Headers, and so tokens, are left out.
pub(crate) fn exchange<E: Endpoint>(endpoint: &E, status: StatusCode, answer: &[u8]) -> Exchange {
    let sent = endpoint.bytes().map(|body| masked(&body)).unwrap_or_default();
    let bounded = |text: String| text.chars().take(Exchange::MOST).collect::<String>();
    Exchange {
        request: bounded(format!("{} /{}\n{sent}", E::METHOD, endpoint.path()).trim_end().to_owned()),
        answer: bounded(format!("{status}\n{}", masked(answer)).trim_end().to_owned()),
    }
}

/// The text of a body; what goes by the name of a secret in JSON is not shown.
fn masked(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(mut json) => {
            mask(&mut json);
            serde_json::to_string_pretty(&json).unwrap_or_default()
        }
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

fn mask(json: &mut Value) {
    const SECRET: [&str; 4] = ["password", "secret", "token", "authorization"];
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.to_lowercase();
                if SECRET.iter().any(|secret| name.contains(secret)) {
                    *value = Value::from("[redacted]");
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let body = br#"{"name": "Acme", "http_auth_password": "p", "deep": [{"access_token": "t", "n": 1}]}"#;
        let shown = masked(body);
        assert!(shown.contains("Acme") && shown.contains("\"n\": 1"), "{shown}");
        assert!(!shown.contains("\"p\"") && !shown.contains("\"t\""), "{shown}");
        assert_eq!(masked(b"<html>no JSON</html>"), "<html>no JSON</html>");
    }
}
