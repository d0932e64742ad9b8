//! Webhooks of deals: what is won is handed over at once, and polling becomes seldom.

use jiff::{SignedDuration, Timestamp};
use saas_sims::fusion::Edit;
use serde_json::json;
use sync_core::{
    handover::Subject,
    hooks::HookEntity,
    ids::{OrgId, SubscriptionId},
};
use sync_engine::{
    Engine, Step, Subscribing,
    lease::Lease,
    subscriptions::{HookState, STATE},
};

use crate::{
    documents::{self, Customer, dollars, invoice, note, number, says},
    handovers::{NONE, ONE, deal, made, organization, question, world},
    hooks::{Door, Keeping},
    world::World,
};

const PATH: &str = "00000000000000000000000000000003";

struct Story {
    world: World,
    engine: Engine,
    lease: Lease,
    door: Door,
    keeper: Keeping,
}

impl Story {
    /// Both systems are read; subscriptions for organizations and deals are made.
    async fn begin(seed: u64) -> Self {
        // So rarely that nothing of what happens within hours is found by polling.
        let mut world = world(seed).await;
        world.poll_every = SignedDuration::from_hours(24);
        Self::begin_in(world).await
    }

    /// The same in a world that may be polled; what is gone is found by webhooks alone.
    async fn begin_in(mut world: World) -> Self {
        world.sweep_every = SignedDuration::from_hours(72);
        world.gate.begin(None);
        let lease = world.take().await.expect("nobody dies");
        let mut engine = world.engine(&lease);
        engine.look_after_webhooks(Subscribing {
            wanted: true,
            entities: vec![HookEntity::Organization, HookEntity::Deal],
            address: format!("https://sync.example.com/hooks/acme/{PATH}"),
            older: Vec::new(),
            name: "ml-connector acme".to_owned(),
        });
        let (door, keeper) = Door::of(&world, &[PATH], &["secret"]);
        let mut story = Self { world, engine, lease, door, keeper };
        story.work(30).await;
        story
    }

    /// Works as the daemon does; deliveries come in all the time. Tells when a customer was complete first.
    async fn work(&mut self, minutes: i64) {
        let end = self.now() + SignedDuration::from_mins(minutes);
        while self.now() < end {
            self.deliver().await;
            let step = self.world.step(&mut self.engine, &self.lease).await.expect("nobody kills it");
            let now = self.now();
            let nap = match step {
                Step::Worked => SignedDuration::from_millis(20),
                Step::IdleUntil(due) => {
                    let next = self.world.pipedrive.next_delivery().unwrap_or(end);
                    due.min(next).min(end).duration_since(now)
                }
            };
            self.world.clock.advance(nap.max(SignedDuration::from_millis(1)));
        }
    }

