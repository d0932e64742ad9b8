//! Families in plan, apply and one customer: what is shown is what is written, token by token.

use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    generator::{self, Family, Relation, Tree},
    pipedrive::{PipedriveSettings, Plan as Tariff},
};
use serde_json::json;
use sync_core::{
    foresee::Rest,
    hierarchy::HierarchyRule,
    ids::PartyId,
    plan::{Rule, Step},
    ports::Crm,
};
use sync_engine::{Fate, Foreseen};

use crate::{
    plan::{alive, apply, approved, command, one, plan, rename, story, sync, tables, writes},
    world::{Beginning, SWEEP, World},
};

const CUSTOMERS: usize = 40;

async fn setting(seed: u64) -> (World, Vec<Family>) {
    let pipedrive = PipedriveSettings { plan: Tariff::Ultimate, ..PipedriveSettings::default() };
    let fusion = FusionSettings::default();
    let mut world = World::new(Beginning { seed, fusion, pipedrive, oauth: false }).await;
    world.policy.hierarchy = Some(HierarchyRule::default());
    let truth = generator::populate(&world.fusion, CUSTOMERS, seed, world.clock.now());
    let families = generator::families(&world.fusion, &truth, 0.5, seed);
    world.clock.advance(SignedDuration::from_mins(30));
    (world, families)
}

fn org(world: &World, party: i64) -> Option<i64> {
    world.organizations().get(&party)?.first().map(|organization| organization.id)
}

/// Parent and daughter of all that must be related.
fn wanted(world: &World, families: &[Family]) -> Vec<(i64, i64)> {
    let told = families.iter().filter(|family| family.tree != Tree::Cycle);
    let relations = told.flat_map(|family| &family.relations).filter(|relation| !relation.ended);
    let ends = |r: &Relation| Some((org(world, r.parent)?, org(world, r.daughter)?));
    let mut wanted: Vec<(i64, i64)> = relations.filter_map(ends).collect();
    wanted.sort_unstable();
    wanted
}

fn related(world: &World) -> Vec<(i64, i64)> {
    let mut related: Vec<(i64, i64)> =
        world.pipedrive.relationships().iter().map(|r| (r.owner, r.linked)).collect();
    related.sort_unstable();
    related
}

fn steps(shown: &[Foreseen]) -> Vec<&Step> {
    shown.iter().flat_map(|foreseen| &foreseen.plans).flat_map(|plan| &plan.steps).collect()
}

fn relation_of(families: &[Family], tree: Tree) -> &Relation {
    &families.iter().find(|family| family.tree == tree).expect("every tree").relations[0]
}

fn ended() -> Edit {
    Edit::set(json!({"Status": "I", "EndDate": "2026-03-01"}))
}

#[test]
fn what_a_plan_shows_of_families_is_what_apply_writes() {
    story(|| async {
        let (world, families) = setting(41).await;
        let lease = world.take().await.expect("nobody dies");
        let before = tables(&world).await;

        // Never synced: organizations first; who will belong to whom then is told beside.
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 1)).await;
        assert_eq!(tables(&world).await, before, "a walk over relationships moves nothing either");
        assert!(steps(&shown).iter().all(|step| matches!(step, Step::Create { .. })));
        let new: Vec<PartyId> = shown
            .iter()
            .filter(|foreseen| foreseen.gets_organization())
            .map(|foreseen| foreseen.party)
            .collect();
        let to_come = shown.iter().filter(|foreseen| foreseen.gets_organization());
        let to_come = to_come.flat_map(|foreseen| &foreseen.parents_to_come);
        let to_come = to_come.filter(|parent| new.contains(&parent.party)).count();
        let fates = apply(&world, &lease, &mut command(&world, &lease, 2), &approved(&shown)).await;
        assert!(fates.values().all(|fate| *fate == Fate::Applied), "{fates:?}");
        assert_eq!(related(&world), [], "only what was approved");

        // The next plan shows each of them, with its price, and apply makes them.
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 3)).await;
        let wanted = wanted(&world, &families);
        let relations = steps(&shown);
        assert_eq!((relations.len(), to_come), (wanted.len(), wanted.len()));
        assert!(relations.iter().all(|step| matches!(step, Step::Relate { .. })), "{relations:?}");
        let crm = world.pipedrive_client();
        let price: u32 = relations.iter().map(|step| crm.price(step)).sum();
        assert_eq!(usize::try_from(price).expect("small"), 10 * wanted.len());
        assert!(shown.iter().any(|foreseen| {
            matches!(&foreseen.rest, Rest::Hold { reason } if reason.key() == "relation_cycle")
        }));
        let left = world.pipedrive.tokens_left();
        let fates = apply(&world, &lease, &mut command(&world, &lease, 4), &approved(&shown)).await;
        assert!(fates.values().all(|fate| *fate == Fate::Applied), "{fates:?}");
        assert_eq!(related(&world), wanted);
        assert!(left - world.pipedrive.tokens_left() >= u64::from(price));

        // The same file again.
        let sent = writes(&world);
        let fates = apply(&world, &lease, &mut command(&world, &lease, 5), &approved(&shown)).await;
        assert!(fates.values().all(|fate| *fate == Fate::AlreadySo), "{fates:?}");
        sync(&world, &lease, &mut command(&world, &lease, 6)).await;
        assert_eq!(writes(&world), sent, "nothing was left");
        assert_eq!(world.check_agreement().await, Vec::<String>::new());
    });
}

