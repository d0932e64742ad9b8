//! Assertions against what OpenSSL says of the same key and certificate (tests/fixtures/README.md).

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;

const KEY: &str = include_str!("../tests/fixtures/key.pem");
const CERTIFICATE: &[u8] = include_bytes!("../tests/fixtures/certificate.pem");

fn key(pem: &str) -> Result<SigningKey, BadKey> {
    SigningKey::from_pem(&pem.into())
}

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn assertion(name: KeyName) -> ClientAssertion {
    ClientAssertion::new(key(KEY).unwrap(), name, "them".to_owned(), SignedDuration::from_mins(5), [1; 16])
}

fn part(jwt: &str, index: usize) -> Value {
    let part = jwt.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn made(assertion: &ClientAssertion) -> String {
    assertion.make("me", now()).unwrap().expose_secret().to_owned()
}

#[test]
fn an_assertion_says_who_asks_whom_and_for_how_long() {
    let prints = key(KEY).unwrap().thumbprints(CERTIFICATE).unwrap();
    let name = KeyName { kid: Some("mlc".to_owned()), x5t: Some(prints.sha1), x5t_s256: Some(prints.sha256) };
    let jwt = made(&assertion(name));
    assert_eq!(
        part(&jwt, 0),
        json!({
            "alg": "RS256", "typ": "JWT", "kid": "mlc", "x5t": "RCN9QaGHpfqKNP7pIjWnr2HXJgk",
            "x5t#S256": "37ebdj6Cgap2nsVoWal60tekACaB8gKS3Ui_LU8nWPA"
        })
    );
    let mut claims = part(&jwt, 1);
    let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 32);
    let noon = now().as_second();
    assert_eq!(claims, json!({"iss": "me", "sub": "me", "aud": "them", "iat": noon - 30, "exp": noon + 300}));
}

#[test]
fn only_names_that_are_known_are_in_the_header() {
    let name = KeyName { kid: Some("mlc".to_owned()), ..KeyName::default() };
    assert_eq!(part(&made(&assertion(name)), 0), json!({"alg": "RS256", "typ": "JWT", "kid": "mlc"}));
}

#[test]
fn the_signature_is_that_of_the_key_in_both_forms_of_pem() {
    for pem in [KEY, include_str!("../tests/fixtures/key-pkcs1.pem"), KEY.trim_end()] {
        let assertion = ClientAssertion { key: Arc::new(key(pem).unwrap()), ..assertion(KeyName::default()) };
        let jwt = made(&assertion);
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = &key(KEY).unwrap().public;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
    }
}

#[test]
fn no_two_assertions_have_one_id() {
    let first = assertion(KeyName::default());
    let other = ClientAssertion { seed: [2; 16], made: Arc::default(), ..first.clone() };
    let jwts = [made(&first), made(&first), made(&first.clone()), made(&other)];
    let ids: std::collections::BTreeSet<String> =
        jwts.iter().map(|jwt| part(jwt, 1)["jti"].to_string()).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn keys_that_cannot_sign_are_told_apart() {
    for (pem, bad) in [
        (include_str!("../tests/fixtures/encrypted-key.pem"), BadKey::Encrypted),
        (include_str!("../tests/fixtures/encrypted-key-pkcs1.pem"), BadKey::Encrypted),
        (include_str!("../tests/fixtures/certificate.pem"), BadKey::NotPem),
        (include_str!("../tests/fixtures/public-key.pem"), BadKey::NotPem),
        ("hunter2", BadKey::NotPem),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", BadKey::NotRsa),
        (include_str!("../tests/fixtures/ec-key.pem"), BadKey::NotRsa),
        (include_str!("../tests/fixtures/small-key.pem"), BadKey::TooSmall),
    ] {
        assert_eq!(key(pem).unwrap_err(), bad, "{pem}");
    }
}

#[test]
fn a_certificate_has_to_be_that_of_the_key() {
    let other = key(include_str!("../tests/fixtures/other-key.pem")).unwrap();
    assert_eq!(other.thumbprints(CERTIFICATE), Err(BadCertificate::AnotherKey));
    assert_eq!(other.thumbprints(KEY.as_bytes()), Err(BadCertificate::NotPem));
}

#[test]
fn neither_key_nor_seed_is_in_the_debug_output() {
    let told = format!("{:?}", assertion(KeyName::default()));
    assert!(told.contains("SigningKey(redacted)") && !told.contains("1, 1, 1"), "{told}");
}
