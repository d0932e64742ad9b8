//! Webhooks from Pipedrive to the door, and what follows from them.

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use axum::{Router, body::Body, http::Request};
use jiff::SignedDuration;
use pipedrive::{HookKeys, PipedriveHooks};
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
    pipedrive::{Deliver, Delivery, Outcome, PipedriveSettings, deliver_due},
};
use serde_json::json;
use sync_engine::{Bell, Engine, lease::Lease};
use sync_web::{HookDoor, Intake, MOST_BYTES, Parts};
use tower::ServiceExt as _;

use crate::world::{Beginning, Shared, World};

const PATH: &str = "/hooks/acme/0123456789abcdef";

/// `pipedrive:secret`
const RIGHT: (&str, &str) = ("authorization", "Basic cGlwZWRyaXZlOnNlY3JldA==");

/// Somebody who stores what comes in.
pub(crate) type Keeping = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Story {
    world: World,
    engine: Engine,
    lease: Lease,
    door: Door,
    /// Works behind the door while somebody stands before it.
    keeper: Keeping,
    acme: i64,
}

/// The way of a delivery from Pipedrive to the door.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) router: Router,
    pub(crate) intake: Arc<Intake>,
}

impl Door {
    /// The door of this world's connection, and who works behind it.
    pub(crate) fn of(world: &World, paths: &[&str], passwords: &[&str]) -> (Self, Keeping) {
        let basic = passwords.iter().map(|password| ("pipedrive".to_owned(), (*password).into())).collect();
        let keys = HookKeys { basic, hmac: None, all: false };
        let verifier = Arc::new(PipedriveHooks::new(&keys).expect("a verifier"));
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let bell = Arc::new(Bell::default());
        let base = "http://127.0.0.1/hooks/acme/".to_owned();
        let door = HookDoor { connection: world.connection, base, paths, verifier, bell };
        let doors = BTreeMap::from([("acme".to_owned(), door)]);
        let clock = Arc::new(Shared(world.clock.clone()));
        let (intake, keeper) = Intake::new(doors, world.store.clone(), clock.clone());
        let parts = Parts::new(world.store.clone(), intake.clone(), clock);
        let door = Self { router: sync_web::router(parts), intake };
        (door, Box::pin(keeper.work()))
    }

    /// Delivers what is due by now; tells how many deliveries that were.
    pub(crate) async fn open_to(&self, world: &World, keeper: &mut Keeping) -> usize {
        let delivered = async {
            tokio::select! {
                biased;
                made = deliver_due(&world.pipedrive, self) => made,
                () = keeper => panic!("nobody closes the doors"),
            }
        };
        world.drive(delivered).await.expect("alive")
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> u16 {
        let request =
            headers.iter().fold(Request::post(path), |request, (name, value)| request.header(*name, *value));
        let request = request.body(body.into()).expect("a request");
        self.router.clone().oneshot(request).await.expect("an answer").status().as_u16()
    }

    /// Accepted, ignored, unreadable, rejected.
    pub(crate) fn visits(&self) -> [u64; 4] {
        let visits = self.intake.visits("acme").expect("a door");
        [&visits.accepted, &visits.ignored, &visits.unreadable, &visits.rejected]
            .map(|count| count.load(std::sync::atomic::Ordering::Relaxed))
    }
}

impl Deliver for Door {
    async fn deliver(&self, delivery: &Delivery) -> Outcome {
        let path = delivery.url.trim_start_matches("https://sync.example.com");
        let headers: Vec<(&str, &str)> =
            delivery.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Outcome::Answered(self.post(path, &headers, delivery.body.to_string()).await)
    }
}

impl Story {
    /// A customer in agreement with its organization, and a webhook for organizations.
    async fn begin() -> Self {
        let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
        let mut world = World::new(Beginning { seed: 11, fusion, pipedrive, oauth: false }).await;
        // So rarely that nothing of what happens here is found by polling.
        world.poll_every = SignedDuration::from_hours(24);
        world.sweep_every = SignedDuration::from_hours(72);
        let values = json!({"OrganizationName": "Acme", "PartyUsageCode": "CUSTOMER", "RawPhoneNumber": "1"});
        let acme = world.fusion.add_party(Edit::set(values)).expect("a party");
        let lease = world.take().await.expect("nobody dies");
        let mut engine = world.engine(&lease);
        let end = world.clock.now() + SignedDuration::from_hours(1);
        world.work_until(&mut engine, &lease, end).await;
        let body = json!({"subscription_url": format!("https://sync.example.com{PATH}"), "event_action": "*",
            "event_object": "organization", "name": "erp", "version": "2.0",
            "http_auth_user": "pipedrive", "http_auth_password": "secret"});
        let made = Request::post("/v1/webhooks")
            .header("x-api-token", "0123456789012345678901234567890123456789")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        let made = world.pipedrive.router().oneshot(made).await.expect("an answer");
        assert_eq!(made.status().as_u16(), 201);
        let (door, keeper) = Door::of(&world, &["0123456789abcdef"], &["secret"]);
        Self { world, engine, lease, door, keeper, acme }
    }

