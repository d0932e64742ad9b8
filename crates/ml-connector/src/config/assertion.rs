//! `[connection.oracle.assertion]`

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use saas_http::{BadCertificate, BadKey, KeyName, SigningKey};
use schemars::JsonSchema;
use serde::Deserialize;

use super::diagnose::{At, Location};
use super::duration::{self, Duration};
use super::{ConfigError, Secret, check};

/// A JWT that our client signs instead of sending a secret (RS256). One of `certificate`, `kid` and `x5t` has to say
/// which certificate of the application belongs to the key; see fusion-credentials.md.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// The RSA private key, of at least 2048 bits, as PEM that is not encrypted (PKCS#8 or PKCS#1). Required.
    pub key: Secret,

    /// A file with the certificate of that key (PEM), the one that was uploaded to the application; `x5t` and `x5t_s256`
    /// are computed from it. A relative path starts at the folder of the configuration file. No default.
    pub certificate: Option<PathBuf>,

    /// The alias that the certificate was given at the application. No default.
    #[schemars(length(min = 1))]
    pub kid: Option<String>,

    /// The certificate's SHA-1 thumbprint in base64url, 27 characters; not beside `certificate`. No default.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{27}$"))]
    pub x5t: Option<String>,

    /// The certificate's SHA-256 thumbprint in base64url, 43 characters; not beside `certificate`, and not alone:
    /// Oracle looks for `kid` or `x5t`. No default.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{43}$"))]
    pub x5t_s256: Option<String>,

    /// Who shall hear it; older tenants want `"oauth.idm.oracle.com"`. Default `"https://identity.oraclecloud.com/"`.
    #[serde(default = "audience")]
    #[schemars(length(min = 1))]
    pub audience: String,

    /// How long one is good for; each is used once. A duration from 1m to 1h. Default `"5m"`.
    #[serde(default = "life", with = "duration")]
    #[schemars(with = "Duration")]
    pub life: SignedDuration,

    /// Where `certificate` is written.
    #[serde(skip)]
    at: Option<Location>,
}

fn audience() -> String {
    "https://identity.oraclecloud.com/".to_owned()
}

fn life() -> SignedDuration {
    SignedDuration::from_mins(5)
}

const CERTIFICATE: &str = "name the file of the certificate that was uploaded to the application, as PEM \
    (-----BEGIN CERTIFICATE-----); a relative path starts at the folder of the config file";

impl Assertion {
    /// The key, and by what its certificate is found.
    ///
    /// # Errors
    /// The key or the certificate cannot be read, or is of no use.
    pub fn signer(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<(SigningKey, KeyName), ConfigError> {
        let key = SigningKey::from_pem(&self.key.resolve(env)?);
        let key = key.map_err(|bad| self.key.fail(bad.to_string(), remedy(bad)))?;
        let mut name =
            KeyName { kid: self.kid.clone(), x5t: self.x5t.clone(), x5t_s256: self.x5t_s256.clone() };
        if let Some(path) = &self.certificate {
            let shown = path.display();
            let fail = |message: String, help: &str| ConfigError::new(message, help).at(self.at.clone());
            let pem = std::fs::read(path).map_err(|cause| {
                fail(format!("the certificate {shown} cannot be read"), CERTIFICATE).because(cause)
            })?;
            let prints = key.thumbprints(&pem).map_err(|bad| match bad {
                BadCertificate::NotPem => fail(format!("{shown}: {bad}"), CERTIFICATE),
                BadCertificate::AnotherKey => fail(
                    format!("{shown}: {bad}"),
                    "name the certificate that was made from this key, or make one: docs/fusion-credentials.md",
                ),
            })?;
            (name.x5t, name.x5t_s256) = (Some(prints.sha1), Some(prints.sha256));
        }
        Ok((key, name))
    }

    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        let Self { key, certificate, kid, x5t, x5t_s256, audience, life, at: place } = self;
        key.check(&at.key("key"), folder)?;
        *place = Some(at.key("certificate").location());
        if certificate.as_ref().is_some_and(|path| path.as_os_str().is_empty() || is_pem(path)) {
            return Err(at.key("certificate").fail("this is not the path of a file", CERTIFICATE));
        }
        check::absolute(certificate, folder);
        if let Some(kid) = kid {
            check::not_empty(kid, &at.key("kid"))?;
        }
        for (name, print, length) in [("x5t", &*x5t, 27), ("x5t_s256", &*x5t_s256, 43)] {
            let Some(print) = print else { continue };
            if certificate.is_some() {
                return Err(at.key(name).fail(
                    format!("{name} is computed from the certificate"),
                    format!("remove {name}, or remove certificate"),
                ));
            }
            check_print(print, length, &at.key(name))?;
        }
        if certificate.is_none() && kid.is_none() && x5t.is_none() {
            return Err(at.fail(
                "nothing says which certificate belongs to the key",
                "add certificate = \"certificate.pem\", or kid = \"the alias at the application\", or x5t",
            ));
        }
        check::not_empty(audience, &at.key("audience"))?;
        let (minute, hour) = (SignedDuration::from_mins(1), SignedDuration::from_hours(1));
        duration::within(*life, minute, hour, &at.key("life"))
    }
}

fn is_pem(path: &Path) -> bool {
    path.to_string_lossy().contains("-----BEGIN")
}

fn check_print(print: &str, length: usize, at: &At<'_>) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if print.len() == length && print.chars().all(allowed) {
        return Ok(());
    }
    Err(at.fail(
        format!("this is not a thumbprint of {length} characters in base64url"),
        "it is not the hexadecimal fingerprint; write certificate = \"certificate.pem\" instead, and it is computed",
    ))
}

fn remedy(bad: BadKey) -> &'static str {
    match bad {
        BadKey::Encrypted => {
            "write it without passphrase, readable for this user only: openssl pkcs8 -topk8 -nocrypt -in key.pem -out plain.pem"
        }
        BadKey::NotPem => {
            "write the private key with all its lines, from -----BEGIN PRIVATE KEY----- to the end; a certificate or a public \
             key is none"
        }
        BadKey::NotRsa => {
            "RS256 needs an RSA key: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem"
        }
        BadKey::TooSmall => {
            "make another and upload its certificate: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem"
        }
    }
}
