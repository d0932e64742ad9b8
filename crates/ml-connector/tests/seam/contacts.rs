//! The person of a won deal becomes the contact to bill: the real clients against the simulators, whatever gets lost.

use jiff::SignedDuration;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
    pipedrive::{PipedriveSettings, Plan},
};
use serde_json::{Value, json};
use sync_core::{
    handover::{HandoverAnswer, HandoverPolicy, Question, Subject},
    ids::OrgId,
};

use crate::{
    handovers::{Made, ONE, answer, live_and_die, made, organization, policy, question, work},
    world::{Beginning, World},
};

const NAME: &str = "Acme Trading Inc";

async fn world(seed: u64, fusion: FusionSettings) -> World {
    let pipedrive = PipedriveSettings { plan: Plan::Ultimate, seats: 20, ..PipedriveSettings::default() };
    let mut world = World::new(Beginning { seed, fusion, pipedrive, oauth: false }).await;
    world.handing = Some(HandoverPolicy { contact: Some("ORG_CONTACT".to_owned()), ..policy() });
    world
}

fn refusal() -> Fault {
    Fault::Status { status: 400, body: "no".to_owned(), content_type: None, retry_after: None }
}

fn ada(world: &World, org: i64) -> i64 {
    let emails = json!([{ "value": "ada@acme.example" }]);
    world
        .pipedrive
        .create_person(&json!({ "name": "Ada Lovelace", "org_id": org, "emails": emails }))
        .expect("a person")
}

fn win(world: &World, org: i64, person: i64) -> i64 {
    let body = json!({ "title": "Framework contract", "org_id": org, "person_id": person });
    let deal = world.pipedrive.create_deal(&body).expect("a deal");
    world.pipedrive.win_deal(deal).expect("won");
    deal
}

/// Persons, relationships of persons, contacts of accounts and how often these are billed.
fn contacts(world: &World) -> [usize; 4] {
    let accounts: Vec<i64> =
        world.fusion.party_ids().into_iter().flat_map(|party| world.fusion.account_ids(party)).collect();
    let count = |of: fn(&saas_sims::fusion::FusionSim, i64) -> Vec<Value>| -> usize {
        accounts.iter().map(|account| of(&world.fusion, *account).len()).sum()
    };
    [
        world.fusion.persons().len(),
        world.fusion.person_contacts().len(),
        count(saas_sims::fusion::FusionSim::account_contacts),
        count(saas_sims::fusion::FusionSim::contact_roles),
    ]
}

