//! The REST half: look-ups by finder, creation, children, conditional changes.

use serde_json::{Value, json};
use sync_core::{
    customers::{AddressParts, NewAddress, PartyAttribute, PartyChanges, Reference, Updated},
    error::{Effect, ErrorKind},
    ids::{PartyId, PartySiteId},
    model::{PartyStatus, Seen},
    ports::{Erp as _, PartyKey},
};

use crate::{support::*, world::*};

const PARTIES: &str = "/crmRestApi/resources/11.13.18.05/hubOrganizations";
const ITEM: &str = "application/vnd.oracle.adf.resourceitem+json";

fn page(items: &[Value], more: bool) -> Outcome {
    ok(json!({ "items": items, "count": items.len(), "hasMore": more, "limit": 500, "offset": 0 }))
}

fn party(id: i64, status: &str) -> Value {
    json!({ "PartyId": id, "PartyNumber": format!("N{id}"), "OrganizationName": "Acme", "Status": status,
            "LastUpdateDate": "2026-01-02T03:04:05+00:00" })
}

#[tokio::test]
async fn a_finder_keeps_its_separators_and_encodes_only_values() {
    let (fusion, log) = fusion(|_| page(&[party(1, "A"), party(2, "I")], false));
    let found = fusion.parties_by_reference("PIPEDRIVE", "org:47 11").await.unwrap();
    let statuses: Vec<_> = found.iter().map(|party| &party.status).collect();
    assert_eq!(statuses, [&PartyStatus::Active, &PartyStatus::Inactive], "the caller decides about both");
    let sent = log.last();
    let start = format!(
        "{PARTIES}?finder=SourceSystemReferenceRF;SourceSystem=PIPEDRIVE,SourceSystemReferenceValue=org%3A47%2011&fields="
    );
    assert!(sent.target.starts_with(&start), "{}", sent.target);
    assert_eq!((sent.raw("onlyData"), sent.raw("limit")), (Some("true"), Some("500")));
    assert_eq!(sent.raw("q"), None, "the flattened reference may not be filled");
}

#[tokio::test]
async fn what_a_finder_cannot_say_is_refused_before_it_is_sent() {
    let (fusion, log) = fusion(|_| page(&[], false));
    for (system, value) in [("P", "a,b"), ("P", "a;b"), ("P", "a=b"), ("P", ""), (" ", "a"), ("P,Q", "a")] {
        let error = fusion.parties_by_reference(system, value).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::None), "{system} {value}");
    }
    assert!(log.all().is_empty());
}

#[tokio::test]
async fn a_lookup_that_cannot_read_a_party_does_not_overlook_it() {
    let bad = json!({ "PartyId": 3, "OrganizationName": "Acme" });
    let (lookup, _) = fusion(move |_| page(&[party(1, "A"), bad.clone()], false));
    assert_eq!(lookup.parties_by_reference("P", "1").await.unwrap_err().kind, ErrorKind::Unreadable);
    let (lookup, _) = fusion(|_| page(&[], true));
    assert_eq!(lookup.parties_by_reference("P", "1").await.unwrap_err().kind, ErrorKind::Unreadable);
}

#[tokio::test]
async fn one_party_is_read_by_its_identity_and_a_bad_one_is_told_of() {
    let bad = json!({ "PartyId": 7, "OrganizationName": "Acme" });
    let (fusion, log) = fusion(move |sent| match sent.raw("q") {
        Some("PartyId%20%3D%207" | "PartyId+%3D+7") => page(std::slice::from_ref(&bad), false),
        Some(_) => page(&[party(5, "I")], false),
        None => page(&[], false),
    });
    let found = fusion.party(&PartyKey::Id(PartyId(5))).await.unwrap();
    assert!(matches!(&found, Some(Seen::Record(party)) if party.id == PartyId(5)), "{found:?}");
    assert!(log.last().target.starts_with(&format!("{PARTIES}?q=PartyId")), "{}", log.last().target);
    assert_eq!(
        fusion.party(&PartyKey::Id(PartyId(6))).await.unwrap(),
        None,
        "another one is not taken for it"
    );
    let found = fusion.party(&PartyKey::Id(PartyId(7))).await.unwrap();
    assert!(matches!(&found, Some(Seen::Malformed(record)) if record.id == Some(7)), "{found:?}");
    assert_eq!(fusion.party(&PartyKey::Number("N5".to_owned())).await.unwrap(), None);
}

