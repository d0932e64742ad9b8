//! Fields that no list of the ERP shows: the class and the payment terms of accounts, and the names of parents.

use crate::{
    plan::alive,
    world::{Beginning, World},
};
use jiff::SignedDuration;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
    pipedrive::PipedriveSettings,
};
use serde_json::json;
use sync_core::{
    fields::{Field, Owner},
    hierarchy::HierarchyRule,
};
use sync_engine::{Engine, Step, lease::Lease};

const SERVICES: [&str; 2] =
    ["/crmService/CustomerAccountService", "/fscmService/ReceivablesCustomerProfileService"];

struct Story {
    world: World,
    /// Customers with their accounts.
    customers: Vec<(i64, i64)>,
    lease: Lease,
    engine: Engine,
}

impl Story {
    async fn begin(customers: usize, fields: &[Field]) -> Self {
        let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
        let mut world = World::new(Beginning { seed: 5, fusion, pipedrive, oauth: false }).await;
        world.sweep_every = SignedDuration::from_hours(6);
        world.poll_every = SignedDuration::from_mins(5);
        let table = world.policy.fields.clone();
        world.policy.fields = fields.iter().fold(table, |table, field| table.with(*field, Owner::Erp));
        world.policy.hierarchy = fields.contains(&Field::Parent).then(HierarchyRule::default);
        let customers = (0..customers).map(|n| {
            let values = json!({"OrganizationName": format!("Acme {n}"), "PartyUsageCode": "CUSTOMER"});
            let party = world.fusion.add_party(Edit::set(values)).expect("a party");
            let account = world.fusion.add_account(party, Edit::set(json!({}))).expect("an account");
            world.fusion.set_account_class(account, Some("HIGH")).expect("an account");
            world.fusion.add_customer_profile(account, "DEFAULT").expect("an account");
            world.fusion.set_payment_terms(account, "30 Net").expect("a profile");
            (party, account)
        });
        let customers = customers.collect();
        let lease = world.take().await.expect("nobody dies");
        let engine = world.engine(&lease);
        Self { world, customers, lease, engine }
    }

    async fn minutes(&mut self, minutes: i64) {
        let end = self.world.clock.now() + SignedDuration::from_mins(minutes);
        self.world.work_until(&mut self.engine, &self.lease, end).await;
    }

    fn shown(&self, customer: usize) -> Option<(String, String, String)> {
        let organization = self.world.organizations().remove(&self.customers[customer].0)?.pop()?;
        let text =
            |name: &str| organization.custom.get(name).and_then(|v| v.as_str()).unwrap_or("-").to_owned();
        Some((text("ERP account class"), text("ERP payment terms"), text("ERP parent")))
    }

    async fn written(&self) -> Vec<String> {
        let read =
            async { self.world.store.read(self.world.connection).await?.journal(None, None, 1_000).await };
        let entries = self.world.drive(read).await.expect("alive").expect("the store works");
        entries.into_iter().rev().map(|row| row.entry.op).collect()
    }
}

fn unavailable() -> Fault {
    Fault::Status { status: 503, body: String::new(), content_type: None, retry_after: None }
}

fn words(class: &str, terms: &str, parent: &str) -> Option<(String, String, String)> {
    Some((class.to_owned(), terms.to_owned(), parent.to_owned()))
}

#[tokio::test]
async fn classes_and_terms_of_accounts_are_read_before_anything_is_written_and_again_when_they_change() {
    let mut story = Story::begin(30, &[Field::AccountClass, Field::PaymentTerms]).await;
    let faults = story.world.fusion.faults().clone();
    for service in SERVICES {
        faults.add(FaultRule::on(service, unavailable()));
    }
    story.minutes(20).await;
    assert_eq!(story.written().await, [] as [&str; 0], "nothing is written that would be written again");
    faults.clear();
    story.minutes(60).await;
    assert_eq!(story.written().await, vec!["create"; 30]);
    assert_eq!(story.shown(7), words("HIGH", "30 Net", "-"));

    let (party, account) = story.customers[7];
    story.world.fusion.set_account_class(account, Some("LOW")).expect("an account");
    story.minutes(10).await;
    assert_eq!(story.shown(7), words("LOW", "30 Net", "-"), "its stamp moves: the next poll sees it");
    let second = story.world.fusion.add_account(party, Edit::set(json!({}))).expect("an account");
    story.world.fusion.set_account_class(second, Some("NEW")).expect("an account");
    story.minutes(10).await;
    assert_eq!(story.shown(7), words("LOW, NEW", "30 Net", "-"));

    story.world.fusion.set_payment_terms(account, "60 Net").expect("a profile");
    story.minutes(10).await;
    assert_eq!(story.shown(7), words("LOW, NEW", "30 Net", "-"), "no stamp moves");
    story.minutes(7 * 60).await;
    assert_eq!(story.shown(7), words("LOW, NEW", "60 Net", "-"));

    story.world.fusion.set_payment_terms(account, "IMMEDIATE").expect("a profile");
    let Story { world, lease, engine, .. } = &mut story;
    let told = alive(world, lease, engine.sync_customer(&party.to_string())).await;
    let told = told.expect("the store works").expect("both answer");
    assert_eq!((told.len(), story.shown(7)), (1, words("LOW, NEW", "IMMEDIATE", "-")), "asked for, at once");
}

#[tokio::test]
async fn who_maps_neither_sends_nothing_to_the_services() {
    let mut story = Story::begin(3, &[]).await;
    for service in SERVICES {
        story.world.fusion.faults().add(FaultRule::on(service, unavailable()));
    }
    story.minutes(24 * 60).await;
    assert_eq!(story.world.fusion.faults().hits(), 0);
    assert_eq!(story.shown(0), words("-", "-", "-"));
}

#[tokio::test]
async fn parents_are_shown_by_name_and_follow_their_names() {
    let mut story = Story::begin(3, &[Field::Parent]).await;
    let [(holding, _), (daughter, _), (other, _)] = story.customers[..] else { panic!("three customers") };
    story.world.fusion.relate(daughter, holding, &Edit::set(json!({}))).expect("a relationship");
    story.minutes(60).await;
    assert_eq!((story.shown(0), story.shown(1)), (words("-", "-", "-"), words("-", "-", "Acme 0")));

    let name = json!({"OrganizationName": "Acme Holding"});
    story.world.fusion.edit_party(holding, &Edit::set(name)).expect("a party");
    story.minutes(10).await;
    assert_eq!(story.shown(1), words("-", "-", "Acme Holding"));

    story.world.fusion.relate(daughter, other, &Edit::set(json!({}))).expect("a relationship");
    story.minutes(7 * 60).await;
    assert_eq!(story.shown(1), words("-", "-", "Acme Holding, Acme 2"));
}

/// What was read so far waits for the rest, and so does whoever works on it.
#[tokio::test]
async fn an_erp_that_fails_in_the_middle_of_the_first_load_is_waited_for() {
    let mut story = Story::begin(3, &[]).await;
    let faults = story.world.fusion.faults().clone();
    // Accounts are read, and parties described.
    faults.add(FaultRule::on("/hubOrganizations", unavailable()).skip(1));
    let mut idle = 0;
    while idle < 20 {
        let now = story.world.clock.now();
        let Story { world, lease, engine, .. } = &mut story;
        match world.step(engine, lease).await.expect("nobody kills it") {
            Step::Worked => world.clock.advance(SignedDuration::from_millis(20)),
            Step::IdleUntil(due) => {
                assert!(due > now, "it does not spin");
                world.clock.advance(due.duration_since(now));
                idle += 1;
            }
        }
    }
    assert!(faults.hits() > 5);
}
