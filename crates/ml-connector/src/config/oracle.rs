//! `[connection.oracle]`

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::diagnose::At;
use super::duration::{self, Duration};
use super::{Assertion, ConfigError, Secret, check};

/// The Oracle Fusion Cloud ERP side of a connection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oracle {
    /// The pod; `/crmRestApi`, `/fscmRestApi`, `/crmService` and `/fscmService` are below it. Required.
    #[serde(deserialize_with = "check::url")]
    #[schemars(with = "String", url)]
    pub base_url: Url,

    /// The token endpoint of the identity domain, usually ending in `/oauth2/v1/token`. Required.
    #[serde(deserialize_with = "check::url")]
    #[schemars(with = "String", url)]
    pub token_url: Url,

    /// The OAuth client of the identity domain that may call the pod. Required.
    #[schemars(length(min = 1))]
    pub client_id: String,

    /// The secret of that client. Either this or `assertion`. No default.
    pub client_secret: Option<Secret>,

    /// The key by which that client signs what it asks for tokens with. Either this or `client_secret`. No default.
    pub assertion: Option<Assertion>,

    /// The OAuth scope of the pod, as the identity domain shows it. Required.
    #[schemars(length(min = 1))]
    pub scope: String,

    /// How long one request may take. A duration from 1s to 10m. Default `"60s"`.
    #[serde(default = "timeout", with = "duration")]
    #[schemars(with = "Duration")]
    pub timeout: SignedDuration,

    /// Records asked for per page, 1 to 500 (500 is the most that Fusion gives). Default `500`.
    #[serde(default = "page_size")]
    #[schemars(range(min = 1, max = 500))]
    pub page_size: u32,

    /// The REST version in the paths, such as `11.13.18.05`, or `latest`. Default `"11.13.18.05"`.
    #[serde(default = "api_version")]
    #[schemars(regex(pattern = r"^(latest|\d+(\.\d+)*)$"))]
    pub api_version: String,

    /// A party with one of these usages is a customer; so is one with an account. At least one, each of `A-Z` and
    /// `_`. Default `["CUSTOMER", "SALES_ACCOUNT", "EXTERNAL_LEGAL_ENTITY"]`.
    #[serde(default = "customer_usages")]
    #[schemars(length(min = 1))]
    pub customer_usages: Vec<String>,

    /// Requests in flight at a time, 1 to 10. One of them is always kept free for what is urgent, if there are
    /// two or more. Default `3`.
    #[serde(default = "concurrency")]
    #[schemars(range(min = 1, max = 10))]
    pub concurrency: u32,

    /// A file with certificates (PEM) of private authorities to trust beside the platform's, e.g. of a proxy that
    /// inspects traffic. A relative path starts at the folder of the configuration file. No default.
    pub ca_file: Option<PathBuf>,
}

/// The one way in which the client proves itself.
#[derive(Debug, Clone, Copy)]
pub enum Authentication<'a> {
    /// By its secret.
    Secret(&'a Secret),
    /// By its signature.
    Assertion(&'a Assertion),
}

fn timeout() -> SignedDuration {
    SignedDuration::from_secs(60)
}

fn page_size() -> u32 {
    500
}

fn api_version() -> String {
    "11.13.18.05".to_owned()
}

fn customer_usages() -> Vec<String> {
    ["CUSTOMER", "SALES_ACCOUNT", "EXTERNAL_LEGAL_ENTITY"].map(str::to_owned).to_vec()
}

fn concurrency() -> u32 {
    3
}

impl Oracle {
    /// How the client proves itself.
    ///
    /// # Errors
    /// Neither or both of `client_secret` and `assertion` are set, which loading a file has refused already.
    pub fn authentication(&self) -> Result<Authentication<'_>, ConfigError> {
        const HELP: &str = "write either client_secret = { env = \"FUSION_CLIENT_SECRET\" } or \
            assertion = { key = { file = \"key.pem\" }, certificate = \"certificate.pem\" }";
        match (&self.client_secret, &self.assertion) {
            (Some(secret), None) => Ok(Authentication::Secret(secret)),
            (None, Some(assertion)) => Ok(Authentication::Assertion(assertion)),
            (None, None) => Err(ConfigError::new("neither client_secret nor assertion is set", HELP)),
            (Some(_), Some(_)) => Err(ConfigError::new("both client_secret and assertion are set", HELP)),
        }
    }

    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        if let Err(error) = self.authentication() {
            let place = if self.assertion.is_some() { at.key("assertion") } else { at.clone() };
            return Err(error.at(Some(place.location())));
        }
        let Self {
            base_url: _,
            token_url: _,
            client_id,
            client_secret,
            assertion,
            scope,
            timeout,
            page_size,
            api_version,
            customer_usages,
            concurrency,
            ca_file,
        } = self;
        check::absolute(ca_file, folder);
        check::not_empty(client_id, &at.key("client_id"))?;
        if let Some(secret) = client_secret {
            secret.check(&at.key("client_secret"), folder)?;
        }
        if let Some(assertion) = assertion {
            assertion.check(&at.key("assertion"), folder)?;
        }
        check::not_empty(scope, &at.key("scope"))?;
        let (second, ten_minutes) = (SignedDuration::from_secs(1), SignedDuration::from_mins(10));
        duration::within(*timeout, second, ten_minutes, &at.key("timeout"))?;
        check::within(*page_size, 1..=500, &at.key("page_size"))?;
        check_api_version(api_version, &at.key("api_version"))?;
        check_usages(customer_usages, &at.key("customer_usages"))?;
        check::within(*concurrency, 1..=10, &at.key("concurrency"))
    }
}

fn check_api_version(version: &str, at: &At<'_>) -> Result<(), ConfigError> {
    let number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    if version == "latest" || version.split('.').all(number) {
        return Ok(());
    }
    Err(at.fail("this is not a REST version", "write \"latest\" or numbers and dots such as \"11.13.18.05\""))
}

fn check_usages(usages: &[String], at: &At<'_>) -> Result<(), ConfigError> {
    if usages.is_empty() {
        return Err(at.fail(
            "no party would be a customer",
            "name at least one usage, or leave the key out for the default",
        ));
    }
    for (index, usage) in usages.iter().enumerate() {
        if usage.is_empty() || !usage.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            return Err(at.index(index).fail(
                "this is not a party usage code",
                "write the code as in the ERP: capitals and _, for example \"CUSTOMER\"",
            ));
        }
    }
    Ok(())
}
