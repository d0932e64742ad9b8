//! Children of a party (sections 1.2, 4.4, 8).

use saas_sims::fusion::{Edit, FusionSettings};
use serde_json::{Value, json};

use crate::http::{PARTIES, Pod, column};

fn party(pod: &Pod, name: &str) -> (i64, String) {
    let values =
        json!({"OrganizationName": name, "PartyUsageCode": "CUSTOMER", "Country": "FI", "City": "Espoo"});
    let id = pod.sim.add_party(Edit::set(values)).unwrap();
    (id, format!("{PARTIES}/{}", pod.sim.party_number(id).unwrap()))
}

#[tokio::test]
async fn what_a_party_shows_of_its_address_and_usage_are_rows_of_their_own() {
    let pod = Pod::new().await;
    let (id, path) = party(&pod, "A");
    let addresses = pod.get(&format!("{path}/child/Address"), &[]).await.ok();
    let address = &addresses["items"][0];
    assert_eq!((&address["City"], &address["PrimaryFlag"]), (&json!("Espoo"), &json!(true)));
    assert!(address["AddressId"].as_i64().unwrap() > i64::from(u32::MAX));
    let usages = pod.get(&format!("{path}/child/UsageAssignment"), &[]).await.ok();
    assert_eq!(column(&usages["items"], "PartyUsageCode"), ["CUSTOMER"]);
    // The same rows come back, with the same ids, also after a person edited the flattened address.
    pod.sim.edit_party(id, &Edit::set(json!({"City": "Vantaa"}))).unwrap();
    let again = pod.get(&format!("{path}/child/Address"), &[]).await.ok();
    assert_eq!(again["count"], 1);
    assert_eq!(again["items"][0]["AddressId"], address["AddressId"]);
    assert_eq!(again["items"][0]["City"], "Vantaa");
}

#[tokio::test]
async fn an_address_is_changed_by_its_number_and_the_party_shows_it_without_being_stamped() {
    for moves in [false, true] {
        let pod = Pod::with(FusionSettings { address_moves_party: moves, ..FusionSettings::default() }).await;
        let (id, path) = party(&pod, "A");
        let addresses = pod.get(&format!("{path}/child/Address"), &[]).await.ok();
        let number = addresses["items"][0]["AddressNumber"].as_str().unwrap().to_owned();
        let before = pod.sim.party(id).unwrap();
        pod.clock.advance(jiff::SignedDuration::from_mins(5));
        let change = json!({"City": "Turku"});
        pod.write("PATCH", &format!("{path}/child/Address/{number}"), &change).await.ok();
        let after = pod.sim.party(id).unwrap();
        assert_eq!(after["City"], "Turku");
        assert_eq!(after["LastUpdateDate"] != before["LastUpdateDate"], moves);
    }
}

#[tokio::test]
async fn expanded_children_are_arrays_below_framework_3_and_pages_from_it_on() {
    let pod = Pod::with(FusionSettings { expanded_children: 2, ..FusionSettings::default() }).await;
    let (id, _) = party(&pod, "A");
    for city in ["Oulu", "Lahti"] {
        pod.sim.add_child(id, "Address", Edit::set(json!({"Country": "FI", "City": city}))).unwrap();
    }
    let query = [("expand", "Address,UsageAssignment"), ("onlyData", "true")];
    let old = pod.get_with(PARTIES, &query, &[("rest-framework-version", "2")]).await.ok();
    assert_eq!(old["items"][0]["UsageAssignment"].as_array().unwrap().len(), 1);
    let new = pod.get(PARTIES, &query).await.ok();
    let page = &new["items"][0]["Address"];
    assert_eq!((&page["count"], &page["hasMore"], &page["limit"]), (&json!(2), &json!(true), &json!(2)));
    // `fields` wins over `expand`.
    let query = [("expand", "Address"), ("fields", "PartyId")];
    assert!(pod.get(PARTIES, &query).await.ok()["items"][0].get("Address").is_none());
    pod.get(PARTIES, &[("expand", "Nonsense")]).await.refused(400);
    pod.get(PARTIES, &[("expand", "Address.Nonsense")]).await.refused(400);
}

#[tokio::test]
async fn a_relationship_has_a_row_for_each_direction_unless_so_set_and_stamps_no_party() {
    for both in [true, false] {
        let pod =
            Pod::with(FusionSettings { relationships_both_ways: both, ..FusionSettings::default() }).await;
        let ((daughter, daughter_path), (parent, parent_path)) = (party(&pod, "D"), party(&pod, "P"));
        let stamps =
            |pod: &Pod| [daughter, parent].map(|id| pod.sim.party(id).unwrap()["LastUpdateDate"].clone());
        let before = stamps(&pod);
        pod.clock.advance(jiff::SignedDuration::from_mins(5));
        let relation = pod.sim.relate(daughter, parent, &Edit::default()).unwrap();
        assert_eq!(stamps(&pod), before);
        let rows = pod.get(&format!("{daughter_path}/child/Relationship"), &[]).await.ok();
        let row = &rows["items"][0];
        assert_eq!((&row["RelationshipCode"], &row["DirectionCode"]), (&json!("SUBSIDIARY_OF"), &json!("C")));
        assert_eq!((&row["ObjectPartyId"], &row["RelationshipId"]), (&json!(parent), &json!(relation)));
        let back = pod.get(&format!("{parent_path}/child/Relationship"), &[]).await.ok();
        assert_eq!(back["count"], i32::from(both));
        // Ended, not deleted.
        pod.sim
            .change_relation(relation, &Edit::set(json!({"Status": "I", "EndDate": "2026-03-02"})))
            .unwrap();
        let rows = pod.get(&format!("{daughter_path}/child/Relationship"), &[]).await.ok();
        assert_eq!((&rows["count"], &rows["items"][0]["Status"]), (&json!(1), &json!("I")));
    }
}

#[tokio::test]
async fn children_belong_to_their_party_and_are_queried_like_collections() {
    let pod = Pod::new().await;
    let ((id, path), (_, other)) = (party(&pod, "A"), party(&pod, "B"));
    pod.sim.add_child(id, "Address", Edit::set(json!({"Country": "SE", "City": "Lund"}))).unwrap();
    let swedish = pod.get(&format!("{path}/child/Address"), &[("q", "Country = 'SE'")]).await.ok();
    assert_eq!(column(&swedish["items"], "City"), ["Lund"]);
    let number = swedish["items"][0]["AddressNumber"].as_str().unwrap();
    pod.get(&format!("{path}/child/Address/{number}"), &[]).await.ok();
    pod.get(&format!("{other}/child/Address/{number}"), &[]).await.refused(404);
    pod.get(&format!("{path}/child/Nonsense"), &[]).await.refused(404);
    pod.get(&format!("{path}/child/AdditionalIdentifier"), &[]).await.refused(501);
    let contact: Value = json!({"ContactPointType": "EMAIL", "EmailAddress": "a@b.example"});
    let made = pod.write("POST", &format!("{path}/child/ContactPoint"), &contact).await;
    assert_eq!((made.status.as_u16(), &made.json()["PartyId"]), (201, &json!(id)));
}
