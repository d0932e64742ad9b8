//! Who vouches for a delivery, and what it is about (pipedrive.md 5).
#![cfg(test)]

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use pipedrive::{Encoding, HmacKeys, HookKeys, PipedriveHooks};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;
use sync_core::hooks::{Check, Delivery, HookEntity, HookEvent, HookVerifier, Refused};

const BODY: &[u8] = br#"{"meta":{"entity":"organization"}}"#;

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

fn mac(secret: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

fn signed() -> HmacKeys {
    HmacKeys {
        header: "X-Pipedrive-Signature".to_owned(),
        prefix: String::new(),
        encoding: Encoding::Hex,
        secrets: vec!["new".into(), "old".into()],
    }
}

fn users() -> Vec<(String, secrecy::SecretString)> {
    vec![("pipedrive".to_owned(), "tomorrow".into()), ("pipedrive".to_owned(), "today".into())]
}

type Headers<'a> = &'a [(&'a str, &'a str)];

fn verify(keys: &HookKeys, headers: Headers<'_>, body: &[u8]) -> Result<Vec<Check>, Refused> {
    let all = |wanted: &str| {
        let named = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.as_bytes().to_vec()).collect()
    };
    let verifier = PipedriveHooks::new(keys).unwrap();
    let verified = verifier.verify(&Delivery { headers: &all, body });
    let refused_early = verifier.at_first_sight(&all).is_err();
    assert!(
        !refused_early || verified.is_err(),
        "whoever is right is not refused at first sight: {headers:?}"
    );
    verified
}

