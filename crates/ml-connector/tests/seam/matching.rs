//! A Pipedrive company that holds some of the customers before anybody connected the two systems.

use crate::world::{Beginning, World};
use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    pipedrive::PipedriveSettings,
};
use serde_json::{Value, json};
use sync_core::{
    answers::Answer,
    ids::{OrgId, PartyId},
};

async fn questions(world: &World, parties: &[i64]) -> Vec<Option<&'static str>> {
    let asked = async {
        let ids: Vec<PartyId> = parties.iter().copied().map(PartyId).collect();
        world.store.read(world.connection).await?.holds(&ids).await
    };
    let asked = world.drive(asked).await.expect("alive").expect("the store works");
    let of = |party: &i64| asked.get(&PartyId(*party)).map(sync_core::hold::HoldReason::key);
    parties.iter().map(of).collect()
}

#[tokio::test]
async fn a_first_sync_binds_what_is_certain_asks_about_what_is_not_and_creates_the_rest() {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    let mut world = World::new(Beginning { seed: 5, fusion, pipedrive, oauth: false }).await;
    world.sweep_every = SignedDuration::from_hours(1);
    let customer = |name: &str, more: Value| {
        let mut values = json!({"OrganizationName": name, "PartyUsageCode": "CUSTOMER", "Country": "DE"});
        values.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let party = world.fusion.add_party(Edit::set(values)).expect("a party");
        world.fusion.add_account(party, Edit::set(json!({}))).expect("an account");
        party
    };
    let certain = customer("Nordlicht Maschinenbau GmbH", json!({"URL": "https://www.nordlicht.example"}));
    let unsure = customer("Acme Ltd", json!({"URL": "acme.example"}));
    let twin = customer("Zweimal AG", json!({"URL": "zweimal.example"}));
    let other = customer("Bolt SE", json!({}));
    let parties = [certain, unsure, twin, other];
    let sales = |name: &str, site: Option<&str>| {
        world.pipedrive.create_as_person(&json!({"name": name, "website": site})).expect("an organization")
    };
    let nordlicht = sales("NORDLICHT Maschinnenbau", Some("nordlicht.example"));
    let acme = sales("ACME", None);
    let twins = [sales("Zweimal", Some("zweimal.example")), sales("Zweimal AG", Some("zweimal.example"))];

    let lease = world.take().await.expect("nobody else wants it");
    let mut engine = world.engine(&lease);
    let end = world.clock.now() + SignedDuration::from_hours(1);
    world.work_until(&mut engine, &lease, end).await;
    assert_eq!(
        questions(&world, &parties).await,
        [None, Some("ambiguous"), Some("ambiguous"), None],
        "one is certain, two are not, one is unknown to sales"
    );
    let bound = world.pipedrive.organization(nordlicht).expect("it is there");
    assert_eq!(
        (bound.name.as_str(), bound.custom["ERP customer id"].as_str()),
        ("Nordlicht Maschinenbau GmbH", Some(certain.to_string().as_str()))
    );
    let made = world.pipedrive.organizations().len();

    // Two answers: it is that one; it is none of them.
    for (party, answer) in [(unsure, Answer::Same { org: OrgId(acme) }), (twin, Answer::New)] {
        let given =
            world.store.answer_hold(world.connection, PartyId(party), &answer, "maria", world.clock.now());
        let given = world.drive(given).await.expect("alive").expect("the store works");
        assert_eq!(given, sync_store::Answered::Taken);
    }
    let end = world.clock.now() + SignedDuration::from_hours(3);
    world.work_until(&mut engine, &lease, end).await;
    assert_eq!(questions(&world, &parties).await, [None; 4]);
    assert_eq!(world.pipedrive.organizations().len(), made + 1, "only the answered one is new");
    let carries =
        |org: i64| world.pipedrive.organization(org).expect("there").custom["ERP customer id"].clone();
    assert_eq!(carries(acme), json!(unsure.to_string()));
    for org in twins {
        assert_eq!(carries(org), Value::Null, "what a person kept apart is left alone");
    }
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
    assert_eq!(world.organizations().get(&other).map(Vec::len), Some(1));
}
