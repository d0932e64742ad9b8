//! Families of the ERP, of every kind that the generator knows, as parents and daughters in Pipedrive.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
    generator::{self, Family, Tree},
    pipedrive::{PipedriveSettings, Plan},
};
use serde_json::json;
use sync_core::{
    answers::Answer,
    hierarchy::{HierarchyRule, Made, MadeRelation},
    hold::HoldReason,
    ids::{OrgId, PartyId},
};
use sync_engine::{Engine, Step, lease::Lease};

use crate::world::{Beginning, SWEEP, World};

/// Long enough for a doubt to settle.
const SETTLED: SignedDuration = SignedDuration::from_mins(5);

struct Setting {
    world: World,
    families: Vec<Family>,
    lease: Lease,
    engine: Engine,
}

async fn setting(fusion: FusionSettings, customers: usize) -> Setting {
    let pipedrive = PipedriveSettings { plan: Plan::Ultimate, ..PipedriveSettings::default() };
    let mut world = World::new(Beginning { seed: 3, fusion, pipedrive, oauth: false }).await;
    world.policy.hierarchy = Some(HierarchyRule::default());
    let truth = generator::populate(&world.fusion, customers, 3, world.clock.now());
    let families = generator::families(&world.fusion, &truth, 0.5, 3);
    let lease = world.take().await.expect("nobody dies");
    let engine = world.engine(&lease);
    Setting { world, families, lease, engine }
}

impl Setting {
    async fn work(&mut self, time: SignedDuration) {
        let end = self.world.clock.now() + time;
        self.world.work_until(&mut self.engine, &self.lease, end).await;
    }

    fn family(&self, tree: Tree) -> &Family {
        self.families.iter().find(|family| family.tree == tree).expect("every tree")
    }

    fn org(&self, party: i64) -> Option<i64> {
        let organizations = self.world.organizations();
        let living = organizations.get(&party)?.iter().find(|organization| !organization.deleted);
        living.map(|organization| organization.id)
    }

    /// Parent and daughter of everything that is related in Pipedrive.
    fn related(&self) -> Vec<(i64, i64)> {
        let related = self.world.pipedrive.relationships();
        let mut related: Vec<(i64, i64)> = related.iter().map(|r| (r.owner, r.linked)).collect();
        related.sort_unstable();
        related
    }

    /// What must be related by the truth: both are customers, nothing has ended, no circle.
    fn wanted(&self) -> Vec<(i64, i64)> {
        let told = self.families.iter().filter(|family| family.tree != Tree::Cycle);
        let relations = told.flat_map(|family| &family.relations).filter(|relation| !relation.ended);
        let mut wanted: Vec<(i64, i64)> =
            relations.filter_map(|r| Some((self.org(r.parent)?, self.org(r.daughter)?))).collect();
        wanted.sort_unstable();
        wanted
    }

    async fn holds(&self) -> BTreeMap<i64, HoldReason> {
        let world = &self.world;
        let holds = async { world.store.read(world.connection).await?.list_holds(None, None, 1_000).await };
        let holds = world.drive(holds).await.expect("alive").expect("the store works");
        holds.into_iter().map(|hold| (hold.party.0, hold.reason)).collect()
    }

    async fn made(&self, daughter: i64) -> Vec<MadeRelation> {
        let world = &self.world;
        let made = async { world.store.read(world.connection).await?.relations(&[PartyId(daughter)]).await };
        let made = world.drive(made).await.expect("alive").expect("the store works");
        made.into_values().flatten().collect()
    }

    fn requests(&self, operation: &str) -> u64 {
        let stats = self.world.pipedrive.stats();
        let asked = stats.by_operation.iter().filter(|(name, _)| name.starts_with(operation));
        asked.map(|(_, (requests, _))| requests).sum()
    }

    fn parties(&self, tree: Tree) -> BTreeSet<i64> {
        self.family(tree).members.iter().copied().collect()
    }
}

fn run<F: Future<Output = ()>>(story: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(story);
}

const LIST: &str = "GET /v1/organizationRelationships";