#[test]
fn apply_ends_relations_and_refuses_what_moved() {
    story(|| async {
        let (world, families) = setting(42).await;
        let lease = world.take().await.expect("nobody dies");
        sync(&world, &lease, &mut command(&world, &lease, 1)).await;
        assert_eq!(related(&world), wanted(&world, &families));
        let leaves = relation_of(&families, Tree::DaughterFirst);
        let stays = relation_of(&families, Tree::ThreeLevels);
        for relation in [leaves, stays] {
            world.fusion.change_relation(relation.id, &ended()).expect("it is there");
        }
        world.clock.advance(SWEEP);
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 2)).await;
        let batch = approved(&shown);
        assert_eq!(batch.len(), 2, "{batch:?}");
        assert!(steps(&shown).iter().all(|step| matches!(step, Step::Unrelate { .. })));
        let left = steps(&shown);
        assert_eq!(left.iter().map(|step| world.pipedrive_client().price(step)).sum::<u32>(), 12);

        // The second daughter is renamed meanwhile: its own fields come first, and nobody approved them.
        rename(&world, PartyId(stays.daughter), "Renamed meanwhile");
        let fates = apply(&world, &lease, &mut command(&world, &lease, 3), &batch).await;
        assert_eq!(fates[&PartyId(leaves.daughter)], Fate::Applied);
        let Fate::Refused { applied: 0, moved } = &fates[&PartyId(stays.daughter)] else {
            panic!("{fates:?}")
        };
        assert!(moved[0].what.contains("which comes first"), "{moved:?}");
        let ends =
            |r: &Relation| (org(&world, r.parent).expect("one"), org(&world, r.daughter).expect("one"));
        assert!(!related(&world).contains(&ends(leaves)));
        assert!(related(&world).contains(&ends(stays)));

        // A new plan shows both, and one apply does both.
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 4)).await;
        let batch = approved(&shown);
        let rules: Vec<Rule> = batch.iter().flat_map(|one| &one.plans).map(|plan| plan.rule).collect();
        assert_eq!(rules, [Rule::ErpOwnsField, Rule::ErpFamily]);
        let fates = apply(&world, &lease, &mut command(&world, &lease, 5), &batch).await;
        assert_eq!(fates.into_values().collect::<Vec<_>>(), [Fate::Applied]);
        assert!(!related(&world).contains(&ends(stays)));
        let organization = world.pipedrive.organization(ends(stays).1).expect("it exists");
        assert_eq!(organization.name, "Renamed meanwhile");
        let sent = writes(&world);
        sync(&world, &lease, &mut command(&world, &lease, 6)).await;
        assert_eq!(writes(&world), sent, "nothing was left");
    });
}

/// The sweep would find it hours later; whoever asks for one customer has its relations now.
#[test]
fn one_customer_is_synced_with_its_relations() {
    story(|| async {
        let (world, families) = setting(43).await;
        let lease = world.take().await.expect("nobody dies");
        sync(&world, &lease, &mut command(&world, &lease, 1)).await;
        let relation = relation_of(&families, Tree::DaughterFirst);
        let before = related(&world);
        world.fusion.change_relation(relation.id, &ended()).expect("it is there");
        rename(&world, PartyId(relation.daughter), "Renamed and free");
        let mut engine = command(&world, &lease, 2);
        let told = alive(&world, &lease, engine.sync_customer(&relation.daughter.to_string())).await;
        let told = one(told.expect("the store works").expect("both sides answer"));
        let rules: Vec<Rule> = told.foreseen.plans.iter().map(|plan| plan.rule).collect();
        assert_eq!(rules, [Rule::ErpOwnsField, Rule::ErpFamily]);
        assert_eq!((told.outcome.as_deref(), &told.foreseen.rest), (Some("updated"), &Rest::InSync));
        assert_eq!(related(&world).len(), before.len() - 1);

        // And back.
        let resume = Edit::set(json!({"Status": "A", "EndDate": "4712-12-31"}));
        world.fusion.change_relation(relation.id, &resume).expect("it is there");
        world.clock.advance(SignedDuration::from_secs(5));
        let mut engine = command(&world, &lease, 3);
        let told = alive(&world, &lease, engine.sync_customer(&relation.daughter.to_string())).await;
        let told = one(told.expect("the store works").expect("both sides answer"));
        assert_eq!(told.foreseen.plans.len(), 1, "{told:?}");
        assert_eq!(related(&world), before);
        let sent = writes(&world);
        sync(&world, &lease, &mut command(&world, &lease, 4)).await;
        assert_eq!(writes(&world), sent, "nothing was left");
    });
}
