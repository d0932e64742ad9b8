//! `[connection.pipedrive]`

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::diagnose::At;
use super::duration::{self, Duration};
use super::{ConfigError, Secret, check};

/// The Pipedrive side of a connection. It needs either `api_token` or `oauth`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipedrive {
    /// The company's host or the API host; `/api/v2` and `/v1` are below it. Required.
    #[serde(deserialize_with = "check::url")]
    #[schemars(with = "String", url)]
    pub base_url: Url,

    /// The personal API token of the user in whose name we write. Either this or `oauth`. No default.
    pub api_token: Option<Secret>,

    /// Access through an OAuth app, with larger burst limits. Either this or `api_token`. No default.
    pub oauth: Option<OAuth>,

    /// The company's plan; with `seats` it gives the daily token budget and the burst limits. Default `"lite"`.
    #[serde(default)]
    pub plan: Plan,

    /// The seats the company pays for, 1 or more. Default `1`.
    #[serde(default = "seats")]
    #[schemars(range(min = 1))]
    pub seats: u32,

    /// The company's daily token budget, if it is not what plan and seats give (top-ups), 1 or more. No default.
    #[schemars(range(min = 1))]
    pub daily_tokens: Option<u64>,

    /// Requests per 2 seconds, if not what the plan gives, 1 or more. No default.
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,

    /// Search requests per 2 seconds, if not what the plan gives, 1 or more. No default.
    #[schemars(range(min = 1))]
    pub search_burst: Option<u32>,

    /// The part of the daily budget that we may use at most, above 0 and up to 1; lower it when other
    /// integrations share the company. Default `1.0`.
    #[serde(default = "max_share")]
    #[schemars(range(max = 1.0))]
    pub max_share: f64,

    /// The part of our budget that backfills and audits leave to urgent work, from 0 to below 1. Default `0.2`.
    #[serde(default = "reserve")]
    #[schemars(range(min = 0.0))]
    pub reserve: f64,

    /// How long one request may take. A duration from 1s to 10m. Default `"30s"`.
    #[serde(default = "timeout", with = "duration")]
    #[schemars(with = "Duration")]
    pub timeout: SignedDuration,

    /// The id of the user who shall own the organizations that we create, 1 or more; without it, the user of the
    /// credentials. No default.
    #[schemars(range(min = 1))]
    pub owner_id: Option<i64>,

    /// Who sees the organizations that we create: `1` owner, `3` owner's group, `5` owner's group and below,
    /// `7` everybody; without it, the company's setting. No default.
    #[schemars(extend("enum" = [1, 3, 5, 7, null]))]
    pub visible_to: Option<u8>,

    /// A file with certificates (PEM) of private authorities to trust beside the platform's, e.g. of a proxy that
    /// inspects traffic. A relative path starts at the folder of the configuration file. No default.
    pub ca_file: Option<PathBuf>,
}

/// The company's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Plan {
    /// Lite.
    #[default]
    Lite,
    /// Growth.
    Growth,
    /// Premium.
    Premium,
    /// Ultimate.
    Ultimate,
}

/// Access through a Pipedrive OAuth app.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// The client id of the app. Required.
    #[schemars(length(min = 1))]
    pub client_id: String,

    /// The client secret of the app. Required.
    pub client_secret: Secret,

    /// The token endpoint. Default `"https://oauth.pipedrive.com/oauth/token"`.
    #[serde(default = "token_url", deserialize_with = "check::url")]
    #[schemars(with = "String", url)]
    pub token_url: Url,

    /// A refresh token from an installation of the app. It is a seed: Pipedrive may rotate it, and `ml-connector connect`
    /// obtains another; the stored one wins until this value changes. No default: `connect` obtains one.
    pub refresh_token: Option<Secret>,

    /// Where people give access. Default `"https://oauth.pipedrive.com/oauth/authorize"`.
    #[serde(default = "authorize_url", deserialize_with = "check::url")]
    #[schemars(with = "String", url)]
    pub authorize_url: Url,

    /// Where access is given back. Default `"https://oauth.pipedrive.com/oauth/revoke"`.
    #[serde(default = "revoke_url", deserialize_with = "check::url")]
    #[schemars(with = "String", url)]
    pub revoke_url: Url,

    /// The callback URL of the app, exactly as registered in the Developer Hub; `https`, and it must lead to
    /// `/connect/NAME` of this process. No default: `/connect/NAME` below the `public_url` of the webhooks, if there is one.
    #[serde(default, deserialize_with = "check::maybe_url")]
    #[schemars(with = "Option<String>", url)]
    pub redirect_url: Option<Url>,

    /// Whether consent is bound to this process by a challenge (PKCE); `"auto"` asks Pipedrive whether it takes one.
    /// `"auto"`, `true` or `false`. Default `"auto"`.
    #[serde(default)]
    pub pkce: Pkce,
}

/// Whether a challenge is sent along with a request for access (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pkce {
    /// If the authorization page does not refuse it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

const PKCE: &str = "write pkce = \"auto\", true or false";

