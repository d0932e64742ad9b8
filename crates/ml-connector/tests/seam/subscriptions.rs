//! The subscription for webhooks, as the daemon looks after it.

use std::collections::BTreeMap;

use axum::{body::Body, http::Request};
use jiff::SignedDuration;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
    pipedrive::{OAuthSettings, PipedriveSettings, WebhookSettings, deliver_due},
};
use serde_json::{Value, json};
use sync_core::hooks::HookEntity;
use sync_engine::{
    Engine, Step, Subscribing,
    lease::Lease,
    subscriptions::{HookState, STATE},
};
use sync_store::OurSubscription;
use tower::ServiceExt as _;

use crate::{
    hooks::{Door, Keeping},
    world::{Beginning, World},
};

const NEW: &str = "00000000000000000000000000000001";
const OLD: &str = "00000000000000000000000000000002";

struct Story {
    world: World,
    engine: Engine,
    lease: Lease,
    door: Door,
    keeper: Keeping,
    acme: i64,
}

fn subscribing(paths: &[&str]) -> Subscribing {
    let mut addresses = paths.iter().map(|path| format!("https://sync.example.com/hooks/acme/{path}"));
    let address = addresses.next();
    Subscribing {
        wanted: address.is_some(),
        entities: vec![HookEntity::Organization],
        address: address.unwrap_or_default(),
        older: addresses.collect(),
        name: "ml-connector acme".to_owned(),
    }
}

impl Story {
    async fn begin(pipedrive: PipedriveSettings, oauth: bool) -> Self {
        let fusion = FusionSettings::default();
        let mut world = World::new(Beginning { seed: 12, fusion, pipedrive, oauth }).await;
        world.sweep_every = SignedDuration::from_hours(24);
        let values = json!({"OrganizationName": "Acme", "PartyUsageCode": "CUSTOMER", "RawPhoneNumber": "1"});
        let acme = world.fusion.add_party(Edit::set(values)).expect("a party");
        let lease = world.take().await.expect("nobody dies");
        let mut engine = world.engine(&lease);
        engine.look_after_webhooks(subscribing(&[OLD]));
        let (door, keeper) = Door::of(&world, &[OLD], &["secret"]);
        Self { world, engine, lease, door, keeper, acme }
    }

    /// A daemon started anew, with these secrets.
    fn restart(&mut self, paths: &[&str]) {
        self.engine = self.world.engine(&self.lease);
        self.engine.look_after_webhooks(subscribing(paths));
        (self.door, self.keeper) = Door::of(&self.world, paths, &["secret"]);
    }

    /// Works as the daemon does; deliveries come in all the time.
    async fn work(&mut self, minutes: i64) {
        let end = self.world.clock.now() + SignedDuration::from_mins(minutes);
        while self.world.clock.now() < end {
            self.deliver().await;
            let step = self.world.step(&mut self.engine, &self.lease).await.expect("nobody kills it");
            let now = self.world.clock.now();
            let nap = match step {
                Step::Worked => SignedDuration::from_millis(20),
                Step::IdleUntil(due) => {
                    let next = self.world.pipedrive.next_delivery().unwrap_or(end);
                    due.min(next).min(end).min(now + SignedDuration::from_mins(5)).duration_since(now)
                }
            };
            self.world.clock.advance(nap.max(SignedDuration::from_millis(1)));
        }
    }

    async fn deliver(&mut self) {
        let Self { world, door, keeper, engine, .. } = self;
        let delivered = async {
            tokio::select! {
                biased;
                made = deliver_due(&world.pipedrive, door) => made,
                () = keeper => panic!("nobody closes the doors"),
            }
        };
        if world.drive(delivered).await.expect("alive") > 0 {
            engine.look_into_hooks();
        }
    }

    /// What a person with the same rights does to webhooks.
    async fn webhooks(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(format!("/v1/webhooks{path}"));
        let request = request
            .header("x-api-token", "0123456789012345678901234567890123456789")
            .header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = self.world.pipedrive.router().oneshot(request.body(body).expect("a request")).await;
        let (parts, body) = answer.expect("an answer").into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        (parts.status.as_u16(), serde_json::from_slice(&body).expect("JSON"))
    }

