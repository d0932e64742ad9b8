//! A Pipedrive company that holds some of the customers before anybody connected the two systems.

use std::collections::BTreeMap;

use crate::{
    plan::{apply, approved, command, plan, story},
    world::{Beginning, World},
};
use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    pipedrive::PipedriveSettings,
};
use serde_json::{Value, json};
use sync_core::{
    answers::Answer,
    foresee::Rest,
    ids::{OrgId, PartyId},
    plan::Step,
};
use sync_engine::{Fate, Foreseen, lease::Lease};
use sync_store::Answered;

/// Customers of finance, and what sales made of them.
struct Company {
    world: World,
    /// Misspelt, with its web site.
    certain: i64,
    nordlicht: i64,
    /// A name and nothing else.
    unsure: i64,
    acme: i64,
    /// Entered twice by sales.
    doubled: i64,
    twins: [i64; 2],
    /// Two customers of one name and site, of which sales knows one.
    rivals: [i64; 2],
    /// Unknown to sales.
    other: i64,
}

async fn company() -> Company {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    let mut world = World::new(Beginning { seed: 5, fusion, pipedrive, oauth: false }).await;
    world.sweep_every = SignedDuration::from_hours(1);
    let customer = |name: &str, site: Option<&str>| {
        let values =
            json!({"OrganizationName": name, "PartyUsageCode": "CUSTOMER", "Country": "DE", "URL": site});
        let party = world.fusion.add_party(Edit::set(values)).expect("a party");
        world.fusion.add_account(party, Edit::set(json!({}))).expect("an account");
        party
    };
    let sales = |name: &str, site: Option<&str>| {
        world.pipedrive.create_as_person(&json!({"name": name, "website": site})).expect("an organization")
    };
    let [certain, unsure, doubled, other] = [
        customer("Nordlicht Maschinenbau GmbH", Some("https://www.nordlicht.example")),
        customer("Acme Ltd", Some("acme.example")),
        customer("Zweimal AG", Some("zweimal.example")),
        customer("Bolt SE", None),
    ];
    let rivals = [
        customer("Doppelt GmbH", Some("doppelt.example")),
        customer("Doppelt GmbH", Some("http://doppelt.example/")),
    ];
    let (nordlicht, acme) =
        (sales("NORDLICHT Maschinnenbau", Some("nordlicht.example")), sales("ACME", None));
    let twins = [sales("Zweimal", Some("zweimal.example")), sales("Zweimal AG", Some("zweimal.example"))];
    sales("Doppelt", Some("www.doppelt.example"));
    // Late commits are over.
    world.clock.advance(SignedDuration::from_mins(30));
    Company { world, certain, nordlicht, unsure, acme, doubled, twins, rivals, other }
}

impl Company {
    async fn question(&self, party: i64) -> Option<&'static str> {
        let asked = async {
            let mut tx = self.world.store.read(self.world.connection).await?;
            tx.holds(&[PartyId(party)]).await
        };
        let asked = self.world.drive(asked).await.expect("alive").expect("the store works");
        asked.get(&PartyId(party)).map(sync_core::hold::HoldReason::key)
    }

    async fn answer(&self, party: i64, answer: Answer) {
        let (store, now) = (&self.world.store, self.world.clock.now());
        let given = store.answer_hold(self.world.connection, PartyId(party), &answer, "maria", now);
        let given = self.world.drive(given).await.expect("alive").expect("the store works");
        assert_eq!(given, Answered::Taken);
    }

    /// The ERP customer id that an organization carries.
    fn carries(&self, org: i64) -> Option<String> {
        let organization = self.world.pipedrive.organization(org).expect("it is there");
        // Before the field exists there is none.
        organization.custom.get("ERP customer id").and_then(Value::as_str).map(str::to_owned)
    }

    /// What the first cycle has to leave behind, however it came about.
    async fn check_first_cycle(&self) {
        let ambiguous = Some("ambiguous");
        for (party, wanted) in [
            (self.certain, None),
            (self.unsure, ambiguous),
            (self.doubled, ambiguous),
            (self.rivals[0], ambiguous),
            (self.rivals[1], ambiguous),
            (self.other, None),
        ] {
            assert_eq!(self.question(party).await, wanted, "{party}");
        }
        assert_eq!(self.carries(self.nordlicht), Some(self.certain.to_string()));
        assert_eq!(self.world.organizations().get(&self.other).map(Vec::len), Some(1));
        assert_eq!(self.world.pipedrive.organizations().len(), 6, "sales made five, one is new");
    }

    /// It is that one; it is none of them; it is another company, so that its rival gets it.
    async fn check_answers(&self, lease: &Lease) {
        let doppelt = self.world.pipedrive.organizations();
        let doppelt = doppelt.iter().find(|org| org.name == "Doppelt").expect("it is there").id;
        self.answer(self.unsure, Answer::Same { org: OrgId(self.acme) }).await;
        self.answer(self.doubled, Answer::New).await;
        self.answer(self.rivals[0], Answer::Apart { org: OrgId(doppelt) }).await;
        let end = self.world.clock.now() + SignedDuration::from_hours(3);
        self.world.work_until(&mut command(&self.world, lease, 9), lease, end).await;
        for party in [self.certain, self.unsure, self.doubled, self.rivals[0], self.rivals[1], self.other] {
            assert_eq!(self.question(party).await, None, "{party}");
        }
        assert_eq!(self.carries(self.acme), Some(self.unsure.to_string()));
        assert_eq!(self.carries(doppelt), Some(self.rivals[1].to_string()), "nobody else wants it now");
        assert_eq!(
            self.twins.map(|org| self.carries(org)),
            [None, None],
            "what was kept apart is left alone"
        );
        assert_eq!(self.world.pipedrive.organizations().len(), 8);
        assert_eq!(self.world.check_agreement().await, Vec::<String>::new());
    }
}

