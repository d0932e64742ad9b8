//! What the tests of this folder share: a client, things to create, SOAP answers.

use std::{sync::Arc, time::Duration};

use oracle_fusion::{Fusion, FusionConfig};
use sync_core::{
    customers::{
        AccountKey, AddressParts, BILL_TO, NewAccount, NewAddress, NewParty, NewProfile, NewSite, Reference,
    },
    ids::{AccountId, PartyId, PartySiteId, SetId},
};

use crate::support::*;

pub(crate) const ENV: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(crate) const CUS: &str = "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/";
pub(crate) const PROFILE: &str =
    "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/";
pub(crate) const SET: SetId = SetId(300_000_001_127_004);

pub(crate) fn config() -> FusionConfig {
    FusionConfig {
        base_url: "https://fa.example/".to_owned(),
        token_url: "https://fa.example/oauth2/v1/token".to_owned(),
        client_id: "me".to_owned(),
        client_proof: saas_http::ClientProof::Secret("hunter2".into()),
        scope: "urn:opc:resource:consumer::all".to_owned(),
        page_size: FusionConfig::PAGE_SIZE,
        api_version: FusionConfig::API_VERSION.to_owned(),
        timeout: Duration::from_secs(60),
        concurrency: FusionConfig::CONCURRENCY,
        attributes: Default::default(),
        terms: Default::default(),
        created_by_module: FusionConfig::CREATED_BY_MODULE.to_owned(),
    }
}

pub(crate) fn fusion(answer: impl Fn(&Sent) -> Outcome + Send + Sync + 'static) -> (Fusion, Log) {
    let (transport, log) = remote(move |sent| match sent.path() {
        "/oauth2/v1/token" => ok(r#"{"access_token":"eyJ","token_type":"Bearer","expires_in":3600}"#),
        _ => answer(sent),
    });
    (Fusion::new(config(), transport, Arc::new(clock().0)).unwrap(), log)
}

pub(crate) fn reference(value: &str) -> Reference {
    Reference { system: "PIPEDRIVE".to_owned(), value: value.to_owned() }
}

pub(crate) fn new_address() -> NewAddress {
    let some = |text: &str| Some(text.to_owned());
    NewAddress {
        purpose: some(BILL_TO),
        reference: None,
        parts: AddressParts {
            lines: vec!["500 Oracle Pkwy".to_owned()],
            city: some("Redwood City"),
            county: some("San Mateo"),
            state: some("CA"),
            province: None,
            postal_code: some("94065"),
            country: some("US"),
        },
    }
}

pub(crate) fn new_party(value: &str) -> NewParty {
    NewParty {
        name: "Acme & Söhne <Ltd>".to_owned(),
        usage: "EXTERNAL_LEGAL_ENTITY".to_owned(),
        reference: reference(value),
        tax_id: None,
        url: Some("https://acme.example".to_owned()),
        phone: Some("16505060000".to_owned()),
        currency: None,
        addresses: vec![new_address()],
    }
}

pub(crate) fn new_account(party: PartyId, party_site: PartySiteId, value: &str) -> NewAccount {
    NewAccount {
        party,
        name: "Acme & Söhne <Ltd>".to_owned(),
        class: None,
        reference: reference(value),
        site: new_site(party_site, value),
    }
}

pub(crate) fn new_site(party_site: PartySiteId, value: &str) -> NewSite {
    NewSite { party_site, set: SET, purpose: BILL_TO.to_owned(), reference: reference(value) }
}

pub(crate) fn new_profile(account: AccountId, party: PartyId) -> NewProfile {
    NewProfile {
        account: AccountKey::Id(account),
        party,
        class: "DEFAULT".to_owned(),
        payment_terms: None,
        starts: jiff::civil::date(2026, 11, 23),
    }
}

/// A good answer with these values inside `result`.
pub(crate) fn answered(operation: &str, space: &str, result: &str) -> Outcome {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"{ENV}\"><env:Header/><env:Body>\
         <ns0:{operation}Response xmlns:ns0=\"urn:types\"><ns0:result xmlns:ns2=\"{space}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{result}</ns0:result></ns0:{operation}Response>\
         </env:Body></env:Envelope>"
    );
    reply(200, &[("content-type", "text/xml; charset=utf-8")], text.as_str())
}

/// A fault as the services send it.
pub(crate) fn fault(code: &str, text: &str) -> Outcome {
    let text = format!(
        "<env:Envelope xmlns:env=\"{ENV}\"><env:Body><env:Fault><faultcode>env:Server</faultcode>\
         <faultstring>{text}</faultstring><detail><tns:ServiceErrorMessage xmlns:tns=\"urn:errors\">\
         <tns:code>{code}</tns:code><tns:message>&lt;MESSAGE&gt;&lt;TEXT&gt;{text}&lt;/TEXT&gt;&lt;/MESSAGE&gt;\
         </tns:message></tns:ServiceErrorMessage></detail></env:Fault></env:Body></env:Envelope>"
    );
    reply(500, &[("content-type", "text/xml; charset=utf-8")], text.as_str())
}