#[tokio::test]
async fn all_accounts_of_a_party_are_read_page_by_page() {
    let account = |id: i64| {
        json!({ "AccountId": id, "AccountNumber": format!("A{id}"), "CustomerId": 5,
                "LastUpdateDate": "2026-01-02T03:04:05+00:00" })
    };
    let (fusion, log) = fusion(move |sent| {
        let first = sent.raw("q").is_some_and(|q| q.ends_with("0"));
        if first { page(&[account(1), account(2)], true) } else { page(&[account(3)], false) }
    });
    let accounts = fusion.accounts_of(PartyId(5)).await.unwrap();
    assert_eq!(accounts.len(), 3);
    let questions: Vec<String> = log
        .all()
        .iter()
        .filter_map(|sent| sent.raw("q"))
        .map(|q| q.replace("%20", " ").replace('+', " "))
        .collect();
    let question = |after: i64| format!("CustomerId %3D 5 and AccountId %3E {after}");
    assert_eq!(questions, [question(0), question(2)], "an offset over a moving set loses rows");
}

#[tokio::test]
async fn a_party_is_found_by_its_number_or_not_at_all() {
    let (lookup, log) = fusion(|_| page(&[party(1, "A")], false));
    assert_eq!(lookup.party_by_number("N1").await.unwrap().unwrap().id, PartyId(1));
    assert_eq!(log.last().raw("finder"), Some("PartyNumberRF;PartyNumber=N1"));
    assert_eq!(lookup.party_by_number("N2").await.unwrap(), None, "another party is not the one asked for");
    let (lookup, _) = fusion(|_| reply(404, &[], r#"{"title":"Not Found"}"#));
    let error = lookup.party_by_number("N1").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing, "a pod without the resource has said nothing about the party");
}

#[tokio::test]
async fn a_party_is_created_with_usage_reference_and_address_and_its_null_echo_is_ignored() {
    for status in [200, 201] {
        let (fusion, log) = fusion(move |_| {
            let body = json!({ "PartyId": 300_000_248_939_071_i64, "PartyNumber": 10_071, "SourceSystem": null,
                               "SourceSystemReferenceValue": null });
            reply(status, &[("content-type", ITEM)], body)
        });
        let created = fusion.create_party(&new_party("org:4711")).await.unwrap();
        assert_eq!((created.id, created.number.as_str()), (PartyId(300_000_248_939_071), "10071"));
        let sent = log.last();
        assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", PARTIES));
        assert_eq!(sent.header("content-type"), Some(ITEM));
        assert_eq!(sent.header("accept"), Some("application/json"));
        assert_eq!(sent.header("upsert-mode"), None);
        let wanted = json!({
            "OrganizationName": "Acme & Söhne <Ltd>", "PartyUsageCode": "EXTERNAL_LEGAL_ENTITY",
            "SourceSystemReference": [{ "SourceSystem": "PIPEDRIVE", "SourceSystemReferenceValue": "org:4711" }],
            "RawPhoneNumber": "16505060000", "URL": "https://acme.example",
            "Address": [{ "AddressType": "BILL_TO", "Address1": "500 Oracle Pkwy", "City": "Redwood City",
                          "County": "San Mateo", "State": "CA", "PostalCode": "94065", "Country": "US" }],
        });
        assert_eq!(sent.json(), wanted);
    }
}

#[tokio::test]
async fn a_refused_creation_has_no_effect_and_an_unclear_one_leaves_doubt() {
    let created = async |status: u16, body: &'static str| {
        let (fusion, _) = fusion(move |_| reply(status, &[], body));
        let error = fusion.create_party(&new_party("org:1")).await.unwrap_err();
        (error.kind, error.effect)
    };
    let details =
        r#"{"title":"Bad Request","status":"400","o:errorDetails":[{"detail":"No usage (HZ-120421)"}]}"#;
    assert_eq!(created(400, details).await, (ErrorKind::Rejected, Effect::None));
    assert_eq!(created(201, "{}").await, (ErrorKind::Unreadable, Effect::InDoubt));
    assert_eq!(created(200, "<html>sign in").await, (ErrorKind::Unreadable, Effect::InDoubt));
    let transient = ErrorKind::Transient { after: None };
    for (status, body) in [(500, "{}"), (502, ""), (504, ""), (429, ""), (400, ""), (404, "<html>")] {
        assert_eq!(created(status, body).await, (transient.clone(), Effect::InDoubt), "{status} {body}");
    }
    let (fusion, _) = fusion(|_| lost());
    let error = fusion.create_party(&new_party("org:1")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (transient, Effect::InDoubt));
}

