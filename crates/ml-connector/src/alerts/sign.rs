//! Signatures after Standard Webhooks 1.0: HMAC-SHA256 over id, time and body, so that whoever knows the key knows who
//! sent it, when, and that nobody changed it.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

/// What the text of a key may begin with.
const PREFIX: &str = "whsec_";

/// The fewest bytes of a key, as Standard Webhooks has it.
const FEWEST: usize = 24;

/// A key that alerts are signed with. `Debug` does not show it.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// Reads a key: base64, with `whsec_` before it or without; a text that is no base64 is the key itself.
    ///
    /// # Errors
    /// Why it cannot be used; never what it is.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let bytes = match text.strip_prefix(PREFIX) {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| "what follows whsec_ is no base64")?,
            None => STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec()),
        };
        if bytes.len() < FEWEST {
            return Err("the key has fewer than 24 bytes");
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// What goes into the header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, at: Timestamp, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", at.as_second());
        format!("v1,{}", STANDARD.encode(hmac::sign(&self.0, signed.as_bytes())))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference implementations of Standard Webhooks.
    #[test]
    fn it_signs_as_the_reference_implementations_do() {
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        for text in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", " MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"] {
            let key = SigningKey::parse(text).unwrap();
            assert_eq!(
                key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#),
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
            );
            assert_eq!(format!("{key:?}"), "SigningKey(redacted)");
        }
    }

    #[test]
    fn a_key_is_long_enough() {
        assert!(SigningKey::parse("a text that nobody will guess").is_ok());
        for (bad, says) in [("short", "fewer"), ("whsec_c2hvcnQ=", "fewer"), ("whsec_%", "no base64")] {
            assert!(SigningKey::parse(bad).unwrap_err().contains(says), "{bad}");
        }
    }
}
