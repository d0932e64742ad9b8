//! `demo`: both simulators and the connector in one process, over real HTTP; then people change things.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::SignedDuration;
use saas_sims::fusion::{FusionSettings, FusionSim};
use saas_sims::pipedrive::{PipedriveSettings, PipedriveSim};
use saas_sims::{SimClock, generator, people::People};
use sync_engine::daemon::{Sleeper, TokioSleeper};

use super::Context;
use super::sync::once;
use crate::cli::DemoArgs;
use crate::config::Config;
use crate::exit::ExitCode;
use crate::output::{Summary, talk};
use crate::wire::{Process, SystemClock, open_store};

/// The largest plan, so that the burst limit does not make anybody wait.
const PLAN: saas_sims::pipedrive::Plan = saas_sims::pipedrive::Plan::Ultimate;

pub(super) async fn run(context: &Context<'_>, args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let clock = SimClock::system();
    let fusion = FusionSim::new(FusionSettings::default(), clock.clone(), args.seed);
    // Enough seats for any number of customers: the demo shows the sync, not the end of a budget.
    let seats = 5 + args.customers / 10_000;
    let settings = PipedriveSettings { plan: PLAN, seats, ..PipedriveSettings::default() };
    let pipedrive = PipedriveSim::new(settings, clock.clone(), args.seed);
    generator::populate(&fusion, args.customers as usize, args.seed, clock.now());

    let at_fusion = tokio::net::TcpListener::bind(("127.0.0.1", args.fusion_port)).await?;
    let at_pipedrive = tokio::net::TcpListener::bind(("127.0.0.1", args.pipedrive_port)).await?;
    let (folder, temporary) = folder(args)?;
    let (erp, crm) = (at_fusion.local_addr()?, at_pipedrive.local_addr()?);
    let config =
        Config::parse(&config_text(&erp, &crm, seats), &folder.join("demo.toml").display().to_string())?;
    talk(format!("simulated Oracle Fusion on http://{erp} with {} customers", args.customers));
    talk(format!("simulated Pipedrive on http://{crm}"));

    let people = People::new(args.seed, fusion.clone(), pipedrive.clone());
    let ended = tokio::select! {
        ended = saas_sims::serve(at_fusion, fusion.router()) => ended.context("the simulated Fusion ended").map(|()| ExitCode::Failure),
        ended = saas_sims::serve(at_pipedrive, pipedrive.router()) => ended.context("the simulated Pipedrive ended").map(|()| ExitCode::Failure),
        ended = work(context, args, &config, people) => ended,
        ended = tokio::signal::ctrl_c() => ended.map(|()| ExitCode::Ok).map_err(Into::into),
    };
    if temporary {
        // Only our own files were put there.
        let _ = std::fs::remove_dir_all(&folder);
    }
    ended
}

async fn work(
    context: &Context<'_>,
    args: &DemoArgs,
    config: &Config,
    mut people: People,
) -> anyhow::Result<ExitCode> {
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config, store, clock, env: context.env, kind: "demo" };
    let bars = !context.output.is_json();
    loop {
        let mut summary = Summary::default();
        for connection in config.select(None)? {
            summary.connections.push(once(&process, connection, bars, None).await?.0);
        }
        if args.once {
            context.output.data(&summary, Summary::table)?;
            let failed = summary.failed() > 0;
            return Ok(if failed { ExitCode::SomeFailed } else { ExitCode::Ok });
        }
        context.output.data(&summary, Summary::table)?;
        for _ in 0..3 {
            talk(people.act());
        }
        // Changes of the last moment are left to the next poll; let them be older than that.
        TokioSleeper.sleep(SignedDuration::from_secs(3)).await;
    }
}

/// Where the demo keeps its database, and whether it goes away afterwards.
fn folder(args: &DemoArgs) -> anyhow::Result<(PathBuf, bool)> {
    let (folder, temporary) = match &args.keep {
        Some(folder) => (folder.clone(), false),
        None => (std::env::temp_dir().join(format!("ml-connector-demo-{}", std::process::id())), true),
    };
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok((folder, temporary))
}

fn config_text(erp: &std::net::SocketAddr, crm: &std::net::SocketAddr, seats: u32) -> String {
    format!(
        r#"
[store]
url = "sqlite://./demo.db"
[[connection]]
name = "demo"
[connection.oracle]
base_url = "http://{erp}"
token_url = "http://{erp}/oauth2/v1/token"
client_id = "connector"
client_secret = "demo"
scope = "urn:opc:resource:fa:instanceid=1urn:opc:resource:consumer::all"
timeout = "20s"
[connection.pipedrive]
base_url = "http://{crm}"
api_token = "0123456789012345678901234567890123456789"
plan = "ultimate"
seats = {seats}
timeout = "10s"
[connection.sync]
guard = {{ creates = 0, update_share = 0.0, deactivations = 0 }}
poll_every = "2s"
crm_poll_every = "2s"
safety = "0s"
margin = "1s"
settle = "5s"
"#
    )
}