#[test]
fn every_family_is_what_the_truth_says_and_a_second_run_writes_and_lists_nothing() {
    run(async {
        for both in [true, false] {
            let fusion = FusionSettings {
                relationships_both_ways: both,
                expanded_children: 2,
                ..FusionSettings::default()
            };
            let mut setting = setting(fusion, 120).await;
            setting.work(SETTLED).await;
            assert_eq!(setting.world.check_agreement().await, Vec::<String>::new());
            let (related, wanted) = (setting.related(), setting.wanted());
            assert_eq!(related, wanted);
            assert!(wanted.len() >= 15, "{}", wanted.len());
            assert_eq!(setting.requests(LIST), 0, "ids are remembered, nothing is listed");

            // A circle is held, for all in it; nobody else is.
            let circle = setting.parties(Tree::Cycle);
            let held = setting.holds().await;
            assert_eq!(held.keys().copied().collect::<BTreeSet<_>>(), circle);
            assert!(held.values().all(|reason| reason.key() == "relation_cycle"), "{held:?}");
            // A parent that is no customer makes no relation and no question.
            for daughter in setting.parties(Tree::ParentIsNoCustomer) {
                assert_eq!(setting.made(daughter).await, []);
            }

            // The second run, sweep included.
            let writes = |setting: &Setting| -> u64 {
                ["POST", "PATCH", "PUT", "DELETE"].map(|method| setting.requests(method)).iter().sum()
            };
            let (before, erp) = (writes(&setting), setting.world.fusion.stats().requests);
            setting.work(SWEEP * 3).await;
            assert_eq!(writes(&setting), before);
            assert_eq!(setting.requests(LIST), 0);
            println!("three sweeps: {} ERP requests", setting.world.fusion.stats().requests - erp);
        }
    });
}

#[test]
fn what_changes_in_the_erp_changes_in_pipedrive_within_a_sweep() {
    run(async {
        let mut setting = setting(FusionSettings::default(), 60).await;
        setting.work(SETTLED).await;
        let before = setting.related();
        assert_eq!(before, setting.wanted());

        // A daughter leaves; it is written at the next sweep, because no party was stamped.
        let gone = setting.family(Tree::DaughterFirst).relations[0].clone();
        let end = Edit::set(json!({"Status": "I", "EndDate": "2026-03-01"}));
        setting.world.fusion.change_relation(gone.id, &end).expect("it is there");
        setting.work(SWEEP + SETTLED).await;
        let ended = (setting.org(gone.parent).expect("one"), setting.org(gone.daughter).expect("one"));
        let mut wanted = before.clone();
        wanted.retain(|pair| *pair != ended);
        assert_eq!(setting.related(), wanted);
        assert_eq!(setting.requests("DELETE /v1/organizationRelationships"), 1);

        // It comes back.
        let resume = Edit::set(json!({"Status": "A", "EndDate": "4712-12-31"}));
        setting.world.fusion.change_relation(gone.id, &resume).expect("it is there");
        setting.work(SWEEP + SETTLED).await;
        assert_eq!(setting.related(), before);

        // A circle is cut: the holds go, and what is left of it is related.
        let cut = setting.family(Tree::Cycle).relations.clone();
        setting.world.fusion.change_relation(cut[2].id, &end).expect("it is there");
        setting.work(SWEEP + SETTLED).await;
        assert_eq!(setting.holds().await, BTreeMap::new());
        let org = |party| setting.org(party).expect("one");
        let mut wanted: Vec<(i64, i64)> = cut[..2].iter().map(|r| (org(r.parent), org(r.daughter))).collect();
        wanted.extend(&before);
        wanted.sort_unstable();
        assert_eq!(setting.related(), wanted);
        assert_eq!(setting.requests(LIST), 0);
    });
}

/// A relation ended in the CRM by a person stays ended, and one that a person made stays.
#[test]
fn what_people_do_by_hand_is_theirs() {
    run(async {
        let mut setting = setting(FusionSettings::default(), 60).await;
        // Before we relate anything, sales relates two of a family itself.
        let mine = setting.family(Tree::ThreeLevels).relations[0].clone();
        let sold = setting.family(Tree::Sold).relations[1].clone();
        setting.world.pipedrive.faults().set(vec![
            FaultRule::on("/v1/organizationRelationships", Fault::Html { status: 503 }).method("POST"),
        ]);
        setting.work(SignedDuration::from_secs(20)).await;
        let ends = |setting: &Setting, r: &generator::Relation| {
            Some((setting.org(r.parent)?, setting.org(r.daughter)?))
        };
        let (parent, daughter) = ends(&setting, &mine).expect("both are customers");
        let by_hand = setting.world.pipedrive.relate_as_person(parent, daughter).expect("a relation");
        setting.world.pipedrive.faults().set(Vec::new());
        setting.work(SETTLED * 4).await;
        assert_eq!(setting.related(), setting.wanted(), "not twice");

        // Sales removes one of ours: nobody lists it, so it is not made again.
        let (parent, daughter) = ends(&setting, &sold).expect("both are customers");
        let relationships = setting.world.pipedrive.relationships();
        let ours = relationships.iter().find(|r| (r.owner, r.linked) == (parent, daughter)).expect("one").id;
        setting.world.pipedrive.unrelate_as_person(ours).expect("it was there");
        setting.work(SWEEP * 2).await;
        assert!(!setting.related().contains(&(parent, daughter)));

        // Its end in the ERP finds nothing to end; that is no failure.
        let end = Edit::set(json!({"Status": "I", "EndDate": "2026-03-01"}));
        setting.world.fusion.change_relation(sold.id, &end).expect("it is there");
        setting.work(SWEEP + SETTLED).await;
        assert_eq!(setting.made(sold.daughter).await, []);
        assert!(setting.holds().await.values().all(|reason| reason.key() == "relation_cycle"));
        let _ = by_hand;
    });
}