    async fn deliver(&mut self) {
        if self.door.open_to(&self.world, &mut self.keeper).await > 0 {
            self.engine.look_into_hooks();
        }
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    fn calls(&self, name: &str) -> u64 {
        let stats = self.world.pipedrive.stats();
        stats.by_operation.get(name).map_or(0, |(asked, _)| *asked)
    }

    async fn state(&self) -> HookState {
        let read = async {
            let mut tx = self.world.store.read(self.world.connection).await?;
            tx.cursor(STATE).await
        };
        let state: Option<HookState> = self.world.drive(read).await.expect("alive").expect("the store works");
        state.expect("webhooks were looked after")
    }

    /// Who told of something, by what they tell of.
    async fn ours(&self) -> Vec<(Option<HookEntity>, SubscriptionId)> {
        let read = async {
            let mut tx = self.world.store.read(self.world.connection).await?;
            tx.subscriptions(true, 100).await
        };
        let ours = self.world.drive(read).await.expect("alive").expect("the store works");
        ours.into_iter().map(|ours| (ours.entity, ours.id)).collect()
    }
}

#[tokio::test]
async fn a_deal_that_is_won_is_handed_over_at_once() {
    let mut story = Story::begin(21).await;
    let entities: Vec<_> = story.ours().await.into_iter().map(|(entity, _)| entity).collect();
    assert_eq!(entities.len(), 2, "one for each kind: {entities:?}");
    let org = organization(&story.world, "Acme Trading Inc");
    let open = deal(&story.world, Some(org));
    story.work(5).await;
    assert!(story.state().await.is_healthy_for(HookEntity::Deal), "{:?}", story.state().await);
    assert_eq!(story.calls("GET /api/v2/deals/{id}"), 0, "a deal that is open is of no interest yet");

    let lists = story.calls("GET /api/v2/deals");
    story.world.pipedrive.win_deal(open).expect("won");
    story.work(1).await;
    assert_eq!(made(&story.world, "Acme Trading Inc"), ONE, "within a minute");
    let read = story.calls("GET /api/v2/deals/{id}");
    assert!((1..=2).contains(&read), "{read}");

    // Told of again, reopened, lost, won again: nothing more is created.
    story.world.pipedrive.edit_deal(open, &json!({ "title": "Renamed" })).expect("edited");
    story.world.pipedrive.reopen_deal(open).expect("open");
    story.work(5).await;
    story.world.pipedrive.win_deal(open).expect("won");
    story.work(5).await;
    assert_eq!(made(&story.world, "Acme Trading Inc"), ONE);
    assert_eq!(story.calls("GET /api/v2/deals"), lists, "nothing was polled");
    assert_eq!(story.state().await.missed, 0);
}

/// Each rule of docs/customers-from-crm.md about deals that go other ways, told of by webhooks alone.
#[tokio::test]
async fn what_becomes_of_a_deal_before_anything_is_created_is_heeded() {
    let mut story = Story::begin(22).await;
    let bare = |story: &Story, name: &str| {
        story.world.pipedrive.create_as_person(&json!({ "name": name })).expect("an organization")
    };
    // Nothing can be created for these: they have no address. Each is asked about.
    let names = ["Reopened Ltd", "Archived Ltd", "Deleted Ltd", "Moved Ltd", "Gone Ltd", "Merged Ltd"];
    let orgs = names.map(|name| bare(&story, name));
    let deals = orgs.map(|org| deal(&story.world, Some(org)));
    for id in deals {
        story.world.pipedrive.win_deal(id).expect("won");
    }
    story.work(5).await;
    for org in orgs {
        assert!(question(&story.world, Subject::Org(OrgId(org))).await.is_some());
    }
    let friend = organization(&story.world, "Friend Ltd");
    let survivor = organization(&story.world, "Survivor Ltd");
    let [reopened, archived, deleted, moved, ..] = deals;
    story.world.pipedrive.reopen_deal(reopened).expect("open");
    story.world.pipedrive.archive_deal(archived, true).expect("archived");
    story.world.pipedrive.delete_deal(deleted).expect("deleted");
    story.world.pipedrive.edit_deal(moved, &json!({ "org_id": friend })).expect("edited");
    story.world.pipedrive.delete_as_person(orgs[4]).expect("deleted");
    story.world.pipedrive.merge_organizations(orgs[5], survivor).expect("merged");
    story.work(10).await;
    for (org, name) in orgs.into_iter().zip(names) {
        let asked = question(&story.world, Subject::Org(OrgId(org))).await;
        assert_eq!(asked, None, "{name} is asked about no more");
        assert_eq!(made(&story.world, name), NONE);
    }
    assert_eq!(made(&story.world, "Friend Ltd"), ONE, "the deal moved there");
    assert_eq!(made(&story.world, "Survivor Ltd"), ONE, "so did the deal of the one that was merged into it");
}

/// Whatever names the deal that is gone means the one that stands for both; our note, which goes there with the merger, does not
/// stay beside that one's own.
#[tokio::test]
async fn documents_of_a_merged_deal_are_shown_on_the_one_that_stands_for_both() {
    let world = documents::world(24).await;
    let party = json!({"OrganizationName": "Acme Trading Inc", "PartyUsageCode": "CUSTOMER"});
    let party = world.fusion.add_party(Edit::set(party)).expect("a party");
    let account = world.fusion.add_account(party, Edit::default()).expect("an account");
    let mut story = Story::begin_in(world).await;
    let acme = Customer { account, org: story.world.organizations()[&party][0].id };
    let [kept, gone, last] = [(); 3].map(|()| documents::deal(&story.world, &acme));
    let named = |deal: i64| json!({ "PurchaseOrder": format!("PD-{deal}") });
    let one = invoice(&story.world, &acme, 600.0, named(kept));
    let two = invoice(&story.world, &acme, 70.0, named(gone));
    story.work(20).await;
    assert_eq!(says(&story.world, gone, "ERP invoiced"), dollars("70"));
    let shows_all = |world: &World, deal: i64, amount: &str, invoices: &[i64]| {
        assert_eq!(says(world, deal, "ERP invoiced"), dollars(amount));
        let note = note(world, deal);
        assert!(invoices.iter().all(|invoice| note.contains(&number(world, *invoice))), "{note}");
    };
    story.world.pipedrive.merge_deals(gone, kept).expect("merged");
    story.work(10).await;
    shows_all(&story.world, kept, "670", &[one, two]);
    let three = invoice(&story.world, &acme, 30.0, named(gone));
    story.work(20).await;
    shows_all(&story.world, kept, "700", &[one, two, three]);
    story.world.pipedrive.merge_deals(kept, last).expect("merged");
    story.work(10).await;
    shows_all(&story.world, last, "700", &[one, two, three]);
}
