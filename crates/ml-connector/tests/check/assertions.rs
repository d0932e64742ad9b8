//! A client that signs, from the configuration file to the token endpoint, and what is told when it is refused.

use jiff::SignedDuration;
use ml_connector::check::{Finding, Report};
use saas_sims::{
    fusion::{FusionSettings, Trust},
    pipedrive::PipedriveSettings,
};

use crate::world::{World, severity};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../saas-http/tests/fixtures");
const SECRET: &str = "client_secret = { env = \"FUSION_CLIENT_SECRET\" }";

fn trust() -> Trust {
    Trust {
        kid: Some("mlc".to_owned()),
        x5t: Some("RCN9QaGHpfqKNP7pIjWnr2HXJgk".to_owned()),
        x5t_s256: Some("37ebdj6Cgap2nsVoWal60tekACaB8gKS3Ui_LU8nWPA".to_owned()),
        ..Trust::of(include_str!("../../../saas-http/tests/fixtures/public-key.pem"))
    }
}

/// A world where the client signs with this key, and the rest of its table.
fn signing(key: &str, more: &str) -> World {
    let settings = FusionSettings { assertion: Some(trust()), ..FusionSettings::default() };
    let line = format!("assertion = {{ key = {{ file = \"{FIXTURES}/{key}\" }}, {more} }}");
    World::of(settings, PipedriveSettings::default()).with(SECRET, &line)
}

fn by_certificate() -> String {
    format!("certificate = \"{FIXTURES}/certificate.pem\"")
}

fn credentials(report: &Report) -> &Finding {
    report.findings.iter().find(|finding| finding.name == "fusion.credentials").expect("it is looked at")
}

/// The finding about credentials: what was seen, what to do, and where.
async fn refused(world: &World) -> (String, String, String) {
    let report = world.check().await;
    assert_eq!(severity(&report, "fusion.credentials"), "problem");
    let finding = credentials(&report);
    let remedy = finding.remedy.clone().expect("a remedy");
    (finding.seen.clone(), remedy.what, remedy.place)
}

#[tokio::test]
async fn a_client_that_signs_gets_in_by_certificate_by_alias_and_by_thumbprint() {
    let print = "x5t = \"RCN9QaGHpfqKNP7pIjWnr2HXJgk\"".to_owned();
    for (key, more) in [
        ("key.pem", by_certificate()),
        ("key-pkcs1.pem", format!("kid = \"mlc\", {}", by_certificate())),
        ("key.pem", "kid = \"mlc\"".to_owned()),
        ("key.pem", print),
    ] {
        let report = signing(key, &more).check().await;
        assert_eq!(severity(&report, "fusion.credentials"), "ok", "{more}");
        assert!(report.fits);
    }
}

#[tokio::test]
async fn what_an_identity_domain_refuses_is_told_with_a_remedy() {
    for (key, more, says, remedy) in [
        ("other-key.pem", "kid = \"mlc\"", "signature", "upload the certificate"),
        ("key.pem", "kid = \"unknown\"", "isn't registered", "upload the certificate"),
        ("key.pem", "kid = \"mlc\", audience = \"oauth.idm.oracle.com\"", "audience", "write the audience"),
    ] {
        let (seen, what, place) = refused(&signing(key, more)).await;
        assert!(seen.contains("invalid_client") && seen.contains(says), "{seen}");
        assert!(what.contains(remedy), "{what}");
        assert!(place.contains("assertion"), "{place}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_as_such() {
    for (minutes, says) in [(-10, "600 s behind"), (10, "600 s ahead of")] {
        let mut world = signing("key.pem", "kid = \"mlc\"");
        world.ahead = SignedDuration::from_mins(minutes);
        let (seen, what, place) = refused(&world).await;
        assert!(seen.contains(says), "{seen}");
        assert!(what.contains("NTP") && place.contains("this machine"), "{what} {place}");
    }
    let mut world = signing("key.pem", "kid = \"mlc\"");
    world.ahead = SignedDuration::from_secs(80);
    assert_eq!(severity(&world.check().await, "fusion.credentials"), "ok", "issued a little in the past");
}

/// The seed of the ids does not change here, and time stands still: the second check signs the very same.
#[tokio::test]
async fn an_assertion_that_was_used_is_told_as_such() {
    let world = signing("key.pem", "kid = \"mlc\"");
    assert_eq!(severity(&world.check().await, "fusion.credentials"), "ok");
    let (seen, what, _) = refused(&world).await;
    assert!(seen.contains("used before") && what.contains("proxy"), "{seen} {what}");
}

#[tokio::test]
async fn a_key_that_cannot_sign_is_told_before_anything_is_sent() {
    for (key, says, remedy) in [
        ("encrypted-key.pem", "encrypted", "-nocrypt"),
        ("ec-key.pem", "not an RSA key", "-algorithm RSA"),
        ("small-key.pem", "fewer than 2048 bits", "make another"),
        ("certificate.pem", "not a private key", "BEGIN PRIVATE KEY"),
        ("no-such-key.pem", "cannot be read", "create the file"),
    ] {
        let report = signing(key, "kid = \"mlc\"").check().await;
        let found = report.findings.iter().find(|finding| finding.seen.contains(says));
        let remedy_told = found.and_then(|finding| finding.remedy.as_ref()).expect(says);
        assert!(remedy_told.what.contains(remedy), "{}", remedy_told.what);
        assert_eq!(report.spent.erp_requests, 0);
    }
    let another = signing("other-key.pem", &by_certificate()).check().await;
    assert!(another.findings.iter().any(|finding| finding.seen.contains("belongs to another key")));
}
