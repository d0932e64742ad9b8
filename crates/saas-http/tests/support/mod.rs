//! A remote system in a closure: it sees every request, and its log is what the tests look at.
//! Shared by the tests of the vendor crates (by path), which need the same three things.
#![cfg(test)]
#![expect(dead_code, reason = "every test file uses its own part")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use saas_http::{ServiceTransport, Transport, TransportError, Unreached, VirtualSleeper};
use sync_core::{
    budget::Class,
    ports::{Grant, ManualClock, Spend, SpendError, TokenVault, VaultError},
};

pub(crate) type Outcome = Result<http::Response<Bytes>, TransportError>;

/// What was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) host: String,
    /// Path and query as they travelled.
    pub(crate) target: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// A query parameter as it travelled, still encoded.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Sent>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Sent> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Sent {
        self.all().pop().unwrap()
    }

    /// "METHOD /path" of every request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.all().iter().map(|sent| format!("{} {}", sent.method, sent.path())).collect()
    }
}

/// A transport that answers with `answer`.
pub(crate) fn remote(answer: impl Fn(&Sent) -> Outcome + Send + Sync + 'static) -> (Arc<dyn Transport>, Log) {
    let log = Log::default();
    let (answer, kept) = (Arc::new(answer), log.clone());
    let service = tower::service_fn(move |request: http::Request<Bytes>| {
        let (answer, kept) = (Arc::clone(&answer), kept.clone());
        async move {
            let (parts, body) = request.into_parts();
            let sent = Sent {
                method: parts.method.to_string(),
                host: parts.uri.host().unwrap_or_default().to_owned(),
                target: parts.uri.path_and_query().unwrap().to_string(),
                headers: parts.headers,
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            kept.0.lock().unwrap().push(sent.clone());
            tokio::task::yield_now().await;
            answer(&sent)
        }
    });
    (Arc::new(ServiceTransport::new(service)), log)
}

/// A body, as text or as JSON.
pub(crate) struct Body(Bytes);

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<serde_json::Value> for Body {
    fn from(json: serde_json::Value) -> Self {
        Self(Bytes::from(json.to_string()))
    }
}

pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Outcome {
    let mut answer = http::Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    Ok(answer.body(body.into().0).unwrap())
}

pub(crate) fn ok(body: impl Into<Body>) -> Outcome {
    reply(200, &[("date", "Tue, 24 Nov 2026 12:00:05 GMT"), ("content-type", "application/json")], body)
}

pub(crate) fn lost() -> Outcome {
    Err(TransportError::Lost("it took too long".to_owned()))
}

pub(crate) fn not_sent() -> Outcome {
    Err(TransportError::NotSent { at: Unreached::Refused, why: "connection refused".to_owned() })
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn clock() -> (ManualClock, Arc<VirtualSleeper>) {
    let clock = ManualClock::at(at("2026-11-24T12:00:00Z"));
    (clock.clone(), Arc::new(VirtualSleeper::of(clock)))
}

/// A vault in memory.
#[derive(Default)]
pub(crate) struct Vault {
    pub(crate) secrets: Mutex<BTreeMap<String, String>>,
    pub(crate) broken: Mutex<bool>,
}

#[async_trait]
impl TokenVault for Vault {
    async fn load(&self, name: &str) -> Result<Option<String>, VaultError> {
        Ok(self.secrets.lock().unwrap().get(name).cloned())
    }

    async fn save(&self, name: &str, secret: &str) -> Result<(), VaultError> {
        if *self.broken.lock().unwrap() {
            return Err(VaultError("disk full".to_owned()));
        }
        self.secrets.lock().unwrap().insert(name.to_owned(), secret.to_owned());
        Ok(())
    }

    async fn swap(&self, name: &str, was: Option<&str>, secret: &str) -> Result<bool, VaultError> {
        let same = self.secrets.lock().unwrap().get(name).map(String::as_str) == was;
        if same {
            self.save(name, secret).await?;
        }
        Ok(same)
    }
}

/// A ledger that writes down what it hears.
pub(crate) struct Ledger {
    pub(crate) left: Mutex<u32>,
    pub(crate) heard: Mutex<Vec<String>>,
}

impl Ledger {
    pub(crate) fn of(tokens: u32) -> Arc<Self> {
        Arc::new(Self { left: Mutex::new(tokens), heard: Mutex::default() })
    }
}

#[async_trait]
impl Spend for Ledger {
    async fn reserve(
        &self,
        class: Class,
        each: u32,
        count: u32,
        now: Timestamp,
    ) -> Result<Grant, SpendError> {
        let mut left = self.left.lock().unwrap();
        let granted = (*left / each).min(count);
        *left -= granted * each;
        self.heard.lock().unwrap().push(format!("reserve {class:?} {granted} x {each}"));
        Ok(Grant { granted, retry_at: sync_core::budget::next_reset(now) })
    }

    async fn correct(&self, remaining: u64, _: Timestamp) -> Result<(), SpendError> {
        self.heard.lock().unwrap().push(format!("left {remaining}"));
        Ok(())
    }

    async fn last_spent(&self, _: Timestamp) -> Result<Option<Timestamp>, SpendError> {
        Ok(None)
    }

    async fn refund(&self, class: Class, each: u32, count: u32, _: Timestamp) -> Result<(), SpendError> {
        *self.left.lock().unwrap() += each * count;
        self.heard.lock().unwrap().push(format!("refund {class:?} {count} x {each}"));
        Ok(())
    }

    async fn exhausted(&self, until: Timestamp, _: Timestamp) -> Result<(), SpendError> {
        self.heard.lock().unwrap().push(format!("exhausted until {until}"));
        Ok(())
    }
}