/// Refused because it is there already: it is a person's, and stays when the ERP ends the relationship.
#[test]
fn a_relation_that_was_there_already_is_left_to_people() {
    run(async {
        let mut setting = setting(FusionSettings::default(), 60).await;
        setting.work(SETTLED).await;
        let relation = setting.family(Tree::DaughterFirst).relations[0].clone();
        let end = Edit::set(json!({"Status": "I", "EndDate": "2026-03-01"}));
        setting.world.fusion.change_relation(relation.id, &end).expect("it is there");
        setting.work(SWEEP + SETTLED).await;
        let (parent, daughter) =
            (setting.org(relation.parent).expect("one"), setting.org(relation.daughter).expect("one"));
        let by_hand = setting.world.pipedrive.relate_as_person(parent, daughter).expect("a relation");
        let resume = Edit::set(json!({"Status": "A", "EndDate": "4712-12-31"}));
        setting.world.fusion.change_relation(relation.id, &resume).expect("it is there");
        setting.work(SWEEP + SETTLED).await;
        let made = setting.made(relation.daughter).await;
        assert_eq!(made.iter().map(|made| made.state).collect::<Vec<_>>(), [Made::ByHand]);
        assert_eq!(setting.requests(LIST), 1, "one look after the refusal");
        setting.world.fusion.change_relation(relation.id, &end).expect("it is there");
        setting.work(SWEEP + SETTLED).await;
        assert!(setting.world.pipedrive.relationships().iter().any(|r| r.id == by_hand), "it is a person's");
        assert_eq!(setting.made(relation.daughter).await, [], "forgotten");
    });
}

#[test]
fn a_relate_without_an_answer_is_looked_for_before_it_is_repeated() {
    run(async {
        for (fault, found) in [(Fault::DropAfter, 1), (Fault::DropBefore, 0)] {
            let mut setting = setting(FusionSettings::default(), 30).await;
            let rule = FaultRule::on("/v1/organizationRelationships", fault).method("POST").times(1);
            setting.world.pipedrive.faults().set(vec![rule]);
            setting.work(SETTLED).await;
            assert_eq!(setting.related(), setting.wanted());
            assert_eq!(setting.requests(LIST), 1);
            let made: Vec<MadeRelation> = {
                let mut made = Vec::new();
                for family in &setting.families {
                    for party in &family.members {
                        made.extend(setting.made(*party).await);
                    }
                }
                made
            };
            assert_eq!(
                made.iter().filter(|made| matches!(made.state, Made::Found(_))).count(),
                found,
                "{made:?}"
            );
            assert!(
                made.iter().all(|made| matches!(made.state, Made::Stands(_) | Made::Found(_))),
                "{made:?}"
            );
        }
    });
}

