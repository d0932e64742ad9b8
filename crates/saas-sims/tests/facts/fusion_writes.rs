//! POST and PATCH of parties (sections 1.2, 1.4, 1.5, 4.6, 4.7).

use saas_sims::fusion::{Edit, FusionSettings};
use serde_json::{Value, json};

use crate::http::{PARTIES, Pod};

fn acme() -> Value {
    json!({
        "OrganizationName": "Acme Ltd", "PartyUsageCode": "EXTERNAL_LEGAL_ENTITY", "URL": "https://acme.example",
        "SourceSystemReference": [{"SourceSystem": "PIPEDRIVE", "SourceSystemReferenceValue": "org:4711"}],
        "Address": [{"AddressType": "BILL_TO", "Address1": "500 Oracle Pkwy", "City": "Redwood City",
                     "State": "CA", "PostalCode": "94065", "Country": "US"}],
    })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[tokio::test]
async fn a_party_is_created_with_201_and_the_reference_is_echoed_null() {
    let pod = Pod::new().await;
    let answer = pod.write("POST", PARTIES, &acme()).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (201, ""));
    let party = answer.json();
    assert!(party["SourceSystem"].is_null() && party["SourceSystemReferenceValue"].is_null());
    assert_eq!((&party["Status"], &party["CreatedByModule"]), (&json!("A"), &json!("ORA_ZCH_WS")));
    assert_eq!(party["LastUpdatedBy"], "ml.connector");
    // The item's key is the PartyNumber, and nothing like the PartyId.
    let (id, number) = (party["PartyId"].as_i64().unwrap(), party["PartyNumber"].as_str().unwrap());
    assert!(pod.get(&format!("{PARTIES}/{number}"), &[]).await.ok()["PartyId"] == id);
    pod.get(&format!("{PARTIES}/{id}"), &[]).await.refused(404);
    // The flattened address is the new row's, the reference a child.
    assert_eq!(party["City"], "Redwood City");
    let children = pod.get(&format!("{PARTIES}/{number}/child/SourceSystemReference"), &[]).await.ok();
    assert_eq!(children["items"][0]["SourceSystemReferenceValue"], "org:4711");
}

#[tokio::test]
async fn a_party_without_usage_is_refused_with_hz_120421() {
    let pod = Pod::new().await;
    let answer = pod.write("POST", PARTIES, &with(acme(), "PartyUsageCode", Value::Null)).await;
    assert_eq!(answer.refused(400).json()["o:errorDetails"][0]["o:errorCode"], "HZ-120421");
    assert!(pod.sim.party_ids().is_empty());
}

#[tokio::test]
async fn a_source_system_that_is_not_registered_is_refused_with_hz_120559_and_nothing_is_stored() {
    let pod = Pod::new().await;
    let reference = json!([{"SourceSystem": "SALESFORCE", "SourceSystemReferenceValue": "1"}]);
    let answer = pod.write("POST", PARTIES, &with(acme(), "SourceSystemReference", reference)).await;
    assert_eq!(answer.refused(400).json()["o:errorDetails"][0]["o:errorCode"], "HZ-120559");
    assert!(pod.sim.party_ids().is_empty());
}

#[tokio::test]
async fn names_may_repeat_and_references_may_not_unless_so_set() {
    let pod = Pod::new().await;
    pod.write("POST", PARTIES, &acme()).await;
    let answer = pod.write("POST", PARTIES, &acme()).await;
    let words = "A record with the value org:4711 already exists. Enter a unique value.";
    assert_eq!(answer.refused(400).json()["o:errorDetails"][0]["detail"], words);
    let other = json!([{"SourceSystem": "PIPEDRIVE", "SourceSystemReferenceValue": "org:4712"}]);
    assert_eq!(pod.write("POST", PARTIES, &with(acme(), "SourceSystemReference", other)).await.status, 201);
    assert_eq!(pod.sim.party_ids().len(), 2);
    let lax =
        Pod::with(FusionSettings { refuse_duplicate_references: false, ..FusionSettings::default() }).await;
    lax.write("POST", PARTIES, &acme()).await;
    assert_eq!(lax.write("POST", PARTIES, &acme()).await.status, 201);
}

