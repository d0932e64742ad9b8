//! People, tokens, what they did, and requests that come twice, on both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    fields::{Field, Values},
    ids::{OrgId, PartyId},
    pair::Pair,
    value::Value,
};
use sync_store::{Deed, Invitation, Once, Person, Role, Store, Welcomed};

#[expect(dead_code, reason = "another test reopens its store")]
mod support;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

const DAY: i64 = 86_400;

fn invitation(token: &str, role: Role, person: Option<i64>, now: i64) -> Invitation {
    Invitation {
        token_hash: token.to_owned(),
        role,
        person,
        made_by: "test".to_owned(),
        made_at: at(now),
        expires_at: at(now + DAY),
    }
}

async fn come(store: &Store, token: &str, name: &str, role: Role) -> Person {
    store.invite(&invitation(token, role, None, 0)).await.unwrap();
    match store.welcome(token, name, "hash", at(1)).await.unwrap() {
        Welcomed::Person(person) => *person,
        other => panic!("{other:?}"),
    }
}

async fn people_come_and_go(store: Store) {
    store.migrate().await.unwrap();
    assert!(store.has_no_admin().await.unwrap());
    let ada = come(&store, "a", " Ada ", Role::Admin).await;
    assert_eq!((ada.name.as_str(), ada.role), ("Ada", Role::Admin));
    assert!(!store.has_no_admin().await.unwrap());
    assert_eq!(store.welcome("a", "Eve", "hash", at(2)).await.unwrap(), Welcomed::NoSuchLink, "used");
    store.invite(&invitation("b", Role::Viewer, None, 0)).await.unwrap();
    assert_eq!(store.welcome("b", "ADA", "hash", at(2)).await.unwrap(), Welcomed::NameTaken);
    assert!(store.invitation("b", at(3)).await.unwrap().is_some(), "it is still good");
    assert_eq!(store.invitation("b", at(DAY)).await.unwrap(), None, "until a day has passed");
    assert_eq!(store.welcome("b", "Bob", "hash", at(DAY)).await.unwrap(), Welcomed::NoSuchLink);

    let hours = SignedDuration::from_hours;
    store.begin_session(ada.id, "s", at(2 * DAY), at(10)).await.unwrap();
    let session = store.session("s", hours(12), at(20)).await.unwrap().unwrap();
    assert_eq!((session.person, session.expires_at), (ada.clone(), at(2 * DAY)));
    assert!(store.session("t", hours(12), at(20)).await.unwrap().is_none());
    // Used now and then it stands, until its end.
    for hour in (10..48).step_by(10) {
        assert!(store.session("s", hours(12), at(hour * 3_600)).await.unwrap().is_some(), "{hour}");
    }
    assert!(store.session("s", hours(12), at(2 * DAY)).await.unwrap().is_none(), "its end");
    assert!(store.session("s", hours(1), at(47 * 3_600)).await.unwrap().is_none(), "not used for long");

    store.begin_session(ada.id, "s2", at(9 * DAY), at(10)).await.unwrap();
    store.invite(&invitation("r", Role::Admin, Some(ada.id), 20)).await.unwrap();
    let Welcomed::Person(again) = store.welcome("r", "ignored", "new hash", at(30)).await.unwrap() else {
        panic!("no person")
    };
    assert_eq!((again.id, again.name.as_str(), again.password.as_str()), (ada.id, "Ada", "new hash"));
    assert!(store.session("s2", hours(12), at(40)).await.unwrap().is_none(), "a new password ends sessions");

    let bob = come(&store, "c", "Bob", Role::Viewer).await;
    assert!(store.set_role(bob.id, Role::Approver).await.unwrap());
    assert_eq!(store.person_named("bOb").await.unwrap().unwrap().role, Role::Approver);
    store.begin_session(bob.id, "s3", at(9 * DAY), at(10)).await.unwrap();
    store.invite(&invitation("q", Role::Approver, Some(bob.id), 20)).await.unwrap();
    assert!(store.leave(bob.id, at(50)).await.unwrap());
    assert!(!store.leave(bob.id, at(51)).await.unwrap());
    assert!(store.session("s3", hours(12), at(52)).await.unwrap().is_none());
    assert!(store.invitation("q", at(52)).await.unwrap().is_none());
    assert_eq!(store.person_named("Bob").await.unwrap(), None);
    assert!(!store.set_role(bob.id, Role::Admin).await.unwrap());
    let second = come(&store, "d", "Bob", Role::Viewer).await;
    assert_ne!(second.id, bob.id, "the name is free again");
    assert_eq!(store.people().await.unwrap().len(), 3);
}