#[test]
fn one_check_is_enough_and_a_wrong_one_always_rejects() {
    let keys = HookKeys { basic: users(), hmac: Some(signed()), all: false };
    let (right, wrong) = (basic("pipedrive", "today"), basic("pipedrive", "yesterday"));
    let next = basic("pipedrive", "tomorrow");
    let (digest, forged) = (hex::encode(mac("new", BODY)), hex::encode(mac("new", b"{}")));
    let (old, upper) = (hex::encode(mac("old", BODY)), hex::encode_upper(mac("new", BODY)));
    let (auth, sign) = ("Authorization", "x-pipedrive-signature");
    let (basic_only, hmac_only) = (Ok(vec![Check::Basic]), Ok(vec![Check::Hmac]));
    let table: &[(Headers<'_>, Result<Vec<Check>, Refused>)] = &[
        (&[], Err(Refused::NoProof)),
        (&[(auth, &right)], basic_only.clone()),
        (&[(auth, &next)], basic_only.clone()),
        (&[(auth, &right.replace("Basic", "bASIC"))], basic_only),
        (&[(auth, &wrong)], Err(Refused::Wrong(Check::Basic))),
        (&[(auth, "Bearer x")], Err(Refused::Wrong(Check::Basic))),
        (&[(auth, "Basic ???")], Err(Refused::Wrong(Check::Basic))),
        (&[(auth, "")], Err(Refused::Wrong(Check::Basic))),
        (&[(auth, &right), (auth, &right)], Err(Refused::Wrong(Check::Basic))),
        (&[(sign, &digest)], hmac_only.clone()),
        (&[(sign, &old)], hmac_only.clone()),
        (&[(sign, &upper)], hmac_only),
        (&[(sign, &forged)], Err(Refused::Wrong(Check::Hmac))),
        (&[(sign, &digest[..62])], Err(Refused::Wrong(Check::Hmac))),
        (&[(sign, &format!("sha256={digest}"))], Err(Refused::Wrong(Check::Hmac))),
        (&[(sign, "")], Err(Refused::Wrong(Check::Hmac))),
        (&[(sign, &digest), (sign, &forged)], Err(Refused::Wrong(Check::Hmac))),
        (&[(auth, &right), (sign, &digest)], Ok(vec![Check::Basic, Check::Hmac])),
        (&[(auth, &right), (sign, &forged)], Err(Refused::Wrong(Check::Hmac))),
        (&[(auth, &wrong), (sign, &digest)], Err(Refused::Wrong(Check::Basic))),
    ];
    for (headers, wanted) in table {
        assert_eq!(&verify(&keys, headers, BODY), wanted, "{headers:?}");
    }
}

#[test]
fn all_checks_can_be_required_and_those_not_configured_are_not_looked_at() {
    let all = HookKeys { basic: users(), hmac: Some(signed()), all: true };
    let (right, digest) = (basic("pipedrive", "today"), hex::encode(mac("new", BODY)));
    let (auth, sign) = ("authorization", "X-Pipedrive-Signature");
    assert_eq!(verify(&all, &[(auth, &right)], BODY), Err(Refused::Missing(Check::Hmac)));
    assert_eq!(verify(&all, &[(sign, &digest)], BODY), Err(Refused::Missing(Check::Basic)));
    assert_eq!(verify(&all, &[], BODY), Err(Refused::Missing(Check::Basic)));
    assert!(verify(&all, &[(auth, &right), (sign, &digest)], BODY).is_ok());

    let basic_only = HookKeys { basic: users(), hmac: None, all: true };
    assert_eq!(verify(&basic_only, &[(auth, &right), (sign, "nonsense")], BODY), Ok(vec![Check::Basic]));
    let base64 = HmacKeys { prefix: "sha256=".to_owned(), encoding: Encoding::Base64, ..signed() };
    let hmac_only = HookKeys { basic: Vec::new(), hmac: Some(base64), all: false };
    let value = format!("sha256={}", BASE64_STANDARD.encode(mac("new", BODY)));
    assert_eq!(verify(&hmac_only, &[(sign, &value), (auth, "Bearer x")], BODY), Ok(vec![Check::Hmac]));
    assert_eq!(verify(&hmac_only, &[(sign, &digest)], BODY), Err(Refused::Wrong(Check::Hmac)));

    let nothing = HookKeys { basic: Vec::new(), hmac: None, all: false };
    assert!(PipedriveHooks::new(&nothing).is_err(), "it would let everybody in");
    let empty = HookKeys { hmac: Some(HmacKeys { secrets: Vec::new(), ..signed() }), ..nothing };
    assert!(PipedriveHooks::new(&empty).is_err());
    assert!(!format!("{:?}", HookKeys { basic: users(), hmac: Some(signed()), all: true }).contains("today"));
}

fn read(body: &Value) -> Result<Option<HookEvent>, String> {
    let keys = HookKeys { basic: users(), hmac: None, all: false };
    PipedriveHooks::new(&keys).unwrap().read(body.to_string().as_bytes())
}

/// The documented example of version 2, and of version 1 (5.2, 5.3).
#[test]
fn both_versions_tell_which_record_changed() {
    let meta = json!({"action": "change", "entity": "organization", "entity_id": "1",
        "id": "ea17c64f-ec7e-4e47-a321-5d84b7735fef", "webhook_id": "4710827",
        "timestamp": "2022-11-24T15:21:23.152Z", "version": "2.0", "attempt": 1});
    let event = read(&json!({"data": {"id": 1}, "previous": null, "meta": meta})).unwrap().unwrap();
    let wanted = HookEvent {
        key: "4710827:ea17c64f-ec7e-4e47-a321-5d84b7735fef:1".to_owned(),
        subscription: Some(sync_core::ids::SubscriptionId(4_710_827)),
        entity: HookEntity::Organization,
        record: 1,
        action: "change".to_owned(),
        at: Some("2022-11-24T15:21:23.152Z".parse().unwrap()),
        urgent: true,
        merged: None,
    };
    assert_eq!(event, wanted);
    let old = json!({"v": 1, "action": "updated", "object": "organization", "id": 123, "timestamp": 1_523_440_213,
        "timestamp_micro": 1_523_440_213_384_700_i64, "webhook_id": 7});
    let event = read(&json!({"v": 1, "meta": old, "current": {}, "event": "updated.organization"}));
    let event = event.unwrap().unwrap();
    assert_eq!((event.record, event.action.as_str()), (123, "updated"));
    assert_eq!(event.key, "7:organization:123:updated:2018-04-11T09:50:13.3847Z");
    assert_eq!(read(&json!({"meta": {"action": "change", "entity": "person", "entity_id": "5"}})), Ok(None));
}

/// Reading a deal again costs a token, and most changes are of deals that are open and stay so.
#[test]
fn deals_that_are_not_won_and_were_not_can_wait() {
    let urgent = |data: Value, previous: Value| {
        let meta = json!({"action": "change", "entity": "deal", "entity_id": "5", "id": "e"});
        let event = read(&json!({"data": data, "previous": previous, "meta": meta})).unwrap().unwrap();
        assert_eq!((event.entity, event.record), (HookEntity::Deal, 5));
        event.urgent
    };
    let (open, won, lost) = (json!({"status": "open"}), json!({"status": "won"}), json!({"status": "lost"}));
    assert!(urgent(won.clone(), open.clone()), "won");
    assert!(urgent(won.clone(), json!({"title": "A"})), "changed while it is won");
    assert!(urgent(open.clone(), won.clone()) && urgent(lost.clone(), won.clone()), "no longer won");
    assert!(urgent(Value::Null, won), "deleted");
    assert!(!urgent(open.clone(), json!({"value": 3})) && !urgent(open.clone(), Value::Null));
    assert!(!urgent(lost, open.clone()) && !urgent(Value::Null, open));
    for odd in [Value::Null, json!({}), json!("?"), json!({"status": 7})] {
        assert!(urgent(odd.clone(), Value::Null), "what is not understood is read again: {odd}");
    }
    let old = json!({"v": 1, "action": "updated", "object": "deal", "id": 9, "webhook_id": 7});
    let event = |current: Value, previous: Value| {
        read(&json!({"v": 1, "meta": old, "current": current, "previous": previous})).unwrap().unwrap()
    };
    assert!(event(json!({"status": "won"}), json!({"status": "open"})).urgent);
    assert!(!event(json!({"status": "open"}), json!({"status": "open"})).urgent);
}

/// Nothing but the record counts: the rest may be odd, and no two events are taken for one.
#[test]
fn odd_stamps_and_missing_ids_lose_no_event() {
    let meta = |more: Value| {
        let mut meta =
            json!({"action": "change", "entity": "organization", "entity_id": "5", "webhook_id": "7"});
        meta.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "meta": meta })
    };
    let key = |body: &Value| read(body).unwrap().unwrap().key;
    assert_eq!(key(&meta(json!({"id": "e", "timestamp": "2026-03-02 10:00:00"}))), "7:e:5");
    let shared = json!({"id": "e", "entity_id": "6"});
    assert_eq!(key(&meta(shared)), "7:e:6", "one id for a bulk edit of many");
    let (first, second) = (meta(json!({"n": 1})), meta(json!({"n": 2})));
    assert_ne!(key(&first), key(&second), "without id and stamp the body tells them apart");
    assert_eq!(key(&first), key(&first));
}

