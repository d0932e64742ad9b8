//! Persons and contacts: exact requests, answers of all shapes, and the simulated pod.

use saas_sims::fusion::{Edit, FusionSettings};
use serde_json::json;
use sync_core::{
    customers::{BILL_TO, NewAccountContact, NewPerson, Reference},
    error::{Effect, ErrorKind},
    ids::{AccountContactId, AccountId, PartyId, RelationshipId},
    model::PartyStatus,
};

use crate::{pod::pod, support::*, world::*};

fn reference() -> Reference {
    Reference { system: "PIPEDRIVE".to_owned(), value: "pd:1:person:7".to_owned() }
}

fn ada() -> NewPerson {
    NewPerson {
        first: Some("Ada".to_owned()),
        last: "Lovelace".to_owned(),
        email: Some("ada@acme.example".to_owned()),
        phone: None,
        usage: "ORG_CONTACT".to_owned(),
        reference: reference(),
    }
}

#[tokio::test]
async fn a_person_becomes_a_contact_of_party_and_account_and_is_found_again_at_every_step() {
    for both in [true, false] {
        let settings = FusionSettings { relationships_both_ways: both, ..FusionSettings::default() };
        let (sim, fusion) = pod(settings);
        let values = json!({"OrganizationName": "Acme", "PartyUsageCode": "EXTERNAL_LEGAL_ENTITY"});
        let party = sim.add_party(Edit::set(values)).unwrap();
        let account = AccountId(sim.add_account(party, Edit::default()).unwrap());
        let (party, number) = (PartyId(party), sim.party_number(party).unwrap());

        assert_eq!(fusion.persons_by_reference(&reference()).await.unwrap(), []);
        let made = fusion.create_person(&ada()).await.unwrap();
        assert_eq!(fusion.persons_by_reference(&reference()).await.unwrap(), std::slice::from_ref(&made));
        assert_eq!(fusion.contact_of(&made.number, party).await.unwrap(), None);
        let relationship = fusion.add_contact(&made.number, party).await.unwrap();
        assert_eq!(fusion.contact_of(&made.number, party).await.unwrap(), Some(relationship));
        assert_eq!(fusion.contact_of(&made.number, PartyId(1)).await.unwrap(), None);
        let seen = fusion.contacts(&number).await.unwrap();
        assert_eq!(seen.len(), usize::from(both), "as far as the organization's rows tell");
        for one in seen {
            let name = one.name.as_deref();
            assert_eq!((one.relationship, one.person, name), (relationship, made.id, Some("Ada Lovelace")));
        }
        let purpose = || BILL_TO.to_owned();
        let new = NewAccountContact { relationship, known: None, purpose: purpose(), primary: true };
        let became = fusion.add_account_contact(account, &new).await.unwrap();
        assert_eq!(fusion.account(account).await.unwrap().as_ref(), Some(&became));
        let contact = &became.contacts[0];
        assert_eq!((contact.relationship, contact.active), (relationship, true));
        assert_eq!((contact.purposes.as_slice(), became.unclear), ([purpose()].as_slice(), None));
        let known = Some(contact.id);
        let more = NewAccountContact { purpose: "SHIP_TO".to_owned(), known, primary: false, ..new };
        let became = fusion.add_account_contact(account, &more).await.unwrap();
        assert_eq!((became.contacts.len(), became.contacts[0].purposes.len()), (1, 2));
    }
}

