//! Sends an alert once, and asks for the address of the dead-man. What an address is stays in here: it may contain a token.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use saas_http::{Transport, TransportError, retry_after};
use url::Url;

use super::SigningKey;

/// So much of an answer is shown to whoever tries it.
const SHOWN: usize = 200;

/// Whoever is told.
pub struct Receiver {
    url: Url,
    key: Option<SigningKey>,
    transport: Arc<dyn Transport>,
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver took it.
    Taken(Said),
    /// It did not take it.
    Refused {
        /// What it said.
        said: Said,
        /// When it wants to be asked again.
        after: Option<SignedDuration>,
    },
    /// It did not answer.
    Unreached(TransportError),
}

/// What a receiver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The status of its answer.
    pub status: StatusCode,
    /// Its first line, cut short.
    pub text: String,
}

impl Said {
    /// Whether it is about this one alert, and another one might be taken.
    pub(super) fn is_about_this_one(&self) -> bool {
        let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        self.status.is_client_error() && !later.contains(&self.status)
    }

    /// Whether it wants to hear of this one no more.
    pub(super) fn is_final(&self) -> bool {
        self.status == StatusCode::GONE
    }
}

impl Receiver {
    /// Somebody who is told at this address, with this signature.
    pub fn new(url: Url, key: Option<SigningKey>, transport: Arc<dyn Transport>) -> Self {
        Self { url, key, transport }
    }

    /// Sends a body once, under an id by which it is known when it comes twice.
    ///
    /// # Errors
    /// When no request can be made of it.
    pub async fn send(&self, id: &str, body: &str, now: Timestamp) -> Result<Delivery, http::Error> {
        let mut request = Request::post(self.url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second());
        if let Some(key) = &self.key {
            let mut signature = HeaderValue::try_from(key.sign(id, now, body))?;
            signature.set_sensitive(true);
            request = request.header("webhook-signature", signature);
        }
        let request = request.body(Bytes::from(body.to_owned()))?;
        Ok(match self.transport.send(request).await {
            Ok(answer) if answer.status().is_success() => Delivery::Taken(said(&answer)),
            Ok(answer) => {
                Delivery::Refused { said: said(&answer), after: retry_after(answer.headers(), now) }
            }
            Err(error) => Delivery::Unreached(error),
        })
    }
}

fn said(answer: &Response<Bytes>) -> Said {
    let text = String::from_utf8_lossy(answer.body());
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    Said { status: answer.status(), text: line.chars().filter(|c| !c.is_control()).take(SHOWN).collect() }
}

/// What is asked for while all is well.
pub(super) struct Pinged {
    url: Url,
    every: SignedDuration,
    last: Option<Timestamp>,
    transport: Arc<dyn Transport>,
}

impl Pinged {
    pub(super) fn new(url: Url, every: SignedDuration, transport: Arc<dyn Transport>) -> Self {
        Self { url, every, last: None, transport }
    }

    /// Asks for it, if it is time to.
    pub(super) async fn ping(&mut self, now: Timestamp) -> Result<(), String> {
        let early = self.last.is_some_and(|last| last <= now && now.duration_since(last) < self.every);
        if early {
            return Ok(());
        }
        self.last = Some(now);
        let request =
            Request::get(self.url.as_str()).body(Bytes::new()).map_err(|error| error.to_string())?;
        match self.transport.send(request).await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status())),
            Err(error) => Err(error.to_string()),
        }
    }
}