async fn programs_have_tokens(store: Store) {
    store.migrate().await.unwrap();
    let id = store.put_api_token(("reporting", Role::Viewer), "hash", "Ada", at(0)).await.unwrap();
    assert_eq!(store.api_token("other", at(1)).await.unwrap(), None);
    assert_eq!(store.api_token("hash", at(1)).await.unwrap().unwrap().used_at, None);
    assert_eq!(store.api_token("hash", at(2)).await.unwrap().unwrap().used_at, Some(at(1)));
    assert!(store.put_api_token(("twice", Role::Viewer), "hash", "Ada", at(3)).await.is_err());
    assert!(store.end_api_token(id, at(4)).await.unwrap());
    assert!(!store.end_api_token(id, at(5)).await.unwrap());
    assert_eq!(store.api_token("hash", at(6)).await.unwrap(), None);
    assert_eq!(store.api_tokens().await.unwrap()[0].ended_at, Some(at(4)));

    let deed = |second, what: &str| Deed {
        at: at(second),
        who: "Ada".to_owned(),
        place: "127.0.0.1".to_owned(),
        what: what.to_owned(),
        about: "party 7".to_owned(),
        connection: None,
        detail: String::new(),
    };
    for (second, what) in [(1, "one"), (2, "two"), (3, "three")] {
        store.note_deed(&deed(second, what)).await.unwrap();
    }
    let first = store.deeds(None, 2).await.unwrap();
    assert_eq!(first.iter().map(|(_, deed)| deed.what.as_str()).collect::<Vec<_>>(), ["three", "two"]);
    assert_eq!(store.deeds(Some(first[1].0), 2).await.unwrap()[0].1, deed(1, "one"));

    assert_eq!(store.once("k", "r", at(0)).await.unwrap(), Once::First);
    assert_eq!(store.once("k", "r", at(1)).await.unwrap(), Once::UnderWay);
    store.answered_once("k", Some((202, "{}"))).await.unwrap();
    assert_eq!(store.once("k", "r", at(2)).await.unwrap(), Once::Answered(202, "{}".to_owned()));
    assert_eq!(store.once("k", "another", at(2)).await.unwrap(), Once::Other);
    assert_eq!(store.once("k", "r", at(DAY + 1)).await.unwrap(), Once::First, "forgotten after a day");
    store.answered_once("k", None).await.unwrap();
    assert_eq!(
        store.once("k", "r", at(DAY + 2)).await.unwrap(),
        Once::First,
        "it failed for a reason of ours"
    );
}

async fn pairs_are_found_by_what_they_say(store: Store) {
    store.migrate().await.unwrap();
    let id = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    let fence = store.lease_take(id, "process 7", None).await.unwrap().expect("it is free");
    let mut tx = store.write(&fence).await.unwrap();
    let pair = |party: i64, name: &str| Pair {
        party: PartyId(party),
        org: OrgId(party + 1_000),
        erp_mirror: Values::new(),
        crm_mirror: Values::from([(Field::Name, Value::Text(name.to_owned()))]),
        written: Default::default(),
    };
    let names = ["Acme GmbH", "100 % Pure", "a_b", "ax\"b", "Acme 2"];
    let pairs: Vec<Pair> = (1..).zip(names).map(|(party, name)| pair(party, name)).collect();
    tx.put_pairs(&pairs, at(0)).await.unwrap();
    for (text, after, expected) in [
        ("ACME", None, &[1, 5][..]),
        ("acme", Some(1), &[5]),
        ("100 %", None, &[2]),
        ("%", None, &[2]),
        ("_", None, &[3]),
        ("a_b", None, &[3]),
        ("x\"B", None, &[4]),
        ("4", None, &[4]),
        ("1004", None, &[4]),
        ("nothing", None, &[]),
    ] {
        let found = tx.find_pairs(text, after.map(PartyId), (10, 100)).await.unwrap();
        assert_eq!(found.next, None, "all were looked through for {text}");
        let parties: Vec<i64> = found.rows.iter().map(|row| row.pair.party.0).collect();
        assert_eq!(parties, expected, "{text}");
    }
    // A full page ends after its last pair, one that is not full where the looking ended.
    let mut found = async |text: &str, after: Option<i64>, sizes| {
        let found = tx.find_pairs(text, after.map(PartyId), sizes).await.unwrap();
        let parties: Vec<i64> = found.rows.iter().map(|row| row.pair.party.0).collect();
        (parties, found.next.map(|party| party.0))
    };
    assert_eq!(found("acme", None, (1, 100)).await, (vec![1], Some(1)));
    assert_eq!(found("acme", Some(1), (1, 3)).await, (vec![], Some(4)));
    assert_eq!(found("acme", Some(4), (1, 3)).await, (vec![5], None));
    assert_eq!(found("5", None, (1, 2)).await, (vec![5], Some(2)), "a number is found wherever it is");
    assert_eq!(found("5", Some(2), (1, 2)).await, (vec![], Some(4)));
}

#[tokio::test]
async fn sqlite_people() {
    people_come_and_go(support::sqlite().await.store.clone()).await;
}

#[tokio::test]
async fn postgres_people() {
    people_come_and_go(support::postgres("people").await.store.clone()).await;
}

#[tokio::test]
async fn sqlite_tokens() {
    programs_have_tokens(support::sqlite().await.store.clone()).await;
}

#[tokio::test]
async fn postgres_tokens() {
    programs_have_tokens(support::postgres("tokens").await.store.clone()).await;
}

#[tokio::test]
async fn sqlite_found_pairs() {
    pairs_are_found_by_what_they_say(support::sqlite().await.store.clone()).await;
}

#[tokio::test]
async fn postgres_found_pairs() {
    pairs_are_found_by_what_they_say(support::postgres("found_pairs").await.store.clone()).await;
}