#[test]
fn the_headers_alone_tell_who_cannot_be_right() {
    let keys = |hmac, all| HookKeys {
        basic: vec![("pipedrive".to_owned(), "secret".into())],
        hmac: if hmac { Some(signed()) } else { None },
        all,
    };
    let right = ("authorization", "Basic cGlwZWRyaXZlOnNlY3JldA==");
    let wrong = ("authorization", "Basic cGlwZWRyaXZlOndyb25n");
    let signed = ("x-pipedrive-signature", "00");
    for (keys, headers, enters) in [
        (keys(false, false), vec![right], true),
        (keys(false, false), vec![wrong], false),
        (keys(false, false), vec![signed], false),
        (keys(true, false), vec![signed], true),
        (keys(true, false), vec![wrong, signed], false),
        (keys(true, true), vec![signed], false),
        (keys(true, true), vec![right], true),
        (keys(true, false), vec![], false),
    ] {
        let verifier = PipedriveHooks::new(&keys).unwrap();
        let all = |name: &str| {
            let same = headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
            same.map(|(_, value)| value.as_bytes().to_vec()).collect()
        };
        assert_eq!(verifier.at_first_sight(&all).is_ok(), enters, "{headers:?}");
    }
}

#[test]
fn what_is_not_understood_says_so() {
    let long = "x".repeat(300);
    for meta in [
        json!({}),
        json!({"entity": "organization", "action": "change"}),
        json!({"entity": "organization", "action": "change", "entity_id": "x"}),
        json!({"entity": "organization", "action": "change", "entity_id": 0}),
        json!({"entity": "organization", "action": "change", "entity_id": -3}),
        json!({"entity": "organization", "entity_id": 1}),
        json!({"entity": "organization", "action": "change", "entity_id": 1, "id": long}),
        json!({"object": "organization", "action": "updated"}),
    ] {
        assert!(read(&json!({ "meta": meta })).is_err(), "{meta}");
    }
    assert!(read(&json!([])).is_err());
}

proptest! {
    #[test]
    fn nothing_that_comes_in_makes_it_panic(body in any::<Vec<u8>>(), header in any::<Vec<u8>>()) {
        let keys = HookKeys { basic: users(), hmac: Some(signed()), all: false };
        let hooks = PipedriveHooks::new(&keys).unwrap();
        let all = |_: &str| vec![header.clone()];
        let refused = hooks.verify(&Delivery { headers: &all, body: &body }).is_err();
        prop_assert!(refused);
        let _ = hooks.read(&body);
    }
}

/// Both sides of a merger tell of it (5.2); which deal is gone, and which one stands for both.
#[test]
fn a_merger_is_told_by_both_deals_and_concerns_the_one_that_goes_at_once() {
    let read = |meta: Value, data: Value, previous: Value| {
        read(&json!({ "meta": meta, "data": data, "previous": previous })).unwrap().unwrap()
    };
    let open = json!({ "id": 80, "status": "open" });
    let meta = |id: &str, name: &str, other: Value| json!({ "action": "change", "entity": "deal", "entity_id": id, "id": "e", "webhook_id": "1", name: other });
    let both = sync_core::hooks::Merged { gone: 80, into: 81 };
    let goes = read(meta("80", "merged_to_id", json!("81")), json!(null), open.clone());
    assert_eq!((goes.record, goes.merged, goes.urgent), (80, Some(both), true));
    let stays = read(meta("81", "merged_from_id", json!(80)), open.clone(), json!({}));
    assert_eq!((stays.record, stays.merged, stays.urgent), (81, Some(both), false));
    for nobody in [json!(null), json!(""), json!("x"), json!(-1), json!("80"), json!({})] {
        let told = read(meta("80", "merged_to_id", nobody.clone()), open.clone(), json!({}));
        assert_eq!((told.merged, told.urgent), (None, false), "{nobody}");
    }
}