#[tokio::test]
async fn a_reference_is_found_by_finder_and_by_nothing_else() {
    let pod = Pod::new().await;
    let party = pod.write("POST", PARTIES, &acme()).await.json();
    let finder = "SourceSystemReferenceRF;SourceSystem=PIPEDRIVE,SourceSystemReferenceValue=org:4711";
    let found = pod.get(PARTIES, &[("finder", finder)]).await.ok();
    assert_eq!((&found["count"], &found["items"][0]["PartyId"]), (&json!(1), &party["PartyId"]));
    let none = "SourceSystemReferenceRF;SourceSystem=PIPEDRIVE,SourceSystemReferenceValue=org:1";
    assert_eq!(pod.get(PARTIES, &[("finder", none)]).await.ok()["count"], 0);
    let q = "SourceSystemReferenceValue = 'org:4711'";
    assert_eq!(pod.get(PARTIES, &[("q", q)]).await.ok()["count"], 0);
}

#[tokio::test]
async fn bodies_are_checked_attribute_by_attribute() {
    let pod = Pod::new().await;
    for (name, value, code) in [
        ("Nonsense", json!("x"), "27022"),
        ("PartyId", json!(1), "27008"),
        ("City", json!("Espoo"), "27008"),
        ("PartyNumber", json!("ME-1"), "27008"),
        ("OrganizationName", json!(7), "27018"),
        ("OrganizationName", json!("x".repeat(361)), "27040"),
        ("OrganizationName", json!(""), "27014"),
        ("Address", json!([{"City": "Espoo"}]), "27014"),
    ] {
        let answer = pod.write("POST", PARTIES, &with(acme(), name, value.clone())).await;
        let code_told = answer.refused(400).json()["o:errorDetails"][0]["o:errorCode"].clone();
        assert_eq!(code_told, code, "{name} {value}");
    }
    pod.write_with("POST", PARTIES, &acme(), &[("content-type", "text/plain")]).await.refused(415);
    assert_eq!(
        pod.write_with("POST", PARTIES, &acme(), &[("content-type", "application/json")]).await.status,
        201
    );
}

#[tokio::test]
async fn if_match_protects_and_without_it_the_last_writer_wins() {
    let pod = Pod::new().await;
    let id =
        pod.sim.add_party(Edit::set(json!({"OrganizationName": "A", "PartyUsageCode": "CUSTOMER"}))).unwrap();
    let path = format!("{PARTIES}/{}", pod.sim.party_number(id).unwrap());
    let etag = pod.get(&path, &[]).await.header("etag").to_owned();
    pod.sim.edit_party(id, &Edit::set(json!({"OrganizationName": "B"}))).unwrap();
    let body = json!({"OrganizationName": "C"});
    pod.write_with("PATCH", &path, &body, &[("if-match", &etag)]).await.refused(412);
    assert_eq!(pod.sim.party(id).unwrap()["OrganizationName"], "B");
    let etag = pod.get(&path, &[]).await.header("etag").to_owned();
    assert_eq!(
        pod.write_with("PATCH", &path, &body, &[("if-match", &etag)]).await.ok()["OrganizationName"],
        "C"
    );
    pod.write("PATCH", &path, &json!({"OrganizationName": "D"})).await.ok();
    let party = pod.sim.party(id).unwrap();
    assert_eq!((&party["OrganizationName"], &party["LastUpdatedBy"]), (&json!("D"), &json!("ml.connector")));
}

#[tokio::test]
async fn an_inactive_party_is_not_updatable() {
    let pod = Pod::new().await;
    let id = pod.sim.add_party(Edit::set(json!({"OrganizationName": "A", "Status": "I"}))).unwrap();
    let number = pod.sim.party_number(id).unwrap();
    let answer = pod.write("PATCH", &format!("{PARTIES}/{number}"), &json!({"OrganizationName": "B"})).await;
    assert!(answer.refused(400).text.contains("Inactive records can't be updated."));
    let usage = json!({"PartyUsageCode": "CUSTOMER"});
    pod.write("POST", &format!("{PARTIES}/{number}/child/UsageAssignment"), &usage).await.refused(400);
}

