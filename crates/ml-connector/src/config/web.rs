//! `[web]`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Deserializer};
use sync_web::{Certificates, FEWEST, TlsError, Token};
use url::Url;

use super::diagnose::{At, Location};
use super::{ConfigError, Secret, check};

/// What the daemon listens on, and whom it believes. `docs/door.md` shows it behind a reverse proxy and without one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// Address and port of the console, the API and the webhook intake: `IP:PORT`. Port 0 takes a free one.
    /// Default `"127.0.0.1:8080"`.
    #[serde(default = "listen", deserialize_with = "address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,

    /// Where people reach the console, if that is not where it listens, for links that are printed: the address of a
    /// reverse proxy. No default: `listen`.
    #[schemars(with = "Option<String>")]
    pub public_url: Option<Url>,

    /// The certificate to serve https with, and its key. No default: plain http, for a reverse proxy before it.
    pub tls: Option<Tls>,

    /// Addresses of reverse proxies, as networks such as `10.0.0.0/8`, whose `X-Forwarded-For` is believed. Default `[]`.
    #[serde(default, deserialize_with = "networks")]
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,

    /// What callers of the API have to show as `Authorization: Bearer ...`, at least 16 characters. No default: nobody may
    /// call it; health, metrics and webhooks need none.
    pub token: Option<Secret>,
}

/// The certificate to serve https with. The files are looked at each minute: renewed ones are taken up without a restart.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// A file with the certificate, and after it those between it and the authority, PEM. A relative path starts at the
    /// folder of the configuration file. Required.
    pub cert: PathBuf,

    /// A file with its private key, PEM, without a passphrase. A relative path starts at the folder of the configuration
    /// file. Required.
    pub key: PathBuf,

    #[serde(skip)]
    #[schemars(skip)]
    at: Option<Places>,
}

/// Where the two are written, for errors that are noticed later.
#[derive(Debug, Clone)]
struct Places {
    cert: Location,
    key: Location,
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: listen(), public_url: None, tls: None, trusted_proxies: Vec::new(), token: None }
    }
}

fn listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

impl Web {
    /// The token, as a digest. `env` looks an environment variable up.
    ///
    /// # Errors
    /// The variable or file is missing, or the token is too short.
    pub fn token(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Token>, ConfigError> {
        let Some(secret) = &self.token else { return Ok(None) };
        let resolved = secret.resolve(env)?;
        match Token::new(resolved.expose_secret()) {
            Some(token) => Ok(Some(token)),
            None => Err(secret.fail(
                format!("the token has fewer than {FEWEST} characters"),
                "make one with `openssl rand -hex 32`",
            )),
        }
    }

    /// Where people reach the console, with a slash at its end. `bound` is where it listens, if that is known.
    #[must_use]
    pub fn console_url(&self, bound: Option<SocketAddr>) -> String {
        if let Some(url) = &self.public_url {
            return url.to_string();
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut address = bound.unwrap_or(self.listen);
        if address.ip().is_unspecified() {
            address.set_ip(std::net::IpAddr::from([127, 0, 0, 1]));
        }
        format!("{scheme}://{address}/")
    }

    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        let Self { listen: _, public_url, tls, trusted_proxies: _, token } = self;
        if let Some(Tls { cert, key, at: place }) = tls {
            let at = at.key("tls");
            let (cert_at, key_at) = (at.key("cert"), at.key("key"));
            for (path, at) in [(cert, &cert_at), (key, &key_at)] {
                check::not_empty(&path.to_string_lossy(), at)?;
                *path = folder.join(&*path);
            }
            *place = Some(Places { cert: cert_at.location(), key: key_at.location() });
        }
        if let Some(url) = public_url {
            let at = at.key("public_url");
            if !matches!(url.scheme(), "https" | "http") || url.cannot_be_a_base() {
                return Err(at.fail("this is no address of a web page", "write https://HOST/"));
            }
            if !url.path().ends_with('/') {
                url.set_path(&format!("{}/", url.path()));
            }
        }
        match token {
            Some(token) => token.check(&at.key("token"), folder),
            None => Ok(()),
        }
    }
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// They cannot be read or used, or do not belong together.
    pub fn load(&self) -> Result<Certificates, ConfigError> {
        Certificates::load(&self.cert, &self.key).map_err(|error| {
            let (message, help) = (error.to_string(), error.help());
            let (is_key, cause) = match error {
                TlsError::Unreadable { path, source } => (path != self.cert, Some(source)),
                TlsError::NoKey { .. } | TlsError::Mismatch { .. } => (true, None),
                TlsError::NoCertificate { .. } => (false, None),
                TlsError::Unusable { source, .. } => (false, Some(std::io::Error::other(source))),
            };
            let place = self.at.clone().map(|Places { cert, key }| if is_key { key } else { cert });
            let error = ConfigError::new(message, help).label("needed here").at(place);
            match cause {
                Some(cause) => error.because(cause),
                None => error,
            }
        })
    }
}

fn address<'de, D: Deserializer<'de>>(input: D) -> Result<SocketAddr, D::Error> {
    String::deserialize(input)?.parse().map_err(|_| {
        serde::de::Error::custom(
            "this is not an address with a port\n\
             write IP:PORT, for example \"127.0.0.1:8080\" or \"[::1]:8080\"; host names are not looked up here",
        )
    })
}

fn networks<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| {
        text.parse::<IpNet>().map(|network| network.trunc()).map_err(|_| {
            serde::de::Error::custom(
                "this is not a network\n\
                 write an address with the length of its prefix, for example \"127.0.0.1/32\", \"10.0.0.0/8\" or \"::1/128\"",
            )
        })
    };
    Vec::<String>::deserialize(input)?.into_iter().map(network).collect()
}