impl<'de> Deserialize<'de> for Pkce {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(PkceReader)
    }
}

struct PkceReader;

impl Visitor<'_> for PkceReader {
    type Value = Pkce;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("\"auto\", true or false")
    }

    fn visit_bool<E: serde::de::Error>(self, always: bool) -> Result<Pkce, E> {
        Ok(if always { Pkce::Always } else { Pkce::Never })
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Pkce, E> {
        match text {
            "auto" => Ok(Pkce::Auto),
            other => Err(E::custom(format_args!("{other:?} is no way to use PKCE\n{PKCE}"))),
        }
    }
}

impl Serialize for Pkce {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => output.serialize_str("auto"),
            Self::Always => output.serialize_bool(true),
            Self::Never => output.serialize_bool(false),
        }
    }
}

impl JsonSchema for Pkce {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pkce".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [{ "const": "auto" }, { "const": true }, { "const": false }] })
    }
}

/// The one way into Pipedrive that is configured.
#[derive(Debug, Clone, Copy)]
pub enum Credentials<'a> {
    /// A personal API token.
    ApiToken(&'a Secret),
    /// An OAuth app.
    OAuth(&'a OAuth),
}

fn seats() -> u32 {
    1
}

fn max_share() -> f64 {
    1.0
}

fn reserve() -> f64 {
    0.2
}

fn timeout() -> SignedDuration {
    SignedDuration::from_secs(30)
}

fn token_url() -> Url {
    literal("https://oauth.pipedrive.com/oauth/token")
}

fn authorize_url() -> Url {
    literal("https://oauth.pipedrive.com/oauth/authorize")
}

fn revoke_url() -> Url {
    literal("https://oauth.pipedrive.com/oauth/revoke")
}

#[expect(clippy::expect_used, reason = "a literal")]
fn literal(url: &str) -> Url {
    Url::parse(url).expect("a valid URL")
}

impl Pipedrive {
    /// How to log in.
    ///
    /// # Errors
    /// Neither or both of `api_token` and `oauth` are set, which loading a file has refused already.
    pub fn credentials(&self) -> Result<Credentials<'_>, ConfigError> {
        const HELP: &str = "write either api_token = { env = \"PIPEDRIVE_API_TOKEN\" } or \
            oauth = { client_id, client_secret }";
        match (&self.api_token, &self.oauth) {
            (Some(token), None) => Ok(Credentials::ApiToken(token)),
            (None, Some(oauth)) => Ok(Credentials::OAuth(oauth)),
            (None, None) => Err(ConfigError::new("neither api_token nor oauth is set", HELP)),
            (Some(_), Some(_)) => Err(ConfigError::new("both api_token and oauth are set", HELP)),
        }
    }

    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        if let Err(error) = self.credentials() {
            let place = if self.oauth.is_some() { at.key("oauth") } else { at.clone() };
            return Err(error.at(Some(place.location())));
        }
        let Self {
            base_url: _,
            api_token,
            oauth,
            plan: _,
            seats,
            daily_tokens,
            burst,
            search_burst,
            max_share,
            reserve,
            timeout,
            owner_id,
            visible_to,
            ca_file,
        } = self;
        check::absolute(ca_file, folder);
        if let Some(token) = api_token {
            token.check(&at.key("api_token"), folder)?;
        }
        if let Some(oauth) = oauth {
            let at = at.key("oauth");
            check::not_empty(&oauth.client_id, &at.key("client_id"))?;
            oauth.client_secret.check(&at.key("client_secret"), folder)?;
            if let Some(seed) = &mut oauth.refresh_token {
                seed.check(&at.key("refresh_token"), folder)?;
            }
        }
        check::at_least_one(*seats, &at.key("seats"))?;
        check::at_least_one(daily_tokens.unwrap_or(1), &at.key("daily_tokens"))?;
        check::at_least_one(burst.unwrap_or(1), &at.key("burst"))?;
        check::at_least_one(search_burst.unwrap_or(1), &at.key("search_burst"))?;
        check::at_least_one(owner_id.unwrap_or(1), &at.key("owner_id"))?;
        if !(*max_share > 0.0 && *max_share <= 1.0) {
            let at = at.key("max_share");
            return Err(at.fail("max_share is a part of the budget", "write a number above 0 and up to 1"));
        }
        if !(*reserve >= 0.0 && *reserve < 1.0) {
            let at = at.key("reserve");
            return Err(at.fail("reserve is a part of the budget", "write a number from 0 to below 1"));
        }
        let (second, ten_minutes) = (SignedDuration::from_secs(1), SignedDuration::from_mins(10));
        duration::within(*timeout, second, ten_minutes, &at.key("timeout"))?;
        match visible_to {
            None | Some(1 | 3 | 5 | 7) => Ok(()),
            Some(other) => Err(at.key("visible_to").fail(
                format!("{other} is not a visibility"),
                "write 1 (owner), 3 (owner's group), 5 (owner's group and below) or 7 (everybody)",
            )),
        }
    }
}
