//! Whole lives over the transport seam: faults of HTTP, deaths, people, and the laws at the end of each.

use crate::world::{Beginning, OVERLAP, POLL, SWEEP, World, lock};
use jiff::SignedDuration;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::FusionSettings,
    generator,
    people::People,
    pipedrive::{PipedriveSettings, Plan},
};
use sync_engine::Step;

fn faults(rng: &mut fastrand::Rng) -> Vec<FaultRule> {
    let html = Fault::Html { status: 503 };
    let daily = r#"{"success":false,"error":"daily request budget exceeded","errorCode":429}"#.to_owned();
    let status = |status: u16, retry_after: Option<&str>| Fault::Status {
        status,
        body: "{}".to_owned(),
        content_type: None,
        retry_after: retry_after.map(str::to_owned),
    };
    let mut rules = vec![
        FaultRule::on("", Fault::DropBefore),
        FaultRule::on("", Fault::DropAfter),
        FaultRule::on("", Fault::StatusAfter { status: 502 }),
        FaultRule::on("", Fault::Truncate { bytes: rng.usize(..60) }),
        FaultRule::on("", Fault::Delay { millis: rng.u32(1..45_000) }),
        FaultRule::on("", html),
        FaultRule::on("", status(500, None)),
        FaultRule::on("", status(503, Some("7"))),
        FaultRule::on("", status(429, Some("3"))),
        FaultRule::on("organizations", Fault::Html { status: 403 }),
        FaultRule::on("token", status(503, None)),
        FaultRule::on("", status(401, None)),
        FaultRule::on(
            "organizations",
            Fault::Status {
                status: 429,
                body: daily,
                content_type: None,
                retry_after: Some("600".to_owned()),
            },
        ),
    ];
    rng.shuffle(&mut rules);
    rules.truncate(rng.usize(1..6));
    rules.into_iter().map(|rule| rule.probability(f64::from(rng.u32(1..8)) / 100.0)).collect()
}

async fn life(seed: u64) -> Result<String, String> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x7365_616d);
    let fusion = FusionSettings {
        token_lifetime: SignedDuration::from_secs(rng.i64(120..3600)),
        page_cap: rng.usize(5..40),
        ..FusionSettings::default()
    };
    let pipedrive = PipedriveSettings {
        plan: rng.choice([Plan::Lite, Plan::Growth, Plan::Ultimate]).unwrap_or_default(),
        // Where refresh tokens rotate, an answer that is lost takes the grant with it and nobody but a person can mend
        // that; tests of the token manager cover what can be survived.
        rotate_refresh_tokens: false,
        daily_headers: rng.f64(),
        charge_refused: rng.bool(),
        field_search_items: rng.bool(),
        deleted_is_404: rng.bool(),
        empty_text_is_null: rng.bool(),
        unchanged_patch_moves_update_time: rng.bool(),
        ..PipedriveSettings::default()
    };
    let world = World::new(Beginning { seed, fusion, pipedrive, oauth: rng.bool() }).await;
    generator::populate(&world.fusion, rng.usize(5..30), seed, world.clock.now());
    let mut people = People::new(seed, world.fusion.clone(), world.pipedrive.clone());
    let (mut turns, mut deaths) = (rng.u32(20..60), 0);
    while turns > 0 {
        world.gate.begin(Some(rng.u32(1..500)));
        let died = process(&world, &mut people, &mut rng, &mut turns).await.is_none();
        if died {
            deaths += 1;
            world.clock.advance(SignedDuration::from_secs(rng.i64(0..120)));
        }
    }
    peace(&world, &mut rng).await?;
    let witness = lock(&world.witness);
    Ok(format!(
        "seed {seed}: {deaths} deaths, requests {:?}, refusals {:?}",
        witness.requests, witness.refusals
    ))
}

async fn process(world: &World, people: &mut People, rng: &mut fastrand::Rng, turns: &mut u32) -> Option<()> {
    let lease = world.take().await?;
    let mut engine = world.engine(&lease);
    while *turns > 0 {
        *turns -= 1;
        world.fusion.faults().set(faults(rng));
        world.pipedrive.faults().set(faults(rng));
        for _ in 0..rng.u32(..3) {
            people.act();
        }
        for _ in 0..rng.u32(1..6) {
            match world.step(&mut engine, &lease).await? {
                Step::Worked => world.clock.advance(SignedDuration::from_millis(rng.i64(1..400))),
                Step::IdleUntil(due) => {
                    let nap =
                        due.duration_since(world.clock.now()).min(SignedDuration::from_secs(rng.i64(1..90)));
                    world.clock.advance(nap.max(SignedDuration::from_millis(1)));
                }
            }
            if !lease.is_valid() {
                // A slow answer outlasted the heartbeat: the process gives up, as the daemon does.
                return Some(());
            }
        }
    }
    Some(())
}

