//! What a refusal of a SOAP call means (oracle-fusion.md 1.4, last part; 4.8; 10, no. 6).

use std::sync::Arc;

use jiff::SignedDuration;
use sync_core::{
    error::{CallError, Effect, ErrorKind},
    ids::{AccountId, PartyId, PartySiteId},
};

use crate::{support::*, world::*};

/// Each call by a client of its own: a server's wish to be left alone keeps the next one from being sent.
async fn created(outcome: impl Fn() -> Outcome + Send + Sync + 'static) -> CallError {
    let outcome = Arc::new(outcome);
    let client = || {
        let outcome = Arc::clone(&outcome);
        fusion(move |_| outcome()).0
    };
    let account = new_account(PartyId(7), PartySiteId(9), "org:1");
    let account = client().create_account(&account).await.unwrap_err();
    let profile = new_profile(AccountId(1), PartyId(7));
    let profile = client().create_profile(&profile).await.unwrap_err();
    assert_eq!((&account.kind, account.effect), (&profile.kind, profile.effect));
    let read = client().accounts_by_reference("PIPEDRIVE", "org:1").await.unwrap_err();
    assert_eq!((read.kind, read.effect), (profile.kind, Effect::None), "a read leaves no doubt");
    account
}

#[tokio::test]
async fn a_fault_is_final_and_says_everything_it_knows() {
    for (code, text) in [
        ("27014", "JBO-27014: Attribute PartyId in CustomerProfileDEO is required."),
        ("27024", "JBO-27024: Failed to validate a row"),
        ("HZ-120559", "The source system isn't registered. (HZ-120559)"),
        ("FND:::FND_CMN_DUPLICATE_VALUE", "A record with the value org:1 already exists."),
    ] {
        let error = created(move || fault(code, text)).await;
        assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::None), "{code}");
        assert_eq!(error.message, format!("500: {text} ({code})"));
    }
    let plain = format!(
        "<S:Envelope xmlns:S=\"{ENV}\"><S:Body><S:Fault><faultcode>S:Server</faultcode>\
         <faultstring>Unknown method</faultstring></S:Fault></S:Body></S:Envelope>"
    );
    let error = created(move || reply(500, &[], plain.as_str())).await;
    assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::None));
    assert_eq!(error.message, "500: Unknown method");
    let long = created(|| fault("27024", &"x".repeat(9_000))).await;
    assert!(long.message.contains("(27024)") && long.message.len() < 400, "{long}");
}

#[tokio::test]
async fn everything_but_a_fault_passes_and_leaves_a_write_in_doubt() {
    let half = "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body><env:Fault>";
    let doctype = "<!DOCTYPE x [<!ENTITY y 'Fault'>]><x>&y;</x>";
    for (status, body) in [
        (500, ""),
        (500, "{}"),
        (500, "Fault"),
        (500, half),
        (500, doctype),
        (500, "<html><body>Fault</body></html>"),
        (502, "<html>bad gateway</html>"),
        (503, "<html>maintenance</html>"),
        (504, ""),
        (404, "<html>maintenance</html>"),
        (302, "<html>sign in</html>"),
    ] {
        let error = created(move || reply(status, &[], body)).await;
        let passing = ErrorKind::Transient { after: None };
        assert_eq!((error.kind, error.effect), (passing, Effect::InDoubt), "{status} {body}");
    }
    let after = Some(SignedDuration::from_secs(17));
    let error = created(|| reply(429, &[("retry-after", "17")], "")).await;
    assert_eq!((error.kind, error.effect), (ErrorKind::Transient { after }, Effect::InDoubt));
    let error = created(lost).await;
    assert_eq!(error.effect, Effect::InDoubt);
    assert_eq!(created(not_sent).await.effect, Effect::None);
}

#[tokio::test]
async fn a_gateways_fault_with_503_is_not_the_services_word() {
    let text = format!("<e:Envelope xmlns:e=\"{ENV}\"><e:Body><e:Fault/></e:Body></e:Envelope>");
    for (status, kind, effect) in [
        (503, ErrorKind::Transient { after: None }, Effect::InDoubt),
        (429, ErrorKind::Transient { after: None }, Effect::InDoubt),
        (403, ErrorKind::Forbidden, Effect::None),
        (401, ErrorKind::Unauthorized, Effect::None),
        (500, ErrorKind::Rejected, Effect::None),
    ] {
        let body = text.clone();
        let error = created(move || reply(status, &[], body.as_str())).await;
        assert_eq!((error.kind, error.effect), (kind, effect), "{status}");
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_read_leaves_a_write_in_doubt() {
    for body in ["", "<html>sign in</html>", "{}", "<a", "<!DOCTYPE a><a/>"] {
        let error = created(move || reply(200, &[], body)).await;
        assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::InDoubt), "{body}");
    }
}

#[tokio::test]
async fn a_creation_that_answers_with_no_account_or_two_leaves_doubt() {
    let account = format!(
        "<v:Value xmlns:v=\"{CUS}\"><v:CustomerAccountId>1</v:CustomerAccountId><v:PartyId>7</v:PartyId>\
         <v:AccountNumber>1</v:AccountNumber></v:Value>"
    );
    for result in [String::new(), account.repeat(2)] {
        let (fusion, _) = fusion(move |_| answered("createCustomerAccount", CUS, &result));
        let new = new_account(PartyId(7), PartySiteId(9), "org:1");
        let error = fusion.create_account(&new).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::InDoubt));
    }
}
