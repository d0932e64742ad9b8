//! PKCE (RFC 7636), when the settings take it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::call::Call;

/// What the code's verifier must answer.
#[derive(Debug)]
pub(super) struct Challenge {
    hashed: bool,
    text: String,
}

impl Challenge {
    /// The challenge of an authorization request; `Err` says what is wrong with it.
    pub(super) fn of(call: &Call) -> Result<Option<Self>, &'static str> {
        let hashed = match call.param("code_challenge_method") {
            None | Some("plain") => false,
            Some("S256") => true,
            Some(_) => return Err("code_challenge_method is invalid"),
        };
        match call.param("code_challenge") {
            None if call.param("code_challenge_method").is_some() => Err("code_challenge is missing"),
            None => Ok(None),
            Some(text) if (43..=128).contains(&text.len()) => {
                Ok(Some(Self { hashed, text: text.to_owned() }))
            }
            Some(_) => Err("code_challenge is invalid"),
        }
    }
}

/// Whether the verifier fits; one without a challenge does not.
pub(super) fn answered(challenge: Option<&Challenge>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) if challenge.hashed => {
            URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge.text
        }
        (Some(challenge), Some(verifier)) => verifier == challenge.text,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
