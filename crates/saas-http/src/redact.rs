//! Secrets that an answer repeats go no further: not into errors, logs or the journal.

use bytes::Bytes;
use serde_json::Value;

/// Stands where a secret was.
pub(crate) const REDACTED: &str = "[redacted]";

/// The text without these secrets.
pub(crate) fn redacted(text: &str, secrets: &[&str]) -> String {
    secrets.iter().filter(|secret| !secret.is_empty()).fold(text.to_owned(), |text, secret| {
        if text.contains(*secret) { text.replace(*secret, REDACTED) } else { text }
    })
}

/// The body without these secrets, as they are.
pub(crate) fn redacted_text(body: &Bytes, secrets: &[&str]) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let found = secrets.iter().any(|secret| !secret.is_empty() && text.contains(*secret));
    if found { Bytes::from(redacted(&text, secrets)) } else { body.clone() }
}

/// The body without these secrets, as they are and as JSON may write them. To be done before anything is cut to length: what is
/// cut is not found any more.
pub(crate) fn redacted_body(body: &Bytes, secrets: &[&str]) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let plain = redacted(&text, secrets);
    let escaped = plain.contains('\\').then(|| serde_json::from_str::<Value>(&plain).ok()).flatten();
    if let Some(mut json) = escaped
        && clean(&mut json, secrets)
    {
        return Bytes::from(json.to_string());
    }
    redacted_text(body, secrets)
}

/// Whether there was one.
fn clean(json: &mut Value, secrets: &[&str]) -> bool {
    match json {
        Value::String(text) => {
            let clean = redacted(text, secrets);
            let found = clean != *text;
            *text = clean;
            found
        }
        Value::Array(items) => items.iter_mut().fold(false, |found, item| clean(item, secrets) | found),
        Value::Object(members) => {
            members.values_mut().fold(false, |found, item| clean(item, secrets) | found)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_as_they_are_and_escaped() {
        let told = |body: &'static str| redacted_body(&Bytes::from(body), &["hunter2", ""]);
        assert_eq!(told("not hunter2!"), "not [redacted]!");
        assert_eq!(told(r#"{"a":["hunt\u0065r2"],"b":1}"#), r#"{"a":["[redacted]"],"b":1}"#);
        let harmless = r#"{"a": "line\nline"}"#;
        assert_eq!(told(harmless), harmless);
    }
}
