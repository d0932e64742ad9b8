//! The envelope, paging, order, items and errors (sections 4.1 to 4.8).

use std::collections::BTreeSet;

use saas_sims::fusion::{Edit, FusionSettings};
use saas_sims::generator::populate;
use serde_json::json;

use crate::http::{ACCOUNTS, PARTIES, Pod, column, ids, start};

async fn filled(customers: usize) -> Pod {
    let pod = Pod::new().await;
    populate(&pod.sim, customers, 1, start());
    pod
}

#[tokio::test]
async fn the_envelope_has_these_members_and_no_others() {
    let pod = filled(30).await;
    let body = pod.get(PARTIES, &[]).await.ok();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["count", "hasMore", "items", "limit", "links", "offset"]);
    assert_eq!(
        (body["count"].as_i64(), body["limit"].as_i64(), body["offset"].as_i64()),
        (Some(25), Some(25), Some(0))
    );
    assert_eq!(body["hasMore"], true);
    let href = "https://pod.example:443/crmRestApi/resources/11.13.18.05/hubOrganizations";
    assert_eq!(
        body["links"],
        json!([{"rel": "self", "href": href, "name": "hubOrganizations", "kind": "collection"}])
    );
}

#[tokio::test]
async fn total_results_come_only_on_request() {
    let pod = filled(30).await;
    let body = pod.get(PARTIES, &[("totalResults", "true"), ("limit", "1")]).await.ok();
    assert_eq!(body["totalResults"], json!(pod.sim.party_ids().len()));
}

#[tokio::test]
async fn a_limit_above_the_cap_is_clamped_and_echoed() {
    let pod = Pod::with(FusionSettings { page_cap: 20, ..FusionSettings::default() }).await;
    populate(&pod.sim, 30, 1, start());
    let body = pod.get(PARTIES, &[("limit", "1000")]).await.ok();
    assert_eq!((body["limit"].as_i64(), body["count"].as_i64()), (Some(20), Some(20)));
    let default = filled(1).await.get(PARTIES, &[("limit", "1000")]).await.ok();
    assert_eq!(default["limit"], 500);
}

#[tokio::test]
async fn an_offset_walk_in_a_total_order_sees_every_row_once() {
    let pod = filled(60).await;
    let mut seen = Vec::new();
    loop {
        let offset = seen.len().to_string();
        let query = [("orderBy", "LastUpdateDate:asc,PartyId:asc"), ("limit", "7"), ("offset", &offset)];
        let body = pod.get(PARTIES, &query).await.ok();
        seen.extend(ids(&body["items"], "PartyId"));
        if body["hasMore"] == false {
            break;
        }
    }
    let distinct: BTreeSet<i64> = seen.iter().copied().collect();
    assert_eq!((seen.len(), distinct.len()), (pod.sim.party_ids().len(), seen.len()));
}

#[tokio::test]
async fn without_order_by_the_order_changes_from_request_to_request() {
    let pod = filled(60).await;
    let first = ids(&pod.get(PARTIES, &[("limit", "500")]).await.ok()["items"], "PartyId");
    let second = ids(&pod.get(PARTIES, &[("limit", "500")]).await.ok()["items"], "PartyId");
    assert_ne!(first, second);
}

#[tokio::test]
async fn ties_are_in_no_order_without_a_unique_column() {
    let pod = filled(60).await;
    pod.sim.stamp_parties(&pod.sim.party_ids(), start());
    let query = [("orderBy", "LastUpdateDate:asc"), ("limit", "500")];
    let first = ids(&pod.get(PARTIES, &query).await.ok()["items"], "PartyId");
    let second = ids(&pod.get(PARTIES, &query).await.ok()["items"], "PartyId");
    assert_ne!(first, second);
}

#[tokio::test]
async fn order_by_takes_several_columns_and_directions() {
    let pod = filled(40).await;
    let query = [("orderBy", "Status:desc,PartyId:desc"), ("limit", "500")];
    let found = ids(&pod.get(PARTIES, &query).await.ok()["items"], "PartyId");
    assert!(found.is_sorted_by(|left, right| left > right));
    for bad in ["partyId", "PartyId:down", "FormattedAddress:asc", "PartyId;asc"] {
        pod.get(PARTIES, &[("orderBy", bad)]).await.refused(400);
    }
}

