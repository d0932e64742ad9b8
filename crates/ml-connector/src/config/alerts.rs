//! `[alerts]`

use std::path::Path;

use jiff::SignedDuration;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sync_core::alerts::Patience;
use url::Url;

use super::diagnose::At;
use super::duration::{self, Duration};
use super::{ConfigError, Secret, check};
use crate::alerts::SigningKey;

/// Who is told when the state of a connection becomes another one, and who misses us when we are gone: docs/alerts.md.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// The address that alerts are sent to, `https`; it may contain a token, so it is treated as a secret. No default: none
    /// are sent.
    pub webhook_url: Option<Secret>,

    /// What alerts are signed with, after Standard Webhooks: base64 of at least 24 bytes, with `whsec_` before it or without,
    /// or any text of at least 24 characters that is no base64. No default: they are not signed.
    pub secret: Option<Secret>,

    /// An address that is asked for (GET) while all connections are well, and not while one is broken, `https`: of a service
    /// that tells when nobody asks any more. It may contain a token, so it is treated as a secret. No default: none is.
    pub ping_url: Option<Secret>,

    /// Time between two of these requests, 10s to 24h. Default `"5m"`.
    #[serde(default = "ping_every", with = "duration")]
    #[schemars(with = "Duration")]
    pub ping_every: SignedDuration,

    /// How long a connection is broken before that is told, 1m to 24h. Default `"15m"`.
    #[serde(default = "broken_after", with = "duration")]
    #[schemars(with = "Duration")]
    pub broken_after: SignedDuration,

    /// How long a won deal is without a customer of the ERP before that is told, 1m to 720h. Default `"30m"`.
    #[serde(default = "won_deal_after", with = "duration")]
    #[schemars(with = "Duration")]
    pub won_deal_after: SignedDuration,

    /// Time between two looks at how everything stands, 10s to 10m. Default `"60s"`.
    #[serde(default = "look_every", with = "duration")]
    #[schemars(with = "Duration")]
    pub look_every: SignedDuration,
}

fn ping_every() -> SignedDuration {
    SignedDuration::from_mins(5)
}

fn broken_after() -> SignedDuration {
    SignedDuration::from_mins(15)
}

fn won_deal_after() -> SignedDuration {
    SignedDuration::from_mins(30)
}

fn look_every() -> SignedDuration {
    SignedDuration::from_mins(1)
}

impl Alerts {
    /// Where alerts are sent to, and what they are signed with. `env` looks an environment variable up.
    ///
    /// # Errors
    /// A variable or file is missing, or what is there is no address or no key.
    pub fn webhook(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<(Url, Option<SigningKey>)>, ConfigError> {
        let Some(address) = &self.webhook_url else { return Ok(None) };
        Ok(Some((url(address, env)?, self.signing_key(env)?)))
    }

    /// What is asked for while all is well.
    ///
    /// # Errors
    /// As [`Alerts::webhook`].
    pub fn ping(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Url>, ConfigError> {
        self.ping_url.as_ref().map(|address| url(address, env)).transpose()
    }

    /// How long something has to be so before it is told.
    #[must_use]
    pub fn patience(&self) -> Patience {
        Patience { broken_after: self.broken_after, won_deal_after: self.won_deal_after }
    }

    fn signing_key(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<SigningKey>, ConfigError> {
        let Some(secret) = &self.secret else { return Ok(None) };
        match SigningKey::parse(secret.resolve(env)?.expose_secret()) {
            Ok(key) => Ok(Some(key)),
            Err(why) => Err(secret.fail(why, "make one with `echo whsec_$(openssl rand -base64 32)`")),
        }
    }

    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        let Self { webhook_url, secret, ping_url, ping_every, broken_after, won_deal_after, look_every } =
            self;
        if webhook_url.is_none() && ping_url.is_none() {
            return Err(at.fail(
                "nobody would be told",
                "write webhook_url = { env = \"ALERTS_URL\" } or ping_url = { env = \"PING_URL\" }, or remove [alerts]",
            ));
        }
        if webhook_url.is_none() && secret.is_some() {
            return Err(at.key("secret").fail(
                "nothing is sent that could be signed",
                "write webhook_url = { env = \"ALERTS_URL\" }, or remove secret",
            ));
        }
        for (key, secret) in [("webhook_url", webhook_url), ("secret", secret), ("ping_url", ping_url)] {
            if let Some(secret) = secret {
                secret.check(&at.key(key), folder)?;
            }
        }
        let (minute, day) = (SignedDuration::from_mins(1), SignedDuration::from_hours(24));
        let seconds = SignedDuration::from_secs(10);
        for (key, value, shortest, longest) in [
            ("ping_every", *ping_every, seconds, day),
            ("broken_after", *broken_after, minute, day),
            ("won_deal_after", *won_deal_after, minute, day * 30),
            ("look_every", *look_every, seconds, SignedDuration::from_mins(10)),
        ] {
            duration::within(value, shortest, longest, &at.key(key))?;
        }
        if ping_url.is_some() && ping_every < look_every {
            return Err(at.key("ping_every").fail(
                "that is more often than anybody looks whether all is well",
                "write a ping_every that is not shorter than look_every",
            ));
        }
        Ok(())
    }
}

/// The address that a secret turned out to be; it is never repeated.
fn url(secret: &Secret, env: &dyn Fn(&str) -> Option<String>) -> Result<Url, ConfigError> {
    const HELP: &str = "write an address such as \"https://alerts.example.com/hook\", with scheme and host";
    let resolved = secret.resolve(env)?;
    let parsed = Url::parse(resolved.expose_secret().trim()).ok();
    let Some(url) = parsed.filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host()) else {
        return Err(secret.fail("this is not the address of a web service", HELP));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(secret.fail("a user or password in an address is not sent", HELP));
    }
    if url.scheme() != "https" && !check::is_local(&url) {
        return Err(secret.fail(
            "this is sent over https only",
            "write the https address; http is for this machine alone",
        ));
    }
    Ok(url)
}