#[test]
fn a_first_sync_binds_what_is_certain_asks_about_what_is_not_and_creates_the_rest() {
    story(|| async {
        let company = company().await;
        let lease = company.world.take().await.expect("nobody else wants it");
        let mut engine = command(&company.world, &lease, 1);
        let end = company.world.clock.now() + SignedDuration::from_hours(1);
        company.world.work_until(&mut engine, &lease, end).await;
        company.check_first_cycle().await;
        company.check_answers(&lease).await;
    });
}

/// What a careful person does first: `plan`, read it, `apply` it.
#[test]
fn a_plan_of_a_half_full_company_shows_the_very_writes_and_they_can_be_applied() {
    story(|| async {
        let company = company().await;
        let Company { world, certain, nordlicht, other, .. } = &company;
        let lease = world.take().await.expect("nobody else wants it");
        let (_, shown) = plan(world, &lease, &mut command(world, &lease, 1)).await;
        let by_party: BTreeMap<i64, &Foreseen> =
            shown.iter().map(|foreseen| (foreseen.party.0, foreseen)).collect();
        let steps = |party: &i64| -> Vec<&'static str> {
            by_party[party].plans.iter().flat_map(|plan| plan.steps.iter().map(Step::op)).collect()
        };
        assert_eq!((steps(certain), steps(other)), (vec!["bind", "update"], vec!["create"]));
        assert_eq!(by_party[certain].rest, Rest::InSync, "the whole way is shown");
        for party in [company.unsure, company.doubled, company.rivals[0], company.rivals[1]] {
            let Rest::Hold { reason } = &by_party[&party].rest else { panic!("{:?}", by_party[&party]) };
            assert_eq!(reason.key(), "ambiguous");
        }
        assert_eq!([*nordlicht, company.acme].map(|org| company.carries(org)), [None, None]);

        let fates = apply(world, &lease, &mut command(world, &lease, 2), &approved(&shown)).await;
        assert_eq!(
            fates,
            [(PartyId(*certain), Fate::Applied), (PartyId(*other), Fate::Applied)].into_iter().collect()
        );
        assert_eq!(company.carries(*nordlicht), Some(certain.to_string()));
        let (_, again) = plan(world, &lease, &mut command(world, &lease, 3)).await;
        assert_eq!(approved(&again).len(), 0, "{again:?}");

        let end = world.clock.now() + SignedDuration::from_hours(1);
        world.work_until(&mut command(world, &lease, 4), &lease, end).await;
        company.check_first_cycle().await;
        company.check_answers(&lease).await;
    });
}

/// Two customers of one name and site, of which sales knows one: when finance removes the other, nobody has to be asked.
#[test]
fn a_rival_that_the_erp_does_not_show_any_more_is_no_rival() {
    story(|| async {
        let company = company().await;
        let Company { world, rivals, .. } = &company;
        let lease = world.take().await.expect("nobody else wants it");
        let mut engine = command(world, &lease, 1);
        let end = world.clock.now() + SignedDuration::from_hours(1);
        world.work_until(&mut engine, &lease, end).await;
        company.check_first_cycle().await;
        world.fusion.remove_party(rivals[0]).expect("it was there");
        let end = world.clock.now() + SignedDuration::from_hours(4);
        world.work_until(&mut engine, &lease, end).await;
        assert_eq!(company.question(rivals[1]).await, None);
        let organizations = world.organizations();
        let of_the_other = organizations.get(&rivals[1]).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(of_the_other.iter().map(|org| org.name.as_str()).collect::<Vec<_>>(), ["Doppelt GmbH"]);
        assert_eq!(world.pipedrive.organizations().len(), 6, "nothing new was made");
    });
}