async fn peace(world: &World, rng: &mut fastrand::Rng) -> Result<(), String> {
    world.fusion.faults().clear();
    world.pipedrive.faults().clear();
    world.gate.begin(None);
    // One record is spoilt for good: it must be held, and nobody else.
    let customers: Vec<i64> = world.customers().into_keys().collect();
    let spoilt = rng.choice(customers).expect("there are customers");
    lock(&world.witness).spoilt.insert(spoilt);
    world.clock.advance(SignedDuration::from_mins(15));
    let lease = world.take().await.expect("nobody dies");
    let mut engine = world.engine(&lease);
    let end = world.clock.now() + OVERLAP + (SWEEP + POLL) * 2 + SignedDuration::from_mins(30);
    world.work_until(&mut engine, &lease, end).await;
    let mut wrong = world.check_agreement().await;
    let holds = async { world.store.read(world.connection).await?.list_holds(None, None, 1_000).await };
    let holds = world.drive(holds).await.expect("alive").expect("the store works");
    if !holds.iter().any(|hold| hold.party.0 == spoilt && hold.reason.key() == "malformed") {
        wrong.push(format!("law 10: the spoilt party {spoilt} is not held"));
    }
    let others = holds.iter().filter(|hold| hold.reason.key() == "malformed" && hold.party.0 != spoilt);
    wrong.extend(others.map(|hold| format!("law 10: {} is held for somebody else's record", hold.party)));

    // Law 7: without outside changes nothing is written, and reading costs one page a stream.
    while world.step(&mut engine, &lease).await == Some(Step::Worked) {}
    let count = || {
        let witness = lock(&world.witness);
        (witness.writes, witness.requests.clone())
    };
    let (writes, requests) = count();
    engine.poll_now();
    while world.step(&mut engine, &lease).await == Some(Step::Worked) {}
    let (later_writes, later) = count();
    let more = |side: &str| later.get(side).unwrap_or(&0) - requests.get(side).unwrap_or(&0);
    // A token may have to be fetched on either side.
    if later_writes != writes || more("erp") > 3 || more("crm") > 2 {
        wrong.push(format!(
            "law 7: {} writes, {} and {} requests",
            later_writes - writes,
            more("erp"),
            more("crm")
        ));
    }
    // Law 5: the burst window was never exceeded; 429s are those that the fault plan made up.
    let burst = world.pipedrive.stats().burst_refusals;
    if burst > 0 {
        wrong.push(format!("law 5: {burst} requests were over the burst limit"));
    }
    wrong.extend(lock(&world.witness).unknown.iter().cloned());
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.extend(engine.pauses(world.clock.now()).iter().map(|pause| format!("paused: {pause:?}")));
    wrong.extend(holds.iter().map(|hold| format!("held: {} {}", hold.party, hold.reason.explain())));
    Err(wrong.join("\n"))
}

/// `MLC_SEAM_SEEDS` lives as many seeds, `MLC_SEAM_FROM` begins elsewhere.
#[test]
fn lives_over_the_transport_seam() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (from, seeds) = (number("MLC_SEAM_FROM", 1), number("MLC_SEAM_SEEDS", 25));
    for seed in from..from + seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        match runtime.block_on(life(seed)) {
            Ok(story) => println!("{story}"),
            Err(broken) => panic!("seed {seed} breaks\n{broken}"),
        }
    }
}

/// The role that shows customers is taken away: collections are 200 and empty. Nobody is declared missing, and all is
/// well when the role is back.
#[test]
fn a_lost_role_declares_nobody_missing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
        let world = World::new(Beginning { seed: 8, fusion, pipedrive, oauth: true }).await;
        generator::populate(&world.fusion, 40, 8, world.clock.now());
        let lease = world.take().await.expect("nobody dies");
        let mut engine = world.engine(&lease);
        let hour = SignedDuration::from_hours(1);
        world.work_until(&mut engine, &lease, world.clock.now() + hour).await;
        assert_eq!(world.check_agreement().await, Vec::<String>::new());
        let empty = Fault::Status {
            status: 200,
            body: r#"{"items":[],"count":0,"hasMore":false,"limit":500,"offset":0,"links":[]}"#.to_owned(),
            content_type: None,
            retry_after: None,
        };
        world.fusion.faults().set(vec![FaultRule::on("RestApi", empty)]);
        world.work_until(&mut engine, &lease, world.clock.now() + hour * 4).await;
        let holds = async { world.store.read(world.connection).await?.list_holds(None, None, 100).await };
        let holds = world.drive(holds).await.expect("alive").expect("the store works");
        assert_eq!(holds.len(), 0, "{holds:?}");
        world.fusion.faults().clear();
        world.work_until(&mut engine, &lease, world.clock.now() + hour * 2).await;
        assert_eq!(world.check_agreement().await, Vec::<String>::new());
    });
}