    fn organization(&self) -> saas_sims::pipedrive::OrganizationView {
        self.world.organizations().remove(&self.acme).unwrap_or_default().pop().expect("an organization")
    }

    async fn deliver(&mut self) -> usize {
        self.door.open_to(&self.world, &mut self.keeper).await
    }

    async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: String) -> u16 {
        let Self { world, door, keeper, .. } = self;
        let posted = async {
            tokio::select! {
                biased;
                status = door.post(path, headers, body) => status,
                () = keeper => panic!("nobody closes the doors"),
            }
        };
        world.drive(posted).await.expect("alive")
    }

    /// What the daemon does when the bell rings.
    async fn work(&mut self) {
        self.engine.look_into_hooks();
        let end = self.world.clock.now() + SignedDuration::from_mins(5);
        self.world.work_until(&mut self.engine, &self.lease, end).await;
    }

    fn reads(&self) -> u64 {
        let stats = self.world.pipedrive.stats();
        stats
            .by_operation
            .iter()
            .filter(|(name, _)| name.starts_with("GET"))
            .map(|(_, (asked, _))| asked)
            .sum()
    }

    async fn open(&self) -> usize {
        let open = async {
            let mut tx = self.world.store.read(self.world.connection).await?;
            let mut open = tx.hook_events(1_000).await?;
            open.retain(|event| event.done_at.is_none());
            open.sort_by_key(|event| event.record.1);
            open.dedup_by_key(|event| event.record.1);
            Ok::<_, sync_store::StoreError>(open)
        };
        self.world.drive(open).await.expect("alive").expect("the store works").len()
    }
}

#[tokio::test]
async fn an_edit_in_pipedrive_arrives_at_once_and_our_own_writes_echo_nothing() {
    let mut story = Story::begin().await;
    let organization = story.organization().id;
    story.world.pipedrive.edit_as_person(organization, &json!({"name": "Sales"})).expect("an organization");
    assert_eq!(story.deliver().await, 1);
    story.work().await;
    assert_eq!(story.organization().name, "Acme", "the ERP owns the name");
    let updated = story.organization().update_time;

    assert_eq!(story.deliver().await, 1, "our own write comes back");
    let reads = story.reads();
    story.work().await;
    assert_eq!(
        (story.organization().update_time, story.reads()),
        (updated, reads + 1),
        "read, and that is all"
    );
    assert_eq!(story.deliver().await, 0);
    assert_eq!((story.door.visits(), story.open().await), ([2, 0, 0, 0], 0));
}

#[tokio::test]
async fn many_events_of_one_record_are_one_look_and_a_deletion_is_noticed() {
    let mut story = Story::begin().await;
    let organization = story.organization().id;
    for name in ["a", "b", "c", "d"] {
        story.world.pipedrive.edit_as_person(organization, &json!({"name": name})).expect("an organization");
    }
    assert_eq!(story.deliver().await, 4);
    let reads = story.reads();
    story.work().await;
    assert_eq!((story.organization().name.as_str(), story.reads()), ("Acme", reads + 1));

    story.world.pipedrive.delete_as_person(organization).expect("an organization");
    story.deliver().await;
    story.work().await;
    let held = async {
        let mut tx = story.world.store.read(story.world.connection).await?;
        tx.list_holds(None, None, 10).await
    };
    let held = story.world.drive(held).await.expect("alive").expect("the store works");
    assert_eq!(held.iter().map(|hold| hold.reason.key()).collect::<Vec<_>>(), ["organization_gone"]);
}

