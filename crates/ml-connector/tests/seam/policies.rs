//! Records that end or return, on both sides, under every policy: what sales and finance see afterwards.

use crate::world::{Beginning, World};
use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    pipedrive::{OrganizationView, PipedriveSettings},
};
use serde_json::json;
use sync_core::{
    answers::Answer,
    fields::{Field, Owner},
    ids::PartyId,
    policy::{CrmReactions, ErpReactions, LifeLabels, Reaction},
};
use sync_engine::{Engine, lease::Lease};

/// Two customers in agreement with their organizations, and the process that keeps them so.
struct Story {
    world: World,
    engine: Engine,
    lease: Lease,
    acme: i64,
    bolt: i64,
}

impl Story {
    async fn begin(erp: ErpReactions, crm: CrmReactions) -> Self {
        let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
        let mut world = World::new(Beginning { seed: 3, fusion, pipedrive, oauth: false }).await;
        world.sweep_every = SignedDuration::from_hours(1);
        if erp.labelled().next().is_some() {
            world.policy.fields = world.policy.fields.clone().with(Field::Labels, Owner::Erp);
        }
        world.policy.erp = erp;
        world.policy.crm = crm;
        // Labels that every company of the simulator has.
        let [inactive, merged, deleted] = ["Cold lead", "Warm lead", "Hot lead"].map(str::to_owned);
        world.policy.labels = LifeLabels { inactive, merged, deleted };
        let customer = |name: &str| {
            let values =
                json!({"OrganizationName": name, "PartyUsageCode": "CUSTOMER", "RawPhoneNumber": "1"});
            let party = world.fusion.add_party(Edit::set(values)).expect("a party");
            world.fusion.add_account(party, Edit::set(json!({}))).expect("an account");
            party
        };
        let (acme, bolt) = (customer("Acme"), customer("Bolt"));
        // Enough others that a sweep which misses one is believed.
        for n in 0..12 {
            customer(&format!("Other {n}"));
        }
        let lease = world.take().await.expect("nobody else wants it");
        let engine = world.engine(&lease);
        let mut story = Self { world, engine, lease, acme, bolt };
        story.hours(1).await;
        assert_eq!(story.organization(story.acme).custom["ERP status"], "Active");
        story
    }

    async fn hours(&mut self, hours: i64) {
        let end = self.world.clock.now() + SignedDuration::from_hours(hours);
        self.world.work_until(&mut self.engine, &self.lease, end).await;
    }

    /// The newest organization that carries the party's id.
    fn organization(&self, party: i64) -> OrganizationView {
        let mut all = self.world.organizations().remove(&party).unwrap_or_default();
        all.pop().expect("an organization")
    }

    fn alive(&self, party: i64) -> usize {
        let all = self.world.organizations().remove(&party).unwrap_or_default();
        all.iter().filter(|organization| !organization.deleted).count()
    }

    async fn question(&self, party: i64) -> Option<&'static str> {
        let asked = async {
            let mut tx = self.world.store.read(self.world.connection).await?;
            tx.holds(&[PartyId(party)]).await
        };
        let asked = self.world.drive(asked).await.expect("alive").expect("the store works");
        asked.get(&PartyId(party)).map(sync_core::hold::HoldReason::key)
    }

    async fn answer(&mut self, party: i64, answer: Answer) {
        let now = self.world.clock.now();
        let store = &self.world.store;
        let given = store.answer_hold(self.world.connection, PartyId(party), &answer, "maria", now);
        let given = self.world.drive(given).await.expect("alive").expect("the store works");
        assert_eq!(given, sync_store::Answered::Taken);
        self.hours(1).await;
    }

    fn edit(&self, party: i64, values: serde_json::Value) {
        self.world.fusion.edit_party(party, &Edit::set(values)).expect("a party");
    }

    fn shown(&self) -> (String, String) {
        let organization = self.organization(self.acme);
        let text = |name: &str| organization.custom[name].as_str().unwrap_or_default().to_owned();
        (text("ERP status"), text("ERP phone"))
    }
}

fn erp(reaction: Reaction) -> ErpReactions {
    ErpReactions { inactive: reaction, merged: reaction, deleted: reaction, returned: reaction }
}

fn crm(reaction: Reaction) -> CrmReactions {
    CrmReactions { merged: reaction, deleted: reaction, returned: reaction }
}

fn words(status: &str, phone: &str) -> (String, String) {
    (status.to_owned(), phone.to_owned())
}