    /// Those that there are: id and last part of the address.
    async fn there(&self) -> BTreeMap<i64, String> {
        let (_, list) = self.webhooks("GET", "", Value::Null).await;
        let rows = list["data"].as_array().cloned().unwrap_or_default();
        let one = |row: &Value| {
            let url = row["subscription_url"].as_str().expect("an address");
            let last = url.rsplit('/').next().unwrap_or_default().to_owned();
            (row["id"].as_i64().expect("an id"), last)
        };
        rows.iter().map(one).collect()
    }

    async fn addresses(&self) -> Vec<String> {
        self.there().await.into_values().collect()
    }

    async fn state(&self) -> HookState {
        let read = async {
            let mut tx = self.world.store.read(self.world.connection).await?;
            tx.cursor(STATE).await
        };
        let state: Option<HookState> = self.world.drive(read).await.expect("alive").expect("the store works");
        state.expect("webhooks were looked after")
    }

    async fn ours(&self) -> Vec<OurSubscription> {
        let read = async {
            let mut tx = self.world.store.read(self.world.connection).await?;
            tx.subscriptions(false, 100).await
        };
        self.world.drive(read).await.expect("alive").expect("the store works")
    }

    fn organization(&self) -> i64 {
        self.world.organizations()[&self.acme][0].id
    }

    fn edit(&self, name: &str) {
        self.world
            .pipedrive
            .edit_as_person(self.organization(), &json!({ "name": name }))
            .expect("it is there");
    }

    fn calls(&self, name: &str) -> u64 {
        let stats = self.world.pipedrive.stats();
        stats.by_operation.get(name).map_or(0, |(asked, _)| *asked)
    }
}