/// Whether it is ours or a person's nobody can tell: it is not ended without a word.
#[test]
fn a_relation_that_was_found_after_a_doubt_is_asked_about_before_it_ends() {
    run(async {
        let mut setting = setting(FusionSettings::default(), 60).await;
        let relation = setting.family(Tree::DaughterFirst).relations[0].clone();
        let everything = FaultRule::on("/v1/organizationRelationships", Fault::DropAfter).method("POST");
        setting.world.pipedrive.faults().set(vec![everything]);
        setting.work(SETTLED).await;
        setting.world.pipedrive.faults().clear();
        setting.work(SWEEP).await;
        let states: Vec<Made> = setting.made(relation.daughter).await.iter().map(|made| made.state).collect();
        let [Made::Found(id)] = states[..] else { panic!("{states:?}") };
        let end = Edit::set(json!({"Status": "I", "EndDate": "2026-03-01"}));
        setting.world.fusion.change_relation(relation.id, &end).expect("it is there");
        setting.work(SWEEP + SETTLED).await;
        let (parent, org) = (PartyId(relation.parent), OrgId(setting.org(relation.parent).expect("one")));
        let asked = HoldReason::RelationFound { relation: id, parent, org };
        assert_eq!(setting.holds().await.get(&relation.daughter), Some(&asked));
        assert!(setting.world.pipedrive.relationships().iter().any(|r| r.id == id.0));
        answer(&setting, relation.daughter, &Answer::Leave).await;
        setting.work(SETTLED).await;
        assert!(setting.world.pipedrive.relationships().iter().any(|r| r.id == id.0), "it is left");
        assert_eq!(setting.holds().await.get(&relation.daughter), None);
        assert_eq!(setting.made(relation.daughter).await, [], "forgotten");
    });
}

/// An organization that was replaced takes its relations along; a person leaves a circle as it is.
#[test]
fn a_replaced_organization_moves_its_relations_and_a_circle_can_be_left() {
    run(async {
        let mut setting = setting(FusionSettings::default(), 60).await;
        setting.work(SETTLED).await;
        let top = setting.family(Tree::ThreeLevels).members[0];
        let old = setting.org(top).expect("one");
        let daughters = setting.related().iter().filter(|(parent, _)| *parent == old).count();
        assert_eq!(daughters, 2);
        setting.world.pipedrive.delete_as_person(old).expect("it was there");
        setting.work(SWEEP + SETTLED).await;
        assert_eq!(setting.holds().await[&top], HoldReason::OrganizationGone { org: OrgId(old) });
        answer(&setting, top, &Answer::Recreate).await;
        for party in setting.parties(Tree::Cycle) {
            answer(&setting, party, &Answer::Leave).await;
        }
        setting.work(SETTLED).await;
        let new = setting.org(top).expect("a new one");
        assert_ne!(new, old);
        let related = setting.related();
        assert_eq!(related.iter().filter(|(parent, _)| *parent == new).count(), daughters);
        assert_eq!(related.iter().filter(|(parent, _)| *parent == old).count(), 0, "the old ones are ended");
        assert_eq!(setting.holds().await, BTreeMap::new(), "a circle that is left is no question");
        assert_eq!(related, setting.wanted());
    });
}

async fn answer(setting: &Setting, party: i64, answer: &Answer) {
    let world = &setting.world;
    let given = world.store.answer_hold(world.connection, PartyId(party), answer, "maria", world.clock.now());
    let given = world.drive(given).await.expect("alive").expect("the store works");
    assert_eq!(given, sync_store::Answered::Taken);
}

/// Processes die at any gate while families are made: still one relation each.
#[test]
fn deaths_make_no_relation_twice() {
    run(async {
        for seed in 0..6 {
            let mut setting = setting(FusionSettings::default(), 30).await;
            let mut rng = fastrand::Rng::with_seed(seed);
            drop((setting.engine, setting.lease));
            for _ in 0..12 {
                setting.world.gate.begin(Some(rng.u32(20..400)));
                if let Some(lease) = setting.world.take().await {
                    let mut engine = setting.world.engine(&lease);
                    while let Some(step) = setting.world.step(&mut engine, &lease).await {
                        setting.world.clock.advance(SignedDuration::from_millis(50));
                        if matches!(step, Step::IdleUntil(_)) {
                            setting.world.clock.advance(SignedDuration::from_secs(20));
                        }
                    }
                }
                setting.world.clock.advance(SignedDuration::from_secs(15));
            }
            setting.world.gate.begin(None);
            setting.lease = setting.world.take().await.expect("nobody dies");
            setting.engine = setting.world.engine(&setting.lease);
            setting.work(SWEEP + SETTLED).await;
            let related = setting.related();
            let once: BTreeSet<_> = related.iter().copied().collect();
            assert_eq!(once.len(), related.len(), "seed {seed}");
            let held = setting.holds().await;
            let unsure = held.values().filter(|reason| reason.key() == "relation_unsure").count();
            let wanted = setting.wanted();
            assert!(
                related.len() + unsure >= wanted.len(),
                "seed {seed}: {related:?} of {wanted:?}, {held:?}"
            );
            assert!(once.is_subset(&wanted.into_iter().collect()), "seed {seed}");
        }
    });
}