#[tokio::test]
async fn an_inactive_customer_is_flagged_ignored_or_asked_about() {
    for (reaction, shown, asked) in [
        (Reaction::Flag, words("Inactive", "2"), None),
        (Reaction::Ignore, words("Active", "1"), None),
        (Reaction::Ask, words("Active", "1"), Some("customer_ended")),
    ] {
        let mut story = Story::begin(erp(reaction), CrmReactions::default()).await;
        story.edit(story.acme, json!({"Status": "I", "RawPhoneNumber": "2"}));
        story.hours(1).await;
        assert_eq!((story.shown(), story.question(story.acme).await), (shown, asked), "{reaction:?}");
        if reaction == Reaction::Ask {
            story.answer(story.acme, Answer::Flag).await;
            assert_eq!((story.shown(), story.question(story.acme).await), (words("Inactive", "2"), None));
        }
        assert_eq!(story.organization(story.bolt).custom["ERP status"], "Active", "nobody else is touched");
    }
}

#[tokio::test]
async fn a_merged_customer_is_flagged_ignored_or_asked_about() {
    for (reaction, changed, asked) in [
        (Reaction::Flag, true, None),
        (Reaction::Ignore, false, None),
        (Reaction::Ask, false, Some("customer_ended")),
    ] {
        let mut story = Story::begin(erp(reaction), CrmReactions::default()).await;
        story.world.fusion.merge_party(story.acme, story.bolt).expect("a merge");
        story.hours(2).await;
        let status = story.shown().0;
        assert_eq!((status != "Active", story.question(story.acme).await), (changed, asked), "{reaction:?}");
        if reaction == Reaction::Ask {
            story.answer(story.acme, Answer::Leave).await;
            assert_eq!((story.shown().0, story.question(story.acme).await), ("Active".to_owned(), None));
        }
        // Its account went over to the survivor, whose organization says so.
        let numbers = story.organization(story.bolt).custom["ERP account numbers"].clone();
        assert_eq!(numbers.as_str().unwrap_or_default().split(", ").count(), 2, "{numbers}");
    }
}

#[tokio::test]
async fn a_customer_that_the_erp_does_not_show_any_more_is_flagged_ignored_or_asked_about() {
    for (reaction, status, asked) in [
        (Reaction::Flag, "Deleted", None),
        (Reaction::Ignore, "Active", None),
        (Reaction::Ask, "Active", Some("party_missing")),
    ] {
        let mut story = Story::begin(erp(reaction), CrmReactions::default()).await;
        story.world.fusion.remove_party(story.acme).expect("a party");
        story.hours(4).await;
        let found = (story.shown().0, story.question(story.acme).await);
        assert_eq!(found, (status.to_owned(), asked), "{reaction:?}");
        if reaction == Reaction::Ask {
            story.answer(story.acme, Answer::Flag).await;
            assert_eq!((story.shown().0, story.question(story.acme).await), ("Deleted".to_owned(), None));
        }
    }
}

#[tokio::test]
async fn a_customer_that_is_back_is_resumed_ignored_or_asked_about() {
    for (reaction, shown, asked) in [
        (Reaction::Flag, words("Active", "2"), None),
        (Reaction::Ignore, words("Inactive", "1"), None),
        (Reaction::Ask, words("Inactive", "1"), Some("customer_returned")),
    ] {
        let reactions = ErpReactions { returned: reaction, ..erp(Reaction::Flag) };
        let mut story = Story::begin(reactions, CrmReactions::default()).await;
        story.edit(story.acme, json!({"Status": "I"}));
        story.hours(1).await;
        assert_eq!(story.shown().0, "Inactive");
        story.edit(story.acme, json!({"Status": "A", "RawPhoneNumber": "2"}));
        story.hours(1).await;
        assert_eq!((story.shown(), story.question(story.acme).await), (shown, asked), "{reaction:?}");
        if reaction == Reaction::Ask {
            story.answer(story.acme, Answer::Resume).await;
            assert_eq!((story.shown(), story.question(story.acme).await), (words("Active", "2"), None));
        }
    }
}

/// What people labelled stays, also if they do so at the same time.
#[tokio::test]
async fn customers_that_end_get_a_label_beside_those_of_people() {
    const CUSTOMER: i64 = 5;
    const HOT: i64 = 6;
    const WARM: i64 = 7;
    const COLD: i64 = 8;
    let label = || ErpReactions { returned: Reaction::Flag, ..erp(Reaction::Label) };
    let mut story = Story::begin(label(), CrmReactions::default()).await;
    let labels = |story: &Story| story.organization(story.acme).label_ids;
    let organization = story.organization(story.acme).id;
    let people = |story: &Story, labels: &[i64]| {
        let body = json!({ "label_ids": labels });
        story.world.pipedrive.edit_as_person(organization, &body).expect("an organization");
    };
    people(&story, &[CUSTOMER]);
    story.edit(story.acme, json!({"Status": "I"}));
    story.hours(1).await;
    assert_eq!((story.shown().0.as_str(), labels(&story)), ("Inactive", vec![CUSTOMER, COLD]));

    people(&story, &[CUSTOMER, COLD, HOT]);
    story.edit(story.acme, json!({"Status": "A"}));
    story.hours(1).await;
    assert_eq!(
        (story.shown().0.as_str(), labels(&story)),
        ("Active", vec![CUSTOMER]),
        "also one of ours that somebody gave by hand"
    );
    people(&story, &[]);
    story.world.fusion.merge_party(story.acme, story.bolt).expect("a merge");
    story.hours(2).await;
    assert_eq!(labels(&story), [WARM]);

    let mut story = Story::begin(label(), CrmReactions::default()).await;
    story.world.fusion.remove_party(story.acme).expect("a party");
    story.hours(4).await;
    assert_eq!((story.shown().0.as_str(), labels(&story)), ("Deleted", vec![HOT]));
    assert_eq!(story.organization(story.bolt).label_ids, [] as [i64; 0], "nobody else is touched");
    assert_eq!(story.question(story.acme).await, None);
}

