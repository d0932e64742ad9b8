//! How a client proves to a token endpoint that it is itself.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sync_core::ports::Called;

use crate::{assertion::ClientAssertion, credentials::sensitive, date::http_date, token_reply::Refused};

/// What RFC 7523 calls this kind of assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Clocks that are this far apart are told of when an assertion is refused.
const APART: SignedDuration = SignedDuration::from_mins(1);

/// How a client proves that it is itself. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum ClientProof {
    /// A secret, sent by HTTP Basic.
    Secret(SecretString),
    /// A signed assertion, sent in the form (RFC 7523; oracle-fusion.md 5).
    Assertion(ClientAssertion),
}

/// The proof for one request.
pub(crate) struct Proof {
    /// What goes into `Authorization`.
    pub(crate) header: Option<HeaderValue>,
    /// What goes into the form beside the secret part.
    pub(crate) form: Vec<(&'static str, String)>,
    /// The form's secret part and its name.
    pub(crate) assertion: Option<(&'static str, SecretString)>,
    /// What must never be told.
    pub(crate) hidden: SecretString,
}

impl ClientProof {
    pub(crate) fn of(&self, id: &str, now: Timestamp) -> Called<Proof> {
        match self {
            Self::Secret(secret) => {
                let basic = STANDARD.encode(format!("{id}:{}", secret.expose_secret()));
                let header = Some(sensitive(&format!("Basic {basic}"))?);
                Ok(Proof { header, form: Vec::new(), assertion: None, hidden: secret.clone() })
            }
            Self::Assertion(assertion) => {
                let signed = assertion.make(id, now)?;
                let form =
                    vec![("client_id", id.to_owned()), ("client_assertion_type", JWT_BEARER.to_owned())];
                let assertion = Some(("client_assertion", signed.clone()));
                Ok(Proof { header: None, form, assertion, hidden: signed })
            }
        }
    }

    /// A refusal, with the remedy where it is about the time that an assertion tells: the endpoint says so, or its
    /// own clock does.
    pub(crate) fn explained(&self, mut refused: Refused, headers: &HeaderMap, now: Timestamp) -> Refused {
        let Self::Assertion(_) = self else { return refused };
        let words = refused.error.message.to_ascii_lowercase();
        let said =
            ["expired", "not yet", "in the future", "issued at"].iter().any(|mark| words.contains(mark));
        let ahead = http_date(headers).map(|theirs| theirs.duration_since(now));
        let apart = ahead.filter(|ahead| ahead.abs() > APART);
        if words.contains("invalid_client") && (said || apart.is_some()) {
            refused.error.message.push_str(&remedy(apart));
        }
        refused
    }
}

fn remedy(ahead: Option<SignedDuration>) -> String {
    let Some(ahead) = ahead else {
        return "; set the clock of this machine right, assertions tell its time".to_owned();
    };
    let which = if ahead.is_negative() { "ahead of" } else { "behind" };
    let seconds = ahead.unsigned_abs().as_secs();
    format!(
        "; set the clock of this machine right: it is {seconds} s {which} the token endpoint's, and assertions tell its time"
    )
}