#[tokio::test]
async fn all_addresses_are_read_and_their_id_is_the_party_site() {
    let (fusion, log) = fusion(|sent| {
        if sent.raw("q") == Some("AddressId%20%3E%200") {
            let first = json!({ "AddressId": "15083768535", "AddressNumber": "A1", "AddressType": "BILL_TO",
                "Address1": "500 Oracle Pkwy", "Address2": null, "Address4": "Floor 3", "City": "Redwood City",
                "Country": "US", "PrimaryFlag": true, "Status": "A", "SourceSystem": "PIPEDRIVE",
                "SourceSystemReferenceValue": "org:1" });
            page(&[first], true)
        } else {
            page(&[json!({ "AddressId": 15_083_768_536_i64, "Status": "I", "PrimaryFlag": "N" })], false)
        }
    });
    let found = fusion.addresses("CDRM 1/2").await.unwrap();
    assert_eq!(log.last().path(), format!("{PARTIES}/CDRM%201%2F2/child/Address"));
    assert_eq!(log.last().raw("q"), Some("AddressId%20%3E%2015083768535"));
    let [first, second] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((first.id, second.id), (PartySiteId(15_083_768_535), PartySiteId(15_083_768_536)));
    assert_eq!(first.parts.lines, ["500 Oracle Pkwy", "Floor 3"]);
    assert_eq!(first.reference, Some(reference("org:1")));
    assert_eq!((first.primary, first.active, second.primary, second.active), (true, true, false, false));
}