#[tokio::test]
async fn a_deleted_organization_is_asked_about_or_ignored() {
    for (reaction, asked) in [(Reaction::Ask, Some("organization_gone")), (Reaction::Ignore, None)] {
        let mut story = Story::begin(ErpReactions::default(), crm(reaction)).await;
        let organization = story.organization(story.acme).id;
        story.world.pipedrive.delete_as_person(organization).expect("an organization");
        story.edit(story.acme, json!({"RawPhoneNumber": "2"}));
        story.hours(2).await;
        assert_eq!((story.alive(story.acme), story.question(story.acme).await), (0, asked), "{reaction:?}");
        if reaction == Reaction::Ask {
            story.answer(story.acme, Answer::Recreate).await;
            assert_eq!((story.alive(story.acme), story.question(story.acme).await), (1, None));
            assert_eq!(story.shown(), words("Active", "2"));
        }
    }
}

#[tokio::test]
async fn of_two_merged_organizations_one_stands_for_both_or_the_other_is_left_without() {
    for (reaction, asked) in [(Reaction::Ask, Some("organization_gone")), (Reaction::Ignore, None)] {
        let mut story = Story::begin(ErpReactions::default(), crm(reaction)).await;
        let (acme, bolt) = (story.organization(story.acme).id, story.organization(story.bolt).id);
        story.world.pipedrive.merge_organizations(acme, bolt).expect("a merge");
        story.hours(2).await;
        // The survivor keeps its own ERP id: nothing says over the API where the other one went (a webhook will).
        assert_eq!((story.alive(story.acme), story.question(story.acme).await), (0, asked), "{reaction:?}");
        assert_eq!(story.question(story.bolt).await, None);
        if reaction == Reaction::Ask {
            story.answer(story.acme, Answer::Leave).await;
            assert_eq!((story.alive(story.acme), story.question(story.acme).await), (0, None));
            assert_eq!(story.alive(story.bolt), 1);
        }
    }
}

#[tokio::test]
async fn an_organization_that_nobody_owned_takes_the_place_of_the_one_merged_into_it() {
    let mut story = Story::begin(ErpReactions::default(), CrmReactions::default()).await;
    let acme = story.organization(story.acme).id;
    let survivor = story.world.pipedrive.create_as_person(&json!({"name": "Acme (old)"})).expect("one");
    story.world.pipedrive.merge_organizations(acme, survivor).expect("a merge");
    story.hours(2).await;
    assert_eq!((story.alive(story.acme), story.question(story.acme).await), (1, None));
    assert_eq!(
        (story.organization(story.acme).id, story.organization(story.acme).name),
        (survivor, "Acme".into())
    );
}

#[tokio::test]
async fn an_organization_that_is_back_is_resumed_ignored_or_asked_about() {
    for (reaction, phone, asked) in [
        (Reaction::Flag, "2", None),
        (Reaction::Ignore, "1", None),
        (Reaction::Ask, "1", Some("organization_returned")),
    ] {
        let reactions = CrmReactions { returned: reaction, ..CrmReactions::default() };
        let mut story = Story::begin(ErpReactions::default(), reactions).await;
        let organization = story.organization(story.acme).id;
        story.world.pipedrive.delete_as_person(organization).expect("an organization");
        story.hours(2).await;
        story.answer(story.acme, Answer::Leave).await;
        story.edit(story.acme, json!({"RawPhoneNumber": "2"}));
        story.world.pipedrive.restore_as_person(organization).expect("it is in the bin");
        story.hours(2).await;
        let found = (story.shown().1, story.question(story.acme).await);
        assert_eq!(found, (phone.to_owned(), asked), "{reaction:?}");
        if reaction == Reaction::Ask {
            story.answer(story.acme, Answer::Resume).await;
            assert_eq!((story.shown().1, story.question(story.acme).await), ("2".to_owned(), None));
        }
    }
}
