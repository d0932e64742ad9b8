//! Persons and whose contacts they are (docs: faaps, api-hub-persons; oesws, Add-a-New-Role-to-an-Existing-Account-Contact).

use saas_sims::fusion::FusionSettings;
use serde_json::{Value, json};

use crate::http::{PARTIES, Pod};
use crate::soap::{BY, Desk, element, fault, value};

const PERSONS: &str = "/crmRestApi/resources/11.13.18.05/hubPersons";
const FINDER: &str =
    "finder=SourceSystemReferenceRF;SourceSystem=PIPEDRIVE,SourceSystemReferenceValue=pd:1:person:7";

fn ada() -> Value {
    json!({
        "PersonFirstName": "Ada", "PersonLastName": "Lovelace", "PartyUsageCode": "ORG_CONTACT",
        "EmailAddress": "ada@acme.example",
        "SourceSystemReference": [{"SourceSystem": "PIPEDRIVE", "SourceSystemReferenceValue": "pd:1:person:7"}],
    })
}

fn contact_of(party: i64) -> Value {
    json!({"ObjectPartyId": party, "RelationshipCode": "CONTACT_OF", "RelationshipType": "CONTACT"})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[tokio::test]
async fn a_person_is_made_with_its_reference_and_found_by_it() {
    let pod = Pod::new().await;
    assert_eq!(pod.get(&format!("{PERSONS}?{FINDER}"), &[]).await.ok()["items"], json!([]));
    let answer = pod.write("POST", PERSONS, &ada()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let made = answer.json();
    assert_eq!((&made["PartyName"], &made["Status"]), (&json!("Ada Lovelace"), &json!("A")));
    let found = pod.get(&format!("{PERSONS}?{FINDER}"), &[]).await.ok();
    assert_eq!(found["items"][0]["PartyId"], made["PartyId"]);
    assert!(pod.sim.party_ids().is_empty(), "a person is no organization");
    let by_reference = format!("{PARTIES}?{FINDER}");
    assert_eq!(pod.get(&by_reference, &[]).await.ok()["items"], json!([]), "nor found as one");
}

#[tokio::test]
async fn what_no_person_can_be_is_refused_and_nothing_is_stored() {
    let pod = Pod::new().await;
    for (body, code) in [
        (with(ada(), "PartyUsageCode", Value::Null), "HZ-120421"),
        (with(ada(), "PersonLastName", json!("")), "27014"),
        (with(ada(), "PartyName", json!("Ada")), "27008"),
        (with(ada(), "Shoes", json!(38)), "27022"),
        (
            with(
                ada(),
                "SourceSystemReference",
                json!([{"SourceSystem": "OTHER", "SourceSystemReferenceValue": "1"}]),
            ),
            "HZ-120559",
        ),
    ] {
        let answer = pod.write("POST", PERSONS, &body).await;
        assert_eq!(answer.refused(400).json()["o:errorDetails"][0]["o:errorCode"], code, "{body}");
    }
    assert_eq!(pod.sim.persons(), Vec::<Value>::new());
    pod.write("POST", PERSONS, &ada()).await;
    pod.write("POST", PERSONS, &ada()).await.refused(400);
    assert_eq!(pod.sim.persons().len(), 1, "one of a reference");
    let lax =
        Pod::with(FusionSettings { refuse_duplicate_references: false, ..FusionSettings::default() }).await;
    for _ in 0..2 {
        lax.write("POST", PERSONS, &ada()).await;
    }
    assert_eq!(lax.sim.persons().len(), 2, "unless so set");
}

#[tokio::test]
async fn a_relationship_makes_a_person_a_contact_and_both_sides_show_it() {
    for both in [true, false] {
        let settings = FusionSettings { relationships_both_ways: both, ..FusionSettings::default() };
        let desk = Desk::with(settings).await;
        let pod = &desk.pod;
        let person = pod.write("POST", PERSONS, &ada()).await.json();
        let own = format!("{PERSONS}/{}/child/Relationship", person["PartyNumber"].as_str().unwrap());
        let party = pod.sim.party_number(desk.party).unwrap();
        let theirs = format!("{PARTIES}/{party}/child/Relationship");
        pod.write("POST", &own, &with(contact_of(desk.party), "RelationshipCode", json!("EMPLOYEE_OF")))
            .await
            .refused(400);
        pod.write("POST", &own, &contact_of(1)).await.refused(400);
        let made = pod.write("POST", &own, &contact_of(desk.party)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        assert_eq!(made["SubjectPartyId"], person["PartyId"]);
        pod.write("POST", &own, &contact_of(desk.party)).await.refused(400);
        let seen = pod.get(&own, &[]).await.ok()["items"].clone();
        assert_eq!((seen.as_array().unwrap().len(), &seen[0]["RelationshipCode"]), (1, &json!("CONTACT_OF")));
        let seen = pod.get(&theirs, &[]).await.ok()["items"].clone();
        assert_eq!(seen.as_array().unwrap().len(), usize::from(both));
        if both {
            assert_eq!(
                (&seen[0]["RelationshipCode"], &seen[0]["ObjectPartyName"]),
                (&json!("CONTACT"), &json!("Ada Lovelace"))
            );
            assert_eq!(seen[0]["RelationshipId"], made["RelationshipId"]);
        }
    }
}

fn contact(relationship: i64, more: &str) -> String {
    let role = format!("<cus:ResponsibilityType>BILL_TO</cus:ResponsibilityType>{BY}");
    element(
        "CustomerAccountContact",
        &format!(
            "<cus:RelationshipId>{relationship}</cus:RelationshipId><cus:RoleType>CONTACT</cus:RoleType>{more}{}",
            element("CustomerAccountContactRole", &role)
        ),
    )
}

#[tokio::test]
async fn whoever_is_a_contact_of_the_party_can_be_one_of_its_account() {
    let desk = Desk::new().await;
    let account = value(&desk.create(&desk.full("org:1")).await).id("CustomerAccountId");
    let merge = |inside: String| format!("<cus:CustomerAccountId>{account}</cus:CustomerAccountId>{inside}");
    let (_, relationship) = desk.pod.sim.add_contact(desk.party, "Ada", "Lovelace").unwrap();
    let stranger = fault(&desk.account("mergeCustomerAccount", &merge(contact(1, BY))).await);
    assert_eq!(stranger.attributes, ["RelationshipId"]);
    let bare = fault(&desk.account("mergeCustomerAccount", &merge(contact(relationship, ""))).await);
    assert!(bare.text.contains("JBO-27024"), "{bare:?}");
    assert!(desk.pod.sim.account_contacts(account).is_empty());

    let made = value(&desk.account("mergeCustomerAccount", &merge(contact(relationship, BY))).await);
    let one = made.one("CustomerAccountContact");
    assert_eq!((one.id("RelationshipId"), one.text("RoleType")), (relationship, "CONTACT"));
    assert_eq!(one.one("CustomerAccountContactRole").text("ResponsibilityType"), "BILL_TO");
    assert_eq!(
        desk.pod.sim.contact_roles(account)[0]["CustomerAccountRoleId"],
        json!(one.id("CustomerAccountRoleId"))
    );
    // The same once more is refused, and one more purpose is not.
    fault(&desk.account("mergeCustomerAccount", &merge(contact(relationship, BY))).await);
    let role = format!("<cus:ResponsibilityType>SHIP_TO</cus:ResponsibilityType>{BY}");
    let more = format!(
        "<cus:CustomerAccountRoleId>{}</cus:CustomerAccountRoleId>{}",
        one.id("CustomerAccountRoleId"),
        element("CustomerAccountContactRole", &role)
    );
    value(&desk.account("mergeCustomerAccount", &merge(element("CustomerAccountContact", &more))).await);
    assert_eq!(desk.pod.sim.contact_roles(account).len(), 2);
}