#[tokio::test]
async fn children_are_added_one_by_one() {
    let (fusion, log) = fusion(|_| reply(201, &[], r#"{"AddressId": 7}"#));
    let lines = ["1", "2", "3", "4", "5"].map(str::to_owned).to_vec();
    let parts = AddressParts { lines, country: Some("DE".to_owned()), ..AddressParts::default() };
    let address = NewAddress { purpose: None, reference: Some(reference("org:1")), parts };
    assert_eq!(fusion.add_address("N1", &address).await.unwrap().id, PartySiteId(7));
    let wanted = json!({ "Address1": "1", "Address2": "2", "Address3": "3", "Address4": "4, 5", "Country": "DE",
                         "SourceSystem": "PIPEDRIVE", "SourceSystemReferenceValue": "org:1" });
    assert_eq!((log.last().path(), log.last().json()), (&*format!("{PARTIES}/N1/child/Address"), wanted));
    fusion.add_usage("N1", "CUSTOMER").await.unwrap();
    let sent = log.last();
    assert_eq!(sent.path(), format!("{PARTIES}/N1/child/UsageAssignment"));
    assert_eq!(
        (sent.json(), sent.header("content-type")),
        (json!({ "PartyUsageCode": "CUSTOMER" }), Some(ITEM))
    );
    fusion.add_reference("N1", &Reference { system: "S".to_owned(), value: "V".to_owned() }).await.unwrap();
    assert_eq!(log.last().path(), format!("{PARTIES}/N1/child/SourceSystemReference"));
    assert_eq!(log.last().json(), json!({ "SourceSystem": "S", "SourceSystemReferenceValue": "V" }));
}

#[tokio::test]
async fn the_version_is_the_etag_else_the_change_indicator_and_links_are_asked_for() {
    let links = json!({ "links": [{ "rel": "canonical", "properties": { "changeIndicator": "NO" } },
                                  { "rel": "self", "properties": { "changeIndicator": "ACED0005" } }] });
    for (headers, body, wanted) in [
        (&[("etag", "\"ACED0006\"")][..], links.clone(), Some("\"ACED0006\"")),
        (&[("etag", "ACED0006")], json!({}), Some("\"ACED0006\"")),
        (&[], links, Some("\"ACED0005\"")),
        (&[], json!({ "links": [] }), None),
    ] {
        let (fusion, log) = fusion(move |_| reply(200, headers, body.clone()));
        assert_eq!(fusion.etag_of("N1").await.ok().as_deref(), wanted);
        assert_eq!(log.last().target, format!("{PARTIES}/N1"), "onlyData would drop the links");
    }
}

#[tokio::test]
async fn a_change_names_only_what_changes_and_the_version_it_was_made_for() {
    let (fusion, log) = fusion(|_| ok("{}"));
    let changes = PartyChanges::from([
        (PartyAttribute::Name, Some("Acme".to_owned())),
        (PartyAttribute::TaxId, Some("DE1".to_owned())),
        (PartyAttribute::Url, None),
        (PartyAttribute::Phone, Some("1".to_owned())),
    ]);
    assert_eq!(fusion.update_party("N1", &changes, Some("ACED")).await.unwrap(), Updated::Done);
    let sent = log.last();
    assert_eq!((sent.method.as_str(), sent.path()), ("PATCH", &*format!("{PARTIES}/N1")));
    assert_eq!((sent.header("if-match"), sent.header("content-type")), (Some("\"ACED\""), Some(ITEM)));
    let wanted = json!({ "OrganizationName": "Acme", "TaxpayerIdentificationNumber": "DE1", "URL": null,
                         "RawPhoneNumber": "1" });
    assert_eq!(sent.json(), wanted);
    fusion.update_party("N1", &changes, None).await.unwrap();
    assert_eq!(log.last().header("if-match"), None);
    let before = log.all().len();
    assert!(fusion.update_party("N1", &PartyChanges::new(), None).await.is_err());
    assert_eq!(log.all().len(), before, "nothing to change is nothing to send");
}

#[tokio::test]
async fn being_overtaken_is_told_apart_from_being_refused() {
    let changed = async |status: u16, body: &'static str| {
        let (fusion, _) = fusion(move |_| reply(status, &[], body));
        let changes = PartyChanges::from([(PartyAttribute::Name, Some("Acme".to_owned()))]);
        fusion.update_party("N1", &changes, Some("\"A\"")).await.map_err(|error| (error.kind, error.effect))
    };
    let flight = r#"{"o:errorDetails":[{"detail":"Changed","o:errorCode":"25014"}]}"#;
    let words = "Another user has changed the row with primary key oracle.jbo.Key[1 ]. (JBO-25014)";
    for (status, body) in [(412, ""), (412, "{}"), (400, flight), (409, flight), (400, words)] {
        assert_eq!(changed(status, body).await, Ok(Updated::Overtaken), "{status} {body}");
    }
    let other = r#"{"o:errorDetails":[{"detail":"Value 25014 isn't valid","o:errorCode":"27014"}]}"#;
    assert_eq!(changed(400, other).await, Err((ErrorKind::Rejected, Effect::None)));
    assert_eq!(changed(404, "{}").await, Err((ErrorKind::Missing, Effect::None)));
    assert_eq!(changed(500, words).await, Err((ErrorKind::Transient { after: None }, Effect::InDoubt)));
}