#[tokio::test]
async fn nulls_are_present_and_fields_projects() {
    let pod = filled(5).await;
    let body = pod.get(PARTIES, &[("onlyData", "true")]).await.ok();
    assert_eq!(body["items"][0].as_object().unwrap().len(), 136);
    assert_eq!(body["items"][0]["SourceSystem"], json!(null));
    let query = [("fields", "PartyId,OrganizationName"), ("onlyData", "true")];
    let item = &pod.get(PARTIES, &query).await.ok()["items"][0];
    assert_eq!(item.as_object().unwrap().keys().collect::<Vec<_>>(), ["OrganizationName", "PartyId"]);
    pod.get(PARTIES, &[("fields", "PartyId,Name")]).await.refused(400);
}

#[tokio::test]
async fn only_data_drops_the_links_that_carry_the_change_indicator() {
    let pod = filled(2).await;
    let item = &pod.get(PARTIES, &[]).await.ok()["items"][0];
    assert!(item["links"][0]["properties"]["changeIndicator"].as_str().unwrap().starts_with("ACED0005"));
    assert!(item["links"][0]["href"].as_str().unwrap().contains(":443/"));
    let bare = &pod.get(PARTIES, &[("onlyData", "true")]).await.ok()["items"][0];
    assert_eq!(bare.get("links"), None);
}

#[tokio::test]
async fn an_item_is_found_by_party_number_and_not_by_party_id() {
    let pod = filled(3).await;
    let id = pod.sim.party_ids()[0];
    let number = pod.sim.party(id).unwrap()["PartyNumber"].as_str().unwrap().to_owned();
    assert_ne!(number, id.to_string());
    let answer = pod.get(&format!("{PARTIES}/{number}"), &[]).await;
    assert_eq!(answer.ok()["PartyId"], id);
    pod.get(&format!("{PARTIES}/{id}"), &[]).await.refused(404);
}

#[tokio::test]
async fn the_etag_is_the_change_indicator_and_moves_with_the_row() {
    let pod = filled(1).await;
    let id = pod.sim.party_ids()[0];
    let path = format!("{PARTIES}/{}", pod.sim.party(id).unwrap()["PartyNumber"].as_str().unwrap());
    let answer = pod.get(&path, &[]).await;
    let etag = answer.header("etag").to_owned();
    assert_eq!(etag.trim_matches('"'), answer.ok()["links"][0]["properties"]["changeIndicator"]);
    let headers = [("if-none-match", etag.as_str()), ("rest-framework-version", "4")];
    pod.get_with(&path, &[], &headers).await.refused(304);
    pod.sim.edit_party(id, &Edit::set(json!({"City": "Tartu"}))).unwrap();
    assert_eq!(pod.get_with(&path, &[], &headers).await.ok()["City"], "Tartu");
}

#[tokio::test]
async fn each_resource_has_one_root_and_two_names_for_the_release() {
    let pod = filled(1).await;
    pod.get("/fscmRestApi/resources/11.13.18.05/hubOrganizations", &[]).await.refused(404);
    pod.get("/crmRestApi/resources/11.13.18.05/receivablesCustomerAccountActivities", &[]).await.refused(404);
    pod.get("/crmRestApi/resources/11.13.18.04/hubOrganizations", &[]).await.refused(404);
    pod.get("/crmRestApi/resources/latest/hubOrganizations", &[]).await.ok();
    pod.get(ACCOUNTS, &[]).await.ok();
}

#[tokio::test]
async fn an_account_names_its_party_and_follows_its_name() {
    let pod = Pod::new().await;
    let party = pod.sim.add_party(Edit::set(json!({"OrganizationName": "Old"}))).unwrap();
    pod.sim.add_account(party, Edit::default()).unwrap();
    let before = pod.get(ACCOUNTS, &[("q", &format!("CustomerId = {party}"))]).await.ok()["items"][0].clone();
    pod.clock.advance(jiff::SignedDuration::from_secs(60));
    pod.sim.edit_party(party, &Edit::set(json!({"OrganizationName": "New"}))).unwrap();
    let after = pod.get(ACCOUNTS, &[("q", &format!("CustomerId = {party}"))]).await.ok()["items"][0].clone();
    assert_eq!((before["CustomerName"].as_str(), after["CustomerName"].as_str()), (Some("Old"), Some("New")));
    assert_eq!(before["LastUpdateDate"], after["LastUpdateDate"]);
}