#[tokio::test]
async fn it_is_made_once_and_polling_becomes_seldom_once_it_works() {
    let mut story = Story::begin(PipedriveSettings::default(), false).await;
    story.work(60).await;
    assert_eq!(story.addresses().await, [OLD], "made once");
    let state = story.state().await;
    assert!(state.is_healthy(), "our own write came back: {state:?}");
    // Nothing happens for a day: 24 polls, one look at the list and a walk.
    let (lists, looks) = (story.calls("GET /api/v2/organizations"), story.calls("GET /v1/webhooks"));
    story.work(24 * 60).await;
    let lists = story.calls("GET /api/v2/organizations") - lists;
    let looks = story.calls("GET /v1/webhooks") - looks;
    assert!((24..=27).contains(&lists) && looks == 1, "{lists} lists, {looks} looks");

    story.restart(&[OLD]);
    story.work(10).await;
    assert_eq!(story.addresses().await, [OLD]);
    assert_eq!(story.calls("POST /v1/webhooks"), 1);
    assert_eq!(
        story.world.witness.lock().expect("no panic").unknown,
        [].into(),
        "as the specification has it"
    );
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_one() {
    let mut story = Story::begin(PipedriveSettings::default(), false).await;
    let lost = FaultRule::on("/webhooks", Fault::DropAfter).method("POST").times(1);
    story.world.pipedrive.faults().add(lost);
    story.work(30).await;
    assert_eq!((story.addresses().await, story.calls("POST /v1/webhooks")), (vec![OLD.to_owned()], 1));
    assert_eq!(story.ours().await.len(), 1);
}

#[tokio::test]
async fn somebody_takes_it_away_and_it_comes_back_with_what_was_missed() {
    let mut story = Story::begin(PipedriveSettings::default(), false).await;
    story.work(60).await;
    let id = *story.there().await.keys().next().expect("one");
    assert_eq!(story.webhooks("DELETE", &format!("/{id}"), Value::Null).await.0, 200);
    story.edit("While nobody listened");
    story.work(90).await;
    let there = story.there().await;
    assert_eq!(there.values().collect::<Vec<_>>(), [OLD]);
    assert!(!there.contains_key(&id));
    let ours = story.ours().await;
    assert_eq!(ours.iter().filter(|ours| ours.ended.is_some()).count(), 1);
    let state = story.state().await;
    assert_eq!(state.missed, 1, "{state:?}");
    let view = &story.world.organizations()[&story.acme][0];
    assert_eq!(view.name, "Acme", "the ERP owns the name");

    // And without anything that is missed, once a day.
    let id = *there.keys().next().expect("one");
    story.webhooks("DELETE", &format!("/{id}"), Value::Null).await;
    story.work(25 * 60).await;
    assert_eq!(story.addresses().await, [OLD]);
}

#[tokio::test]
async fn secrets_are_changed_without_a_lost_event() {
    let mut story = Story::begin(PipedriveSettings::default(), false).await;
    story.work(60).await;
    story.restart(&[NEW, OLD]);
    story.work(5).await;
    let mut both = story.addresses().await;
    both.sort();
    assert_eq!(both, [NEW, OLD], "until the new one works both are there");
    // Both tell of it; both are accepted.
    let accepted = story.door.visits()[0];
    story.edit("Told twice");
    story.work(5).await;
    let [accepted_now, _, _, rejected] = story.door.visits();
    assert!(accepted_now >= accepted + 2 && rejected == 0, "{:?}", story.door.visits());
    assert_eq!(story.addresses().await, [NEW], "it works: the old one is ended");
    let ended = story.ours().await.into_iter().find_map(|ours| ours.ended).expect("one ended");
    assert_eq!(ended.1, "its secret was replaced");
    story.restart(&[NEW]);
    story.edit("Afterwards");
    story.work(5).await;
    assert!(story.door.visits()[0] >= 1 && story.state().await.missed == 0);

    // A secret that is no longer valid goes at once, and webhooks that are not wanted go altogether.
    story.restart(&[OLD]);
    story.work(5).await;
    assert_eq!(story.addresses().await, [OLD]);
    story.restart(&[]);
    story.work(5).await;
    assert_eq!(story.addresses().await, Vec::<String>::new());
    let calls =
        |story: &Story| story.world.pipedrive.stats().by_operation.get("GET /v1/webhooks").map(|c| c.0);
    let looks = calls(&story);
    story.restart(&[]);
    story.work(60).await;
    assert_eq!(calls(&story), looks, "without any there is nothing to look after");
}

/// Ten failures ban it for half an hour, and what happens meanwhile is told of by nobody.
#[tokio::test]
async fn a_ban_is_outlived_by_polling() {
    let mut story = Story::begin(PipedriveSettings::default(), false).await;
    story.work(60).await;
    assert!(story.state().await.is_healthy());
    // The door knows another password for a while.
    (story.door, story.keeper) = Door::of(&story.world, &[OLD], &["another"]);
    for turn in 0..12 {
        // Most of it is nothing that we show.
        let other = json!({ "employee_count": turn });
        story.world.pipedrive.edit_as_person(story.organization(), &other).expect("it is there");
        if turn == 3 {
            story.edit("While nobody is believed");
        }
        story.work(6).await;
    }
    story.work(20).await;
    let state = story.state().await;
    assert!(state.missed > 0 && !state.is_healthy(), "{state:?}");
    assert_eq!(story.world.organizations()[&story.acme][0].name, "Acme", "found by polling");
    // Refused deliveries look as if it had another password: it was made anew, once.
    assert_eq!(story.calls("POST /v1/webhooks"), 2);
    (story.door, story.keeper) = Door::of(&story.world, &[OLD], &["secret"]);
    story.work(60).await;
    story.edit("In peace");
    story.work(60).await;
    let state = story.state().await;
    assert!(state.is_healthy(), "{state:?}");
    assert_eq!(story.addresses().await, [OLD]);
}

#[tokio::test]
async fn without_the_right_to_or_room_for_webhooks_everything_works_by_polling() {
    let scopes = OAuthSettings {
        scopes: "base,contacts:full,contact-fields:full,search:read".to_owned(),
        ..OAuthSettings::default()
    };
    let forbidden = PipedriveSettings { oauth: scopes, ..oauth() };
    let full = WebhookSettings { limit: 0, ..WebhookSettings::default() };
    let full = PipedriveSettings { webhooks: full, ..PipedriveSettings::default() };
    for (settings, oauth, says) in [(forbidden, true, "Scope and URL mismatch"), (full, false, "webhooks")] {
        let mut story = Story::begin(settings, oauth).await;
        story.work(30).await;
        story.edit("By sales");
        story.work(60).await;
        assert_eq!(story.world.organizations()[&story.acme][0].name, "Acme");
        let state = story.state().await;
        let trouble = state.trouble.clone().unwrap_or_default();
        assert!(trouble.contains(says) && !state.is_healthy(), "{state:?}");
        assert!(story.calls("GET /v1/webhooks") <= 4, "tried once an hour");
    }
}

fn oauth() -> PipedriveSettings {
    PipedriveSettings {
        client_id: Some("app".to_owned()),
        client_secret: Some("secret".to_owned()),
        refresh_token: Some("seed".to_owned()),
        ..PipedriveSettings::default()
    }
}
