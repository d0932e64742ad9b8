//! How we prove who we are, whatever the scheme.

use http::{HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use sync_core::{
    error::{CallError, ErrorKind},
    ports::Called,
};

use crate::{
    BaseUrl,
    oauth::{AccessToken, TokenSource},
};

/// Proof of identity for every request of a connection. Its `Debug` shows no secret.
#[derive(Debug)]
pub struct Credentials(Kind);

#[derive(Debug)]
enum Kind {
    Header { name: HeaderName, value: HeaderValue },
    Bearer(Box<TokenSource>),
}

/// Real secrets are longer.
const SHORTEST: usize = 8;

/// What one request carries.
pub(crate) enum Token {
    Header(HeaderName, HeaderValue),
    Bearer(AccessToken, HeaderValue),
}

impl Credentials {
    /// A secret that never changes, in a header of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] when the secret holds characters that no header can carry.
    pub fn header(name: HeaderName, secret: &SecretString) -> Called<Self> {
        Ok(Self(Kind::Header { name, value: sensitive(secret.expose_secret().trim())? }))
    }

    /// Tokens that are fetched, renewed early and shared.
    #[must_use]
    pub fn bearer(source: TokenSource) -> Self {
        Self(Kind::Bearer(Box::new(source)))
    }

    /// Requests sent for tokens so far.
    pub(crate) fn requests(&self) -> u64 {
        match &self.0 {
            Kind::Header { .. } => 0,
            Kind::Bearer(source) => source.requests(),
        }
    }

    pub(crate) async fn token(&self) -> Called<Token> {
        match &self.0 {
            Kind::Header { name, value } => Ok(Token::Header(name.clone(), value.clone())),
            Kind::Bearer(source) => bearer(source.token(None).await?),
        }
    }

    /// Another token than the refused one; `None` when there can be no other.
    pub(crate) async fn renewed(&self, refused: Token) -> Called<Option<Token>> {
        match (&self.0, refused) {
            (Kind::Bearer(source), Token::Bearer(token, _)) => {
                Ok(Some(bearer(source.token(Some(token.number)).await?)?))
            }
            (Kind::Header { .. }, _) | (_, Token::Header(..)) => Ok(None),
        }
    }
}

impl Token {
    /// Where its API lives, if not where the configuration says.
    pub(crate) fn home(&self) -> Option<&BaseUrl> {
        match self {
            Self::Header(..) => None,
            Self::Bearer(token, _) => token.home.as_ref(),
        }
    }

    /// What must not be told, even if an answer repeats it; none where it is too short to be told from a word.
    pub(crate) fn secret(&self) -> Option<&str> {
        let secret = match self {
            Self::Header(_, value) => {
                value.to_str().ok().map(|value| value.strip_prefix("Bearer ").unwrap_or(value))
            }
            Self::Bearer(token, _) => Some(token.secret.expose_secret()),
        };
        secret.filter(|secret| secret.len() >= SHORTEST)
    }

    pub(crate) fn header(&self) -> (HeaderName, HeaderValue) {
        match self {
            Self::Header(name, value) => (name.clone(), value.clone()),
            Self::Bearer(_, value) => (header::AUTHORIZATION, value.clone()),
        }
    }
}

fn bearer(token: AccessToken) -> Called<Token> {
    let value = sensitive(&format!("Bearer {}", token.secret.expose_secret()))?;
    Ok(Token::Bearer(token, value))
}

/// A header value that prints as `Sensitive`.
pub(crate) fn sensitive(text: &str) -> Called<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let message = "a secret contains characters that no header can carry";
        CallError::without_effect("credentials", ErrorKind::Unauthorized, message)
    })?;
    value.set_sensitive(true);
    Ok(value)
}
