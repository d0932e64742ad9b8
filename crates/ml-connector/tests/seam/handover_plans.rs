//! Handovers in plans: what is shown is what happens, and nothing happens by showing it.

use std::collections::BTreeSet;

use saas_sims::faults::{Fault, FaultRule};
use saas_sims::fusion::Edit;
use serde_json::json;
use sync_core::{
    handover::{AnswerField, AnswerRules, Asked, Look, NextStep, Piece, PieceKind, Question, Subject},
    ids::{DealId, OrgId, PartyId},
};
use sync_engine::{Engine, HandoverPreview, lease::Lease};

use crate::{
    handovers::{NONE, ONE, deal, made, organization, policy, work, world},
    plan::{alive, command, plan, tables, writes},
    world::World,
};

/// `plan`, as far as handovers are concerned.
async fn foreseen(world: &World, lease: &Lease, engine: &mut Engine, fresh: bool) -> HandoverPreview {
    Box::pin(plan(world, lease, engine)).await;
    // Boxed: a test's future lies on the stack.
    let planner =
        Box::pin(alive(world, lease, engine.handover_planner(fresh))).await.expect("the store works");
    let planner = planner.expect("the CRM answers").expect("handovers are configured");
    let preview = Box::pin(alive(world, lease, planner.preview())).await.expect("the store works");
    preview.expect("the ERP answers")
}

fn of(preview: &HandoverPreview, org: i64) -> Vec<(Option<i64>, bool, NextStep)> {
    let subject = Subject::Org(OrgId(org));
    let found = preview.handovers.iter().filter(|handover| handover.subject == subject);
    found.map(|found| (found.deal.as_ref().map(|deal| deal.id.0), found.waits, found.next.clone())).collect()
}

async fn ask(world: &World, org: i64, deal: i64) {
    let (asked, now) = (Asked::Deal(DealId(deal)), world.clock.now());
    let asking = world.store.ask_for_handover(world.connection, OrgId(org), asked, "ann", now);
    world.drive(asking).await.expect("alive").expect("the store works");
}

fn begins_with_party(next: &NextStep, name: &str) -> bool {
    match next {
        NextStep::Write { piece, follow, .. } => match piece.as_ref() {
            Piece::Party { new } => new.name == name && *follow == [PieceKind::Account, PieceKind::Profile],
            _ => false,
        },
        _ => false,
    }
}

/// What sales would be told of a handover that came to rest: the very write that follows.
#[tokio::test]
async fn a_plan_shows_what_deals_and_organizations_would_be_told() {
    let mut world = world(43).await;
    let mut policy = policy();
    let status = BTreeSet::from([AnswerField::Status]);
    policy.answers = AnswerRules { deal: status.clone(), org: status, link: None, activity: false };
    world.handing = Some(policy);
    let bare = world.pipedrive.create_as_person(&json!({ "name": "Bare Ltd" })).expect("an organization");
    work(&world, 10).await;
    // What is told of it cannot be written for now.
    let forbidden = || Fault::Status {
        status: 403,
        body: json!({ "success": false, "error": "Forbidden" }).to_string(),
        content_type: None,
        retry_after: None,
    };
    let rules = ["/deals/", "/organizations/"].map(|path| FaultRule::on(path, forbidden()).method("PATCH"));
    world.pipedrive.faults().set(rules.into());
    let won = deal(&world, Some(bare));
    world.pipedrive.win_deal(won).expect("won");
    work(&world, 20).await;
    let lease = world.take().await.expect("alive");
    let before = writes(&world);
    let preview = foreseen(&world, &lease, &mut command(&world, &lease, 1), false).await;
    assert_eq!(writes(&world), before);
    let told: Vec<_> = preview.answers.iter().map(|answer| answer.on).collect();
    assert_eq!(told, [Subject::Deal(DealId(won)), Subject::Org(OrgId(bare))], "{preview:?}");
    let set = preview.answers[0].set[&AnswerField::Status].clone().expect("a text");
    world.drive(lease.release()).await.expect("alive").expect("the store works");

    world.pipedrive.faults().set(Vec::new());
    world.clock.advance(jiff::SignedDuration::from_hours(25));
    work(&world, 60).await;
    let shown = world.pipedrive.deal(won).expect("a deal").custom["ERP handover"].clone();
    assert_eq!(shown, json!(set));
    let lease = world.take().await.expect("alive");
    let preview = foreseen(&world, &lease, &mut command(&world, &lease, 2), false).await;
    assert_eq!(preview.answers, [], "it is told");
}