#[tokio::test]
async fn the_framework_version_is_echoed_and_limited_to_nine() {
    let pod = filled(1).await;
    let default = pod.get_with(PARTIES, &[], &[]).await;
    assert_eq!(default.header("rest-framework-version"), "1");
    let pinned = pod.get_with(PARTIES, &[], &[("rest-framework-version", "9")]).await;
    assert_eq!(pinned.header("rest-framework-version"), "9");
    for bad in ["0", "10", "four"] {
        pod.get_with(PARTIES, &[], &[("rest-framework-version", bad)]).await.refused(400);
    }
}

#[tokio::test]
async fn errors_are_structured_from_framework_four_on_and_plain_text_before() {
    let pod = filled(1).await;
    let structured = pod.get(PARTIES, &[("q", "Nope = 'x'")]).await;
    let body = structured.refused(400).json();
    assert_eq!((body["title"].as_str(), body["status"].as_str()), (Some("Bad Request"), Some("400")));
    assert_eq!(body.get("o:errorCode"), None);
    assert!(body["o:errorDetails"][0]["detail"].as_str().unwrap().contains("Nope"));
    let plain = pod.get_with(PARTIES, &[("q", "Nope=x")], &[("rest-framework-version", "3")]).await;
    assert!(plain.refused(400).header("content-type").starts_with("text/plain"));
}

#[tokio::test]
async fn the_error_media_type_may_give_406_with_an_empty_body() {
    let pod = Pod::with(FusionSettings { error_accept_is_406: true, ..FusionSettings::default() }).await;
    let accept = "application/vnd.oracle.adf.error+json, application/json";
    let headers = [("accept", accept), ("rest-framework-version", "4")];
    assert_eq!(pod.get_with(PARTIES, &[("q", "Nope = 'x'")], &headers).await.refused(406).text, "");
}

#[tokio::test]
async fn parameters_are_checked() {
    let pod = filled(1).await;
    for (name, value) in [
        ("limit", "0"),
        ("limit", "-1"),
        ("offset", "x"),
        ("onlyData", "yes"),
        ("Limit", "5"),
        ("expand", "Nonsense"),
        ("dependency", "x"),
    ] {
        pod.get(PARTIES, &[(name, value)]).await.refused(400);
    }
    pod.get(PARTIES, &[("limit", "5"), ("limit", "6")]).await.refused(400);
}

#[tokio::test]
async fn answers_carry_the_headers_of_a_real_pod() {
    let pod = filled(1).await;
    let answer = pod.get(PARTIES, &[]).await;
    assert_eq!(answer.header("date"), "Mon, 02 Mar 2026 10:00:00 GMT");
    assert!(answer.header("x-oracle-dms-ecid").starts_with("006"));
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("link").contains("rel=\"self\""));
}

#[tokio::test]
async fn finders_want_their_variables() {
    let pod = Pod::new().await;
    let id = pod.sim.add_party(Edit::set(json!({"OrganizationName": "A"}))).unwrap();
    let values = json!({"SourceSystem": "PIPEDRIVE", "SourceSystemReferenceValue": "org:1"});
    pod.sim.add_child(id, "SourceSystemReference", Edit::set(values)).unwrap();
    pod.sim.add_party(Edit::set(json!({"OrganizationName": "B"}))).unwrap();
    let reference = "SourceSystemReferenceRF;SourceSystem=PIPEDRIVE,SourceSystemReferenceValue=org:1";
    for finder in [reference, &format!("PrimaryKey;PartyId={id}")] {
        let body = pod.get(PARTIES, &[("finder", finder)]).await.ok();
        assert_eq!(column(&body["items"], "OrganizationName"), ["A"]);
    }
    for bad in [
        "Nope;PartyId=1",
        "PrimaryKey",
        "PrimaryKey;PartyNumber=1",
        "SourceSystemReferenceRF;SourceSystem=PIPEDRIVE",
    ] {
        pod.get(PARTIES, &[("finder", bad)]).await.refused(400);
    }
}
