//! How the identity domain checks a client assertion (section 5; RFC 7523, section 3): everything that it may refuse,
//! it refuses, and says why.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::state::State;

/// The certificate that a client uploaded, and how strictly its assertions are looked at.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The public key as PEM (SubjectPublicKeyInfo).
    pub public_key: String,
    /// The alias of the certificate, which `kid` may name.
    pub kid: Option<String>,
    /// Base64url of the certificate's SHA-1, which `x5t` may name.
    pub x5t: Option<String>,
    /// Base64url of the certificate's SHA-256; `x5t#S256` is checked if it is there, but finds no certificate.
    pub x5t_s256: Option<String>,
    /// Audiences that are taken; with none any that is not empty (which one is taken differs among tenants).
    pub audiences: Vec<String>,
    /// How far the clocks may be apart (UNVERIFIED).
    pub skew: SignedDuration,
    /// How far ahead an assertion may end (UNVERIFIED).
    pub longest: SignedDuration,
}

impl Trust {
    /// Trust in a key with the audience of today's tenants, a minute of skew, and an hour of life.
    pub fn of(public_key: impl Into<String>) -> Self {
        Self {
            public_key: public_key.into(),
            kid: None,
            x5t: None,
            x5t_s256: None,
            audiences: vec!["https://identity.oraclecloud.com/".to_owned()],
            skew: SignedDuration::from_mins(1),
            longest: SignedDuration::from_hours(1),
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    iat: i64,
    exp: i64,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// The client that an assertion stands for, or why it stands for none.
pub(crate) fn client(
    trust: Option<&Trust>,
    state: &mut State,
    jwt: &str,
    now: Timestamp,
) -> Result<String, &'static str> {
    let trust = trust.ok_or("No certificate is registered for this client.")?;
    let mut parts = jwt.rsplitn(2, '.');
    let (signature, signed) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (header, claims) = signed.split_once('.').ok_or("The client assertion is no JWT.")?;
    let header: Header = read(header).ok_or("The header of the client assertion cannot be read.")?;
    named(trust, &header)?;
    let key = der(&trust.public_key).ok_or("The registered certificate cannot be read.")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "The client assertion is no JWT.")?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "The signature of the client assertion isn't valid.")?;
    let claims: Claims =
        read(claims).ok_or("A claim of the client assertion is missing or of a wrong type.")?;
    timely(trust, &claims, now)?;
    if claims.iss.is_empty() || claims.iss != claims.sub {
        return Err("The issuer and the subject of the client assertion must be the client.");
    }
    if !heard(trust, &claims.aud) {
        return Err("The audience of the client assertion isn't valid.");
    }
    let second = now.as_second();
    state.assertions.retain(|_, end| *end > second);
    if claims.jti.is_empty() || state.assertions.contains_key(&claims.jti) {
        return Err("The client assertion was used before.");
    }
    state.assertions.insert(claims.jti, claims.exp + trust.skew.as_secs());
    Ok(claims.sub)
}

/// Whether the header is that of a JWT by the registered certificate. One name must be there, none may be wrong.
fn named(trust: &Trust, header: &Header) -> Result<(), &'static str> {
    if header.alg != "RS256" {
        return Err("The algorithm of the client assertion must be RS256.");
    }
    if header.typ.as_deref().is_some_and(|kind| kind != "JWT") {
        return Err("The type of the client assertion must be JWT.");
    }
    let wrong = |given: &Option<String>, known: &Option<String>| given.is_some() && given != known;
    if header.kid.is_none() && header.x5t.is_none() {
        return Err("The client assertion names no certificate: kid or x5t must be present.");
    }
    if wrong(&header.kid, &trust.kid)
        || wrong(&header.x5t, &trust.x5t)
        || wrong(&header.x5t_s256, &trust.x5t_s256)
    {
        return Err("The client assertion names a certificate that isn't registered.");
    }
    Ok(())
}

fn timely(trust: &Trust, claims: &Claims, now: Timestamp) -> Result<(), &'static str> {
    let (now, skew) = (now.as_second(), trust.skew.as_secs());
    if claims.exp <= now - skew {
        return Err("The client assertion is expired.");
    }
    if claims.iat > now + skew {
        return Err("The client assertion is not yet valid: it was issued in the future.");
    }
    if claims.exp <= claims.iat || claims.exp - now > trust.longest.as_secs() + skew {
        return Err("The client assertion lives too long.");
    }
    Ok(())
}

fn heard(trust: &Trust, audience: &Audience) -> bool {
    let named = match audience {
        Audience::One(name) => std::slice::from_ref(name),
        Audience::Several(names) => names,
    };
    named.iter().any(|name| {
        if trust.audiences.is_empty() { !name.is_empty() } else { trust.audiences.contains(name) }
    })
}

fn read<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn der(pem: &str) -> Option<Vec<u8>> {
    let inner = pem.split_once("-----BEGIN PUBLIC KEY-----")?.1.split_once("-----END PUBLIC KEY-----")?.0;
    STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()
}
