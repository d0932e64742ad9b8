//! The token that guarded routes ask for: `Authorization: Bearer TOKEN`.
//!
//! Only its digest is kept, and digests are compared in constant time: neither its length nor where a guess goes wrong
//! shows in how long an answer takes.

use std::sync::atomic::Ordering;

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{client::Client, door::Door, problem::Problem};

/// The fewest characters of a token.
pub const FEWEST: usize = 16;

/// What callers have to show, as a digest.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// The token; none if it has fewer than [`FEWEST`] characters.
    #[must_use]
    pub fn new(token: &str) -> Option<Self> {
        (token.chars().count() >= FEWEST).then(|| Self(Sha256::digest(token).into()))
    }

    fn is(&self, shown: &[u8]) -> bool {
        let shown: [u8; 32] = Sha256::digest(shown).into();
        self.0.ct_eq(&shown).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// Lets pass who shows the token.
pub(crate) async fn demand(
    State(door): State<Door>,
    Extension(client): Extension<Client>,
    request: Request,
    next: Next,
) -> Response {
    let Some(token) = &door.parts.token else {
        return refuse(
            "nobody may call this: no token is configured",
            "write token = { env = \"MLC_TOKEN\" } under [web] in the configuration file, and start again",
        );
    };
    let Some(shown) = shown(request.headers()) else {
        return refuse(
            "this needs a token",
            "send the header Authorization: Bearer TOKEN, with the token of [web]",
        );
    };
    if token.is(shown) {
        return next.run(request).await;
    }
    if door.unauthorized.fetch_add(1, Ordering::Relaxed) == 0 {
        tracing::warn!(%client, "a wrong token was shown; /metrics counts the others");
    }
    refuse("the token is wrong", "send the token that [web] of the configuration file names")
}

/// What the one `Authorization` header shows, if it is of the right kind.
fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else { return None };
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

fn refuse(message: &'static str, help: &'static str) -> Response {
    let problem = Json(Problem::new(message, help));
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], problem).into_response()
}