#[tokio::test]
async fn the_deals_person_is_whom_the_bill_goes_to() {
    for (seed, both) in [(1, true), (2, false)] {
        let fusion = FusionSettings { relationships_both_ways: both, ..FusionSettings::default() };
        let world = world(seed, fusion).await;
        let org = organization(&world, NAME);
        work(&world, 10).await;
        let person = ada(&world, org);
        win(&world, org, person);
        work(&world, 40).await;
        assert_eq!((made(&world, NAME), contacts(&world)), (ONE, [1, 1, 1, 1]));
        let entered = &world.fusion.persons()[0];
        assert_eq!(
            (&entered["PartyName"], &entered["EmailAddress"]),
            (&json!("Ada Lovelace"), &json!("ada@acme.example"))
        );
        assert_eq!(question(&world, Subject::Org(OrgId(org))).await, None);
        let journal = async { world.store.read(world.connection).await?.journal(None, None, 100).await };
        let journal = world.drive(journal).await.expect("alive").expect("the store works");
        let ops: Vec<&str> = journal.iter().rev().map(|row| row.entry.op.as_str()).collect();
        let expected = [
            "create_party",
            "create_account",
            "create_profile",
            "create_person",
            "add_contact",
            "add_account_contact",
        ];
        assert_eq!(ops[..6], expected, "{ops:?}");
        assert_eq!(world.organizations().len(), 1, "its numbers came back");

        // Another deal with another person: the customer is there, and keeps its contact.
        let other = world
            .pipedrive
            .create_person(&json!({ "name": "Charles Babbage", "org_id": org }))
            .expect("a person");
        win(&world, org, other);
        work(&world, 40).await;
        assert_eq!((made(&world, NAME), contacts(&world)), (ONE, [1, 1, 1, 1]));
        assert_eq!(world.check_agreement().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn whoever_is_a_contact_already_is_taken() {
    let world = world(3, FusionSettings::default()).await;
    let supplier = json!({
        "OrganizationName": NAME, "PartyUsageCode": "SUPPLIER", "URL": "https://acme-trading.example",
        "Address1": "500 Oracle Pkwy", "City": "Redwood City", "State": "CA", "PostalCode": "94065", "Country": "US",
    });
    let party = world.fusion.add_party(Edit::set(supplier)).expect("a party");
    let (known, _) = world.fusion.add_contact(party, "ADA", "Lovelace").expect("a contact");
    let org = organization(&world, NAME);
    work(&world, 10).await;
    let person = ada(&world, org);
    win(&world, org, person);
    work(&world, 30).await;
    answer(&world, Subject::Org(OrgId(org)), HandoverAnswer::Go).await;
    work(&world, 30).await;
    assert_eq!((made(&world, NAME), contacts(&world)), (ONE, [1, 1, 1, 1]));
    assert_eq!(world.fusion.persons()[0]["PartyId"], json!(known));
}

#[tokio::test]
async fn a_customer_is_there_whatever_becomes_of_its_contact() {
    // Our user may not touch persons.
    let fusion = FusionSettings { forbidden: vec!["hubPersons".to_owned()], ..FusionSettings::default() };
    let world = world(4, fusion).await;
    let org = organization(&world, NAME);
    let gone = organization(&world, "Babbage Ltd");
    work(&world, 10).await;
    let (person, nobody) = (ada(&world, org), ada(&world, gone));
    win(&world, org, person);
    win(&world, gone, nobody);
    world.pipedrive.delete_person(nobody).expect("deleted");
    work(&world, 60).await;
    assert_eq!((made(&world, NAME), made(&world, "Babbage Ltd"), contacts(&world)), (ONE, ONE, [0; 4]));
    let asked = question(&world, Subject::Org(OrgId(org))).await;
    assert!(
        matches!(&asked, Some(Question::ContactUnusable { person: of, .. }) if of.0 == person),
        "{asked:?}"
    );
    assert_eq!(world.organizations().len(), 2, "their numbers came back all the same");
    let subject = Subject::Org(OrgId(gone));
    assert_eq!(question(&world, subject).await, None, "nobody is asked about somebody who is gone");
}

#[tokio::test]
async fn a_contact_that_is_refused_is_asked_about_and_can_be_left() {
    let world = world(5, FusionSettings::default()).await;
    let org = organization(&world, NAME);
    work(&world, 10).await;
    let person = ada(&world, org);
    world.fusion.faults().set(vec![FaultRule::on("hubPersons", refusal()).method("POST")]);
    win(&world, org, person);
    work(&world, 40).await;
    let subject = Subject::Org(OrgId(org));
    let asked = question(&world, subject).await;
    assert!(
        matches!(&asked, Some(Question::Refused { piece, .. }) if piece.contact().is_some()),
        "{asked:?}"
    );
    assert_eq!((made(&world, NAME), contacts(&world)), (ONE, [0; 4]));
    assert_eq!(world.organizations().len(), 1, "its numbers came back all the same");
    world.fusion.faults().set(Vec::new());
    answer(&world, subject, HandoverAnswer::Retry).await;
    work(&world, 30).await;
    assert_eq!((question(&world, subject).await, contacts(&world)), (None, [1, 1, 1, 1]));

    world.fusion.faults().set(vec![FaultRule::on("hubPersons", refusal()).method("POST")]);
    let other = organization(&world, "Babbage Ltd");
    let charles =
        world.pipedrive.create_person(&json!({ "name": "Charles", "org_id": other })).expect("a person");
    win(&world, other, charles);
    work(&world, 40).await;
    let subject = Subject::Org(OrgId(other));
    answer(&world, subject, HandoverAnswer::Leave).await;
    work(&world, 30).await;
    assert_eq!((question(&world, subject).await, contacts(&world)), (None, [1, 1, 1, 1]));
    assert_eq!(made(&world, "Babbage Ltd"), ONE);
}

/// One answer lost, one request lost: at each request about a contact, one after the other, on pods that refuse what is there
/// and on pods that make it twice.
#[tokio::test]
async fn whichever_call_about_a_contact_is_lost_there_is_one() {
    let mut seed = 100;
    for strict in [true, false] {
        for (path, method, calls) in
            [("hubPersons", "POST", 2), ("hubPersons", "GET", 2), ("CustomerAccountService", "POST", 6)]
        {
            for skip in 0..calls {
                for fault in [Fault::DropAfter, Fault::DropBefore] {
                    seed += 1;
                    let fusion = FusionSettings {
                        refuse_duplicate_references: strict,
                        refuse_duplicate_sites: strict,
                        ..FusionSettings::default()
                    };
                    let world = world(seed, fusion).await;
                    let org = organization(&world, NAME);
                    work(&world, 10).await;
                    let person = ada(&world, org);
                    let rule = FaultRule::on(path, fault.clone()).method(method).times(1).skip(skip);
                    world.fusion.faults().set(vec![rule]);
                    win(&world, org, person);
                    work(&world, 60).await;
                    let what = format!("{fault:?} at {method} {path} after {skip}, strict {strict}");
                    assert_eq!((made(&world, NAME), contacts(&world)), (ONE, [1, 1, 1, 1]), "{what}");
                    assert_eq!(question(&world, Subject::Org(OrgId(org))).await, None, "{what}");
                }
            }
        }
    }
}

/// Processes die at any gate, answers get lost, and in the end there is one of each. `MLC_HANDOVER_SEEDS=200` lives more.
#[tokio::test]
async fn processes_die_at_any_moment_and_there_is_one_contact() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    for seed in 0..number("MLC_HANDOVER_SEEDS", 6) {
        let strict = seed % 2 == 0;
        let fusion = FusionSettings {
            refuse_duplicate_references: strict,
            refuse_duplicate_sites: strict,
            refuse_second_profile: strict,
            ..FusionSettings::default()
        };
        let world = world(2_000 + seed, fusion).await;
        let org = organization(&world, NAME);
        work(&world, 10).await;
        let person = ada(&world, org);
        win(&world, org, person);
        let mut rng = fastrand::Rng::with_seed(seed);
        let drop = FaultRule::on("", Fault::DropAfter).method("POST").probability(0.2);
        world.fusion.faults().set(vec![drop]);
        let until = world.clock.now() + SignedDuration::from_mins(40);
        live_and_die(&world, &mut rng, until).await;
        world.fusion.faults().set(Vec::new());
        work(&world, 60).await;
        let there: (Made, [usize; 4]) = (made(&world, NAME), contacts(&world));
        assert_eq!(there, (ONE, [1, 1, 1, 1]), "seed {seed}");
    }
}