#[tokio::test]
async fn a_person_is_sent_as_documented_and_an_answer_without_keys_is_in_doubt() {
    let (fusion, log) = fusion(|_| reply(201, &[], r#"{"PartyId":900,"PartyNumber":"P-900","Status":"I"}"#));
    let made = fusion.create_person(&ada()).await.unwrap();
    assert_eq!((made.id, made.number.as_str(), made.status), (PartyId(900), "P-900", PartyStatus::Inactive));
    let sent = log.last();
    assert_eq!(sent.path(), "/crmRestApi/resources/11.13.18.05/hubPersons");
    let body: serde_json::Value = serde_json::from_str(&sent.body).unwrap();
    let expected = json!({
        "PersonFirstName": "Ada", "PersonLastName": "Lovelace", "EmailAddress": "ada@acme.example",
        "PartyUsageCode": "ORG_CONTACT",
        "SourceSystemReference": [{"SourceSystem": "PIPEDRIVE", "SourceSystemReferenceValue": "pd:1:person:7"}],
    });
    assert_eq!(body, expected);

    let (fusion, _) = self::fusion(|_| reply(201, &[], r#"{"PartyId":900}"#));
    let error = fusion.create_person(&ada()).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::InDoubt));
    let (fusion, _) = self::fusion(|_| reply(201, &[], r#"{"RelationshipRecId":1}"#));
    let error = fusion.add_contact("P-900", PartyId(7)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::InDoubt));
    for system in ["", "A,B"] {
        let reference = Reference { system: system.to_owned(), ..reference() };
        let error = fusion.persons_by_reference(&reference).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Rejected, "no finder can say {system:?}");
    }
}

#[tokio::test]
async fn relationships_that_are_over_or_of_another_kind_make_nobody_a_contact() {
    let row = |id: i64, code: &str, more: &str| {
        format!(
            r#"{{"RelationshipRecId":{id},"RelationshipId":{id},"RelationshipCode":"{code}","SubjectPartyId":900,"ObjectPartyId":7{more}}}"#
        )
    };
    let rows = [
        row(1, "EMPLOYEE_OF", ""),
        row(2, "CONTACT_OF", r#","Status":"I""#),
        row(3, "CONTACT_OF", r#","Status":"A","EndDate":"2020-01-01""#),
        row(4, "CONTACT_OF", r#","Status":"A","EndDate":"4712-12-31""#),
    ];
    let page = format!(r#"{{"items":[{}],"hasMore":false}}"#, rows.join(","));
    let (fusion, _) = fusion(move |_| ok(page.as_str()));
    assert_eq!(fusion.contact_of("P-900", PartyId(7)).await.unwrap(), Some(RelationshipId(4)));
    let (fusion, _) = self::fusion(|_| {
        ok(r#"{"items":[{"RelationshipRecId":1,"RelationshipCode":"CONTACT_OF"}],"hasMore":false}"#)
    });
    let error = fusion.contact_of("P-900", PartyId(7)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreadable, "overlooked, it would be made twice");
}

#[tokio::test]
async fn a_contact_of_an_account_is_sent_with_its_module_at_every_level() {
    let answer = "<ns2:Value><ns2:CustomerAccountId>11</ns2:CustomerAccountId><ns2:PartyId>7</ns2:PartyId>\
        <ns2:AccountNumber>1006</ns2:AccountNumber><ns2:CustomerAccountContact>\
        <ns2:CustomerAccountRoleId>50</ns2:CustomerAccountRoleId><ns2:RelationshipId>30</ns2:RelationshipId>\
        <ns2:CustomerAccountContactRole><ns2:ResponsibilityType>BILL_TO</ns2:ResponsibilityType>\
        </ns2:CustomerAccountContactRole></ns2:CustomerAccountContact><ns2:CustomerAccountContact>\
        <ns2:ContactPersonId>3</ns2:ContactPersonId></ns2:CustomerAccountContact></ns2:Value>";
    let (fusion, log) = fusion(|_| answered("mergeCustomerAccount", CUS, answer));
    let new = NewAccountContact {
        relationship: RelationshipId(30),
        known: None,
        purpose: BILL_TO.to_owned(),
        primary: true,
    };
    let account = fusion.add_account_contact(AccountId(11), &new).await.unwrap();
    assert_eq!(account.contacts.len(), 1, "whoever has no relationship is an employee");
    assert_eq!((account.contacts[0].id, account.unclear), (AccountContactId(50), None));
    let by = "<cus:CreatedByModule>HZ_WS</cus:CreatedByModule>";
    let expected = format!(
        "<cus:CustomerAccountContact><cus:CustomerAccountId>11</cus:CustomerAccountId><cus:PrimaryFlag>false</cus:PrimaryFlag>\
         <cus:RoleType>CONTACT</cus:RoleType>{by}<cus:RelationshipId>30</cus:RelationshipId><cus:CustomerAccountContactRole>\
         <cus:ResponsibilityType>BILL_TO</cus:ResponsibilityType><cus:PrimaryFlag>true</cus:PrimaryFlag>{by}\
         </cus:CustomerAccountContactRole></cus:CustomerAccountContact>"
    );
    assert!(log.last().body.contains(&expected), "{}", log.last().body);
}

#[tokio::test]
async fn contacts_that_cannot_be_read_spoil_nothing_but_contacts() {
    let answer = "<ns2:Value><ns2:CustomerAccountId>11</ns2:CustomerAccountId><ns2:PartyId>7</ns2:PartyId>\
        <ns2:AccountNumber>1006</ns2:AccountNumber><ns2:CustomerAccountContact>\
        <ns2:RelationshipId>thirty</ns2:RelationshipId></ns2:CustomerAccountContact></ns2:Value>";
    let (fusion, _) = fusion(|_| answered("getCustomerAccount", CUS, answer));
    let account = fusion.account(AccountId(11)).await.unwrap().unwrap();
    assert_eq!((account.number.as_str(), account.contacts.len()), ("1006", 0));
    assert!(account.unclear.is_some_and(|why| why.contains("RelationshipId")));
}