#[tokio::test]
async fn an_older_won_deal_waits_in_the_plan_until_it_is_asked_for() {
    let world = world(41).await;
    let old = organization(&world, "Old Friends Ltd");
    let (first, second) = (deal(&world, Some(old)), deal(&world, Some(old)));
    world.pipedrive.win_deal(first).expect("won");
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world.pipedrive.win_deal(second).expect("won");
    deal(&world, Some(organization(&world, "Still Open Ltd")));
    world.clock.advance(jiff::SignedDuration::from_mins(5));

    // Never synced: the plan reads won deals, too, and comes to its end; it switches nothing on.
    world.gate.begin(None);
    let lease = world.take().await.expect("alive");
    let before = (tables(&world).await, writes(&world));
    let tokens = world.pipedrive.tokens_left();
    let preview = foreseen(&world, &lease, &mut command(&world, &lease, 1), false).await;
    assert_eq!((tables(&world).await, writes(&world)), before, "a plan moves nothing");
    assert!(tokens - world.pipedrive.tokens_left() < 120, "{}", tokens - world.pipedrive.tokens_left());
    let shown = of(&preview, old);
    assert_eq!(preview.handovers.len(), 1, "one customer, not one for each deal: {preview:?}");
    assert_eq!((shown[0].0, shown[0].1), (Some(first), true));
    assert!(begins_with_party(&shown[0].2, "Old Friends Ltd"), "{shown:?}");
    world.drive(lease.release()).await.expect("alive").expect("the store works");

    // Once it is switched on it still waits, and is shown the same.
    work(&world, 20).await;
    assert_eq!(made(&world, "Old Friends Ltd"), NONE);
    let lease = world.take().await.expect("alive");
    let again = foreseen(&world, &lease, &mut command(&world, &lease, 2), true).await;
    assert_eq!(of(&again, old), shown);
    let digests = |preview: &HandoverPreview| preview.handovers[0].digest.clone();
    assert_eq!(digests(&again), digests(&preview), "looked for in the ERP or not");
    let planner = alive(&world, &lease, command(&world, &lease, 5).handover_planner(false)).await;
    let planner = planner.expect("the store works").expect("the CRM answers").expect("they are configured");
    let page =
        alive(&world, &lease, planner.older(None, 1)).await.expect("it works").expect("nothing is asked");
    assert_eq!(page.handovers, preview.handovers, "a page shows the same");
    let rest = alive(&world, &lease, planner.older(page.next, 1))
        .await
        .expect("it works")
        .expect("nothing is asked");
    assert_eq!((rest.handovers.len(), rest.next), (0, None));

    // Whoever edits the organization meanwhile makes it another plan; whoever asks gets the customer.
    let body = json!({ "name": "Older Friends Ltd" });
    world.pipedrive.edit_as_person(old, &body).expect("edited");
    world.clock.advance(jiff::SignedDuration::from_secs(10));
    let edited = foreseen(&world, &lease, &mut command(&world, &lease, 3), false).await;
    assert_ne!(digests(&edited), digests(&preview));
    world.drive(lease.release()).await.expect("alive").expect("the store works");
    ask(&world, old, first).await;
    work(&world, 30).await;
    assert_eq!(made(&world, "Older Friends Ltd"), ONE);
    let lease = world.take().await.expect("alive");
    let done = foreseen(&world, &lease, &mut command(&world, &lease, 4), false).await;
    assert!(of(&done, old).is_empty(), "the second deal belongs to the same customer");
    world.drive(lease.release()).await.expect("alive").expect("the store works");
}

#[tokio::test]
async fn what_is_due_is_shown_with_the_piece_it_begins_with_and_what_is_known_is_bound() {
    let world = world(42).await;
    let address = json!({
        "OrganizationName": "Acme Trading Inc", "PartyUsageCode": "EXTERNAL_LEGAL_ENTITY",
        "URL": "https://acme-trading.example", "Address1": "500 Oracle Pkwy", "City": "Redwood City", "State": "CA",
        "PostalCode": "94065", "Country": "US",
    });
    let new = organization(&world, "Brandnew Ltd");
    let bare = world.pipedrive.create_as_person(&json!({ "name": "Bare Ltd" })).expect("an organization");
    work(&world, 20).await;
    // Nobody has polled it yet: the ERP's own search knows it.
    let party = world.fusion.add_party(Edit::set(address)).expect("a party");
    let known = organization(&world, "Acme Trading Inc");
    let due = deal(&world, Some(new));
    for org in [known, bare] {
        world.pipedrive.win_deal(deal(&world, Some(org))).expect("won");
    }
    world.pipedrive.win_deal(due).expect("won");
    world.clock.advance(jiff::SignedDuration::from_secs(10));
    let lease = world.take().await.expect("alive");
    let before = writes(&world);
    let preview = foreseen(&world, &lease, &mut command(&world, &lease, 1), false).await;
    assert_eq!(writes(&world), before);
    let shown = of(&preview, new);
    assert_eq!((shown.len(), shown[0].0, shown[0].1), (1, Some(due), false), "it goes on by itself");
    assert!(begins_with_party(&shown[0].2, "Brandnew Ltd"), "{shown:?}");
    let [(_, false, NextStep::Ask(question))] = &of(&preview, bare)[..] else { panic!("{preview:?}") };
    assert!(matches!(question.as_ref(), Question::DataMissing { .. }), "{question:?}");
    let found = preview.handovers.iter().find(|found| found.subject == Subject::Org(OrgId(known)));
    let found = found.expect("it is shown");
    assert_eq!(found.party, Some(PartyId(party)), "{found:?}");
    let NextStep::Write { piece, .. } = &found.next else { panic!("{found:?}") };
    assert_eq!(piece.kind(), PieceKind::Account, "{found:?}");

    // Where the ERP may not be asked it is bound by what was polled, and what it has there is not told.
    let mut engine = command(&world, &lease, 2);
    let planner = alive(&world, &lease, engine.handover_planner(false)).await.expect("the store works");
    let mut planner = planner.expect("the CRM answers").expect("handovers are configured");
    planner.sides = None;
    let preview =
        alive(&world, &lease, planner.preview()).await.expect("it works").expect("nothing is asked");
    let found = preview.handovers.iter().find(|found| found.subject == Subject::Org(OrgId(known)));
    let found = found.expect("it is shown");
    assert_eq!((found.party, &found.next), (Some(PartyId(party)), &NextStep::Look(Look::Accounts)));
    world.drive(lease.release()).await.expect("alive").expect("the store works");
    work(&world, 40).await;
    assert_eq!((made(&world, "Brandnew Ltd"), made(&world, "Acme Trading Inc")), (ONE, ONE));
}
