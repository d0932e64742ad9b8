//! Proof by signature instead of a secret: the client assertion of RFC 7523 as identity domains of Oracle want it
//! (oracle-fusion.md 5). The private key never leaves this machine; what travels lives for minutes and works once.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    rsa::KeyPair,
    signature::KeyPair as _,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sync_core::{
    error::{CallError, ErrorKind},
    ports::Called,
};

use crate::token_reply::CALL;

/// How far the time of issue is put back, so that a clock that is a little ahead does no harm.
const SLACK: SignedDuration = SignedDuration::from_secs(30);

/// An RSA key that signs. Its `Debug` shows nothing of it.
pub struct SigningKey {
    key: EncodingKey,
    /// The public half as DER (RFC 8017).
    public: Vec<u8>,
}

/// Why a text is no key to sign with. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It is locked by a passphrase.
    #[error("the key is encrypted")]
    Encrypted,
    /// It is no private key in PEM.
    #[error("this is not a private key in PEM")]
    NotPem,
    /// It is a private key of another kind, or a broken one.
    #[error("this is not an RSA key")]
    NotRsa,
    /// It is an RSA key below 2048 bits.
    #[error("the RSA key has fewer than 2048 bits")]
    TooSmall,
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// It is no certificate in PEM.
    #[error("this is not a certificate in PEM")]
    NotPem,
    /// It vouches for another key.
    #[error("the certificate belongs to another key")]
    AnotherKey,
}

impl SigningKey {
    /// Reads a key as PEM, PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// When it is none, is encrypted, is no RSA key or has fewer than 2048 bits.
    pub fn from_pem(pem: &SecretString) -> Result<Self, BadKey> {
        let text = pem.expose_secret();
        if text.contains("ENCRYPTED") {
            return Err(BadKey::Encrypted);
        }
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| BadKey::NotPem)?;
        let pair = match &der {
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(BadKey::NotRsa),
        };
        let pair = pair.map_err(|rejected| match rejected.to_string().as_str() {
            "TooSmall" => BadKey::TooSmall,
            _ => BadKey::NotRsa,
        })?;
        let key = EncodingKey::from_rsa_pem(text.as_bytes()).map_err(|_| BadKey::NotRsa)?;
        Ok(Self { key, public: pair.public_key().as_ref().to_vec() })
    }

    /// The thumbprints of the certificate of this key, read as PEM.
    ///
    /// # Errors
    /// When it is none, or that of another key.
    pub fn thumbprints(&self, pem: &[u8]) -> Result<Thumbprints, BadCertificate> {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|_| BadCertificate::NotPem)?;
        // A certificate holds the public key as it is: these bytes occur in no certificate of another key.
        if !certificate.windows(self.public.len()).any(|part| part == self.public) {
            return Err(BadCertificate::AnotherKey);
        }
        let of = |algorithm| URL_SAFE_NO_PAD.encode(digest(algorithm, &certificate));
        Ok(Thumbprints { sha1: of(&SHA1_FOR_LEGACY_USE_ONLY), sha256: of(&SHA256) })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

/// Thumbprints of a certificate: its DER hashed, in base64url without padding (RFC 7515, 4.1.7 and 4.1.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbprints {
    /// `x5t`
    pub sha1: String,
    /// `x5t#S256`
    pub sha256: String,
}

/// By what the other side finds the certificate to check the signature with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyName {
    /// The key id: the alias of the certificate.
    pub kid: Option<String>,
    /// Base64url of the certificate's SHA-1.
    pub x5t: Option<String>,
    /// Base64url of the certificate's SHA-256.
    pub x5t_s256: Option<String>,
}

/// A client that proves itself by signing, afresh for every request. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct ClientAssertion {
    key: Arc<SigningKey>,
    name: KeyName,
    audience: String,
    life: SignedDuration,
    seed: [u8; 16],
    made: Arc<AtomicU64>,
}

/// The claims of RFC 7523, section 3.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

impl ClientAssertion {
    /// `life` is how long an assertion is good for; `seed` is randomness that no other process has: ids of assertions
    /// come of it.
    pub fn new(
        key: SigningKey,
        name: KeyName,
        audience: String,
        life: SignedDuration,
        seed: [u8; 16],
    ) -> Self {
        Self { key: Arc::new(key), name, audience, life, seed, made: Arc::default() }
    }

    /// A new assertion for this client.
    pub(crate) fn make(&self, client_id: &str, now: Timestamp) -> Called<SecretString> {
        let header = Header {
            kid: self.name.kid.clone(),
            x5t: self.name.x5t.clone(),
            x5t_s256: self.name.x5t_s256.clone(),
            ..Header::new(Algorithm::RS256)
        };
        let claims = Claims {
            iss: client_id,
            sub: client_id,
            aud: &self.audience,
            iat: now.as_second() - SLACK.as_secs(),
            exp: now.as_second() + self.life.as_secs(),
            jti: self.id(now),
        };
        let signed = encode(&header, &claims, &self.key.key);
        let unsigned = |_| {
            CallError::without_effect(CALL, ErrorKind::Unauthorized, "the client assertion cannot be signed")
        };
        signed.map(SecretString::from).map_err(unsigned)
    }

    /// Never the same twice: the count tells those of one process apart, the seed those of several.
    fn id(&self, now: Timestamp) -> String {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(made.to_be_bytes());
        hash.update(now.as_nanosecond().to_be_bytes());
        hex::encode(&hash.finalize()[..16])
    }
}

impl std::fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientAssertion")
            .field("key", &self.key)
            .field("name", &self.name)
            .field("audience", &self.audience)
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