#[tokio::test]
async fn who_proves_nothing_changes_nothing_and_is_not_parsed() {
    let mut story = Story::begin().await;
    let organization = story.organization().id;
    let payload = |id: &str| {
        let meta = json!({"action": "change", "entity": "organization", "entity_id": organization.to_string(),
            "id": id, "webhook_id": "1", "timestamp": "2026-03-02T12:00:00.000Z"});
        json!({ "meta": meta }).to_string()
    };
    // pipedrive:wrong
    let wrong = [("authorization", "Basic cGlwZWRyaXZlOndyb25n")];
    assert_eq!(story.post(PATH, &[], payload("1")).await, 401);
    assert_eq!(story.post(PATH, &wrong, payload("1")).await, 401);
    assert_eq!(story.post(PATH, &wrong, "{".to_owned()).await, 401, "what is not vouched for is not parsed");
    assert_eq!(story.post("/hooks/acme/0123456789abcdee", &[RIGHT], payload("1")).await, 404);
    assert_eq!(story.post("/hooks/other/0123456789abcdef", &[RIGHT], payload("1")).await, 404);
    assert_eq!(story.post(PATH, &[RIGHT], " ".repeat(MOST_BYTES + 1)).await, 413);
    assert_eq!((story.door.visits(), story.open().await), ([0, 0, 0, 4], 0));

    assert_eq!(story.post(PATH, &[RIGHT], "{".to_owned()).await, 200, "a refusal would count towards a ban");
    let person = json!({"meta": {"action": "change", "entity": "person", "entity_id": "1", "id": "9"}});
    assert_eq!(story.post(PATH, &[RIGHT], person.to_string()).await, 200);
    for id in ["1", "1", "2"] {
        assert_eq!(story.post(PATH, &[RIGHT], payload(id)).await, 200);
    }
    assert_eq!((story.door.visits(), story.open().await), ([3, 1, 1, 4], 1));
}

/// An organization that nobody knows, or that is not there, harms nobody.
#[tokio::test]
async fn what_is_told_is_only_a_hint() {
    let mut story = Story::begin().await;
    for id in ["999999", "1"] {
        let body = json!({"meta": {"action": "change", "entity": "organization", "entity_id": id, "id": id,
            "webhook_id": "1", "timestamp": "2099-01-01T00:00:00Z"}, "data": {"name": "Evil"}});
        assert_eq!(story.post(PATH, &[RIGHT], body.to_string()).await, 200);
    }
    story.work().await;
    assert_eq!((story.organization().name.as_str(), story.open().await), ("Acme", 0));
}

/// Law 10: what webhooks told of and cannot be read stands in nobody's way.
#[tokio::test]
async fn a_record_that_cannot_be_read_holds_up_no_other() {
    let mut story = Story::begin().await;
    let organization = story.organization().id;
    // Somebody sends an id that the CRM answers with nothing but trouble.
    let trouble = Fault::Status { status: 500, body: String::new(), content_type: None, retry_after: None };
    story.world.pipedrive.faults().add(FaultRule::on("/organizations/999999", trouble).method("GET"));
    let body = json!({"meta": {"action": "change", "entity": "organization", "entity_id": "999999", "id": "1",
        "webhook_id": "1", "timestamp": "2026-03-02T12:00:00Z"}});
    assert_eq!(story.post(PATH, &[RIGHT], body.to_string()).await, 200);
    story.world.pipedrive.edit_as_person(organization, &json!({"name": "Sales"})).expect("an organization");
    story.deliver().await;
    for _ in 0..6 {
        story.work().await;
    }
    assert_eq!((story.organization().name.as_str(), story.open().await), ("Acme", 0));
}

/// A list that shows none of many is not believed: the next walk tells.
#[tokio::test]
async fn many_that_seem_to_be_gone_at_once_are_not_believed() {
    let mut story = Story::begin().await;
    let organization = story.organization().id;
    let empty = json!({"success": true, "data": [], "additional_data": {"next_cursor": null}}).to_string();
    let empty = Fault::Status { status: 200, body: empty, content_type: None, retry_after: None };
    story.world.pipedrive.faults().add(FaultRule::on("/api/v2/organizations", empty).method("GET").times(1));
    for id in (0..12).map(|number| if number == 0 { organization } else { 900_000 + number }) {
        let body = json!({"meta": {"action": "change", "entity": "organization", "entity_id": id.to_string(),
            "id": format!("e{id}"), "webhook_id": "1", "timestamp": "2026-03-02T12:00:00Z"}});
        assert_eq!(story.post(PATH, &[RIGHT], body.to_string()).await, 200);
    }
    story.work().await;
    let held = async {
        let mut tx = story.world.store.read(story.world.connection).await?;
        tx.list_holds(None, None, 10).await
    };
    let held = story.world.drive(held).await.expect("alive").expect("the store works");
    assert_eq!(
        (held.len(), story.open().await),
        (0, 0),
        "nobody is asked about an organization that is there"
    );
}