#[tokio::test]
async fn upsert_mode_finds_by_number_and_by_reference_only_if_so_set() {
    let upsert = [("upsert-mode", "true")];
    let pod =
        Pod::with(FusionSettings { party_numbers_from_outside: true, ..FusionSettings::default() }).await;
    let body = with(acme(), "PartyNumber", json!("ME-1"));
    assert_eq!(pod.write_with("POST", PARTIES, &body, &upsert).await.status, 201);
    let renamed = with(body, "OrganizationName", json!("Acme Limited"));
    assert_eq!(
        pod.write_with("POST", PARTIES, &renamed, &upsert).await.ok()["OrganizationName"],
        "Acme Limited"
    );
    pod.write_with("POST", PARTIES, &acme(), &upsert).await.refused(400);
    let lax = Pod::with(FusionSettings { upsert_by_reference: true, ..FusionSettings::default() }).await;
    lax.write_with("POST", PARTIES, &acme(), &upsert).await;
    lax.write_with("POST", PARTIES, &acme(), &upsert).await.ok();
    assert_eq!(lax.sim.party_ids().len(), 1);
}

#[tokio::test]
async fn find_duplicates_is_an_action_that_has_to_be_configured() {
    let action = format!("{PARTIES}/action/findDuplicates");
    let media = [("content-type", "application/vnd.oracle.adf.action+json")];
    let body = json!({"hubOrganization": {"OrganizationName": "ACME LTD"}});
    let pod = Pod::new().await;
    pod.write_with("POST", &action, &body, &media).await.refused(400);
    let pod = Pod::with(FusionSettings { duplicate_check: true, ..FusionSettings::default() }).await;
    pod.write("POST", PARTIES, &acme()).await;
    let found = pod.write_with("POST", &action, &body, &media).await.ok();
    assert_eq!(found["result"][0]["OrganizationName"], "Acme Ltd");
    pod.write("POST", &action, &body).await.refused(415);
}

#[tokio::test]
async fn what_is_not_modelled_is_refused_with_501_and_read_only_resources_with_405() {
    let pod = Pod::new().await;
    let base = "/fscmRestApi/resources/11.13.18.05";
    pod.write("POST", &format!("{base}/receivablesInvoices"), &json!({"InvoiceStatus": "Complete"}))
        .await
        .refused(501);
    pod.write("POST", &format!("{base}/purchaseOrders"), &json!({"Description": "x"})).await.refused(405);
    let accounts = format!("{base}/receivablesCustomerAccountActivities");
    pod.write("POST", &accounts, &json!({"AccountNumber": "1"})).await.refused(405);
}

#[tokio::test]
async fn describe_tells_what_a_resource_offers_and_what_an_update_took_away() {
    let pod = Pod::new().await;
    let body = pod.get(&format!("{PARTIES}/describe"), &[]).await.ok();
    let resource = &body["Resources"]["hubOrganizations"];
    let attribute = |name: &str| {
        let all = resource["attributes"].as_array().unwrap();
        all.iter().find(|attribute| attribute["name"] == name).cloned()
    };
    let name = attribute("OrganizationName").unwrap();
    assert_eq!(
        (&name["queryable"], &name["mandatory"], &name["maxLength"]),
        (&json!(true), &json!(true), &json!("360"))
    );
    assert_eq!(attribute("FormattedAddress").unwrap()["queryable"], false);
    assert_eq!(attribute("PartyId").unwrap()["updatable"], false);
    assert!(resource["children"]["Address"]["attributes"].is_array());
    assert_eq!(resource["collection"]["allowedFrameworkVersions"], "1,2,3,4,5,6,7,8,9");
    let removed = vec!["hubOrganizations.DUNSNumber".to_owned()];
    let pod = Pod::with(FusionSettings { removed_attributes: removed, ..FusionSettings::default() }).await;
    pod.sim.add_party(Edit::set(json!({"OrganizationName": "A", "DUNSNumber": "1"}))).unwrap();
    let body = pod.get(&format!("{PARTIES}/describe"), &[]).await.ok();
    assert!(!body.to_string().contains("\"DUNSNumber\""));
    pod.get(PARTIES, &[("q", "DUNSNumber = '1'")]).await.refused(400);
    pod.get(PARTIES, &[("fields", "DUNSNumber")]).await.refused(400);
    pod.get(PARTIES, &[("orderBy", "DUNSNumber")]).await.refused(400);
    assert!(pod.get(PARTIES, &[]).await.ok()["items"][0].get("DUNSNumber").is_none());
}
