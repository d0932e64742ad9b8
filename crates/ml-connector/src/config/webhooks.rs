//! `[connection.webhooks]`

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::diagnose::At;
use super::{ConfigError, Secret, check};

/// How webhooks of Pipedrive come in, and what vouches for them. Without it everything works by polling. `run` registers the
/// webhook at Pipedrive with the first user and password, keeps it there, and replaces it when they change: write the new
/// ones first and the old ones second, start again, and take the old ones away when `ml-connector webhooks NAME` says that
/// the old webhook has ended.
///
/// Pipedrive itself offers a user and a password (HTTP Basic) and signs nothing; a keyed digest is what a gateway of your
/// own can add. At least one of the two is needed, and the path is one that nobody guesses in any case.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// The address under which Pipedrive reaches this process, `https`; `/hooks/...` is below it. Required.
    #[serde(deserialize_with = "check::url")]
    #[schemars(with = "String", url)]
    pub public_url: Url,

    /// Users with their passwords, any of which vouches; two while they are changed. Default `[]`.
    #[serde(default)]
    pub basic: Vec<Basic>,

    /// A keyed digest that a gateway of your own adds. No default.
    pub hmac: Option<Hmac>,

    /// Whether one of `basic` and `hmac` is enough (`any`), or both are needed (`all`). What is there and wrong rejects
    /// in any case. Default `"any"`.
    #[serde(default)]
    pub require: Require,
}

/// A user with a password, as given to Pipedrive with the webhook.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user. Required.
    pub user: String,
    /// The password. Required.
    pub password: Secret,
}

/// HMAC-SHA256 over the bytes of the body.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hmac {
    /// The header it is in. Default `"X-Pipedrive-Signature"`.
    #[serde(default = "header")]
    pub header: String,
    /// What stands before it in the header, such as `sha256=`. Default `""`.
    #[serde(default)]
    pub prefix: String,
    /// How it is written. Default `"hex"`.
    #[serde(default)]
    pub encoding: Encoding,
    /// The key. Required.
    pub secret: Secret,
    /// The key before, while it is changed. No default.
    pub old_secret: Option<Secret>,
}

/// How many checks have to vouch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// One of them.
    #[default]
    Any,
    /// Each that is configured.
    All,
}

/// How the digest is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal digits.
    #[default]
    Hex,
    /// Base64.
    Base64,
}

fn header() -> String {
    "X-Pipedrive-Signature".to_owned()
}

impl Webhooks {
    /// Every secret, by its key, the one in use first.
    pub fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let basic = self.basic.iter().map(|basic| ("webhooks.basic.password", &basic.password));
        let hmac = self.hmac.iter().flat_map(|hmac| {
            let old = hmac.old_secret.iter().map(|old| ("webhooks.hmac.old_secret", old));
            std::iter::once(("webhooks.hmac.secret", &hmac.secret)).chain(old)
        });
        basic.chain(hmac).collect()
    }

    /// Every secret with the user that it belongs to, the one in use first; that of a digest has none.
    pub fn logins(&self) -> Vec<(&str, &Secret)> {
        let basic = self.basic.iter().map(|basic| (basic.user.as_str(), &basic.password));
        let hmac = self.hmac.iter().flat_map(|hmac| std::iter::once(&hmac.secret).chain(&hmac.old_secret));
        basic.chain(hmac.map(|secret| ("", secret))).collect()
    }

    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        let Self { public_url, basic, hmac, require: _ } = self;
        if public_url.scheme() != "https" && !check::is_local(public_url) {
            return Err(at.key("public_url").fail(
                "Pipedrive delivers to https only",
                "write the https address of this process, or of the proxy before it",
            ));
        }
        if basic.is_empty() && hmac.is_none() {
            return Err(at.key("basic").fail(
                "nothing vouches for webhooks",
                "write basic = [{ user = \"pipedrive\", password = { env = \"HOOK_PASSWORD\" } }]",
            ));
        }
        for (index, Basic { user, password }) in basic.iter_mut().enumerate() {
            let at = at.key("basic").index(index);
            if user.is_empty() || user.contains(':') {
                return Err(at.key("user").fail(
                    "HTTP Basic cannot tell such a user from the password",
                    "write a user of at least one character without a colon",
                ));
            }
            password.check(&at.key("password"), folder)?;
        }
        if let Some(Hmac { header, prefix: _, encoding: _, secret, old_secret }) = hmac {
            let at = at.key("hmac");
            if header.is_empty()
                || !header.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
            {
                return Err(at.key("header").fail(
                    "this is not the name of a header",
                    "write letters, digits and hyphens, such as \"X-Pipedrive-Signature\"",
                ));
            }
            secret.check(&at.key("secret"), folder)?;
            if let Some(old) = old_secret {
                old.check(&at.key("old_secret"), folder)?;
            }
        }
        Ok(())
    }
}
