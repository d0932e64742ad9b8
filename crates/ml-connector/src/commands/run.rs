//! `run`: every connection, until stopped, with the door open.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context as _;
use futures::future::{BoxFuture, select_all};
use sync_core::ids::ConnectionId;
use sync_engine::daemon::{TokioSleeper, forever, heartbeat, listen};
use sync_engine::{Bell, Silent};
use sync_store::Role;
use sync_web::{Connects, Intake, Limits, Parts, Served, Serving, invitation};
use tokio::sync::oneshot;

use super::Context;
use crate::clients;
use crate::config::{Config, Connection, Tls};
use crate::connect::ConnectDoors;
use crate::exit::{ExitCode, Failed};
use crate::hooks::{self, Doors};
use crate::output::talk;
use crate::wire::{Process, SystemClock, Wired, open_store};

pub(super) async fn run(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let config = Config::load(&context.global.config)?;
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config: &config, store: store.clone(), clock, env: context.env, kind: "run" };
    let listener = tokio::net::TcpListener::bind(config.web.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.web.listen))?;
    let token = config.web.token(context.env)?;
    let certificates = config.web.tls.as_ref().map(Tls::load).transpose()?.map(Arc::new);
    let scheme = if certificates.is_some() { "https" } else { "http" };
    talk(format!("health on {scheme}://{}/health/ready", listener.local_addr()?));

    let selected = config.select(None)?;
    if selected.is_empty() {
        let failed =
            Failed::new(ExitCode::Usage, "the configuration file has no connection that is switched on");
        return Err(failed.help("add a [[connection]] table; `ml-connector init` writes an example").into());
    }
    // What takes its time comes before the leases: nobody beats for them meanwhile.
    let (mut doors, mut connects) = (Doors::new(), ConnectDoors::new());
    let (mut bells, mut subscriptions) = (BTreeMap::new(), BTreeMap::new());
    for connection in &selected {
        let (id, bell) = (process.number(connection).await?, Arc::new(Bell::default()));
        let door = hooks::door(connection, id, bell.clone(), context.env)?;
        subscriptions.insert(id, hooks::subscribing(connection, door.as_ref()));
        doors.extend(door.map(|door| (connection.name.clone(), door)));
        bells.insert(id, bell);
        let connector = process.connector(connection, id)?;
        connects.extend(connector.map(|connector| (connection.name.clone(), connector.door())));
    }
    let mut wired: Vec<Wired> = Vec::new();
    for connection in selected {
        let mut next = wire_next(&process, connection, &wired).await?;
        if let Some(subscribing) = subscriptions.remove(&next.id) {
            next.engine.look_after_webhooks(subscribing);
        }
        if let Some(bell) = bells.get(&next.id) {
            next.engine.heed(bell.clone());
        }
        wired.push(next);
        talk(format!("{}: in sync from now on", connection.name));
    }
    for name in doors.keys() {
        talk(format!("{name}: webhooks are taken in; `ml-connector webhooks {name}` tells where"));
    }
    let (intake, keeper) = Intake::new(doors, store.clone(), process.clock.clone());
    let mut planners = BTreeMap::new();
    for wired in &wired {
        if let Some(connection) = config.connections.iter().find(|one| one.name == wired.name) {
            planners.insert(wired.name.clone(), process.planner_beside(connection, wired.id)?);
        }
    }
    let parts = Parts {
        planners,
        connects: Connects::new(connects, store.clone(), process.clock.clone()),
        token,
        trusted_proxies: config.web.trusted_proxies.clone(),
        served: served(&config, &wired),
        ..Parts::new(store, intake, process.clock.clone())
    };
    let console = config.web.console_url(Some(listener.local_addr()?));
    talk(format!("console on {console}"));
    if process.store.has_no_admin().await? {
        let (token, invitation) = invitation(Role::Admin, None, "the first start", process.clock.now());
        process.store.invite(&invitation).await?;
        talk(format!(
            "nobody may use the console yet; whoever opens this address within a day becomes the first admin: {console}welcome/{token}"
        ));
    }
    let serving =
        Serving { listener, certificates, limits: Limits::default(), sleeper: Arc::new(TokioSleeper) };
    let (close, closing) = oneshot::channel::<()>();
    let mut door = pin!(sync_web::serve(serving, parts, keeper, async { drop(closing.await) }));
    let (stopped, open) = tokio::select! {
        biased;
        () = stop_asked_for() => (None, true),
        ended = all(&mut wired, &bells) => (Some(ended), true),
        failed = listen(&process.store, &bells, &TokioSleeper) => (Some(Err(failed.into())), true),
        ended = &mut door => (Some(ended.context("the web server ended")), false),
    };
    // Whoever is at the door is answered while the connections are given back.
    drop(close);
    let finish = async {
        // One that cannot be given back keeps nobody from giving back the others.
        let mut finished = Ok(());
        for connection in wired {
            let done = connection.finish().await.map(drop);
            finished = finished.and(done);
        }
        finished
    };
    let close = async { if open { door.await.context("the web server ended badly") } else { Ok(()) } };
    let (finished, closed) = tokio::join!(finish, close);
    match stopped {
        None => {
            finished.and(closed)?;
            talk("stopped");
            Ok(ExitCode::Ok)
        }
        // What ended the work is what there is to tell: a full disk, say, lets nothing be given back either.
        Some(ended) => ended.and(finished).and(closed).map(|()| ExitCode::Failure),
    }
}

/// The connections as the door tells of them.
fn served(config: &Config, wired: &[Wired]) -> Vec<Served> {
    let served = wired.iter().filter_map(|wired| {
        let connection = config.connections.iter().find(|connection| connection.name == wired.name)?;
        let daily_tokens = clients::budget(&connection.pipedrive).tokens;
        Some(Served { name: wired.name.clone(), fence: *wired.lease.fence(), daily_tokens })
    });
    served.collect()
}

/// Takes one more connection, which may mean to wait for a process that is dead, and keeps those that we have.
async fn wire_next(process: &Process<'_>, connection: &Connection, wired: &[Wired]) -> anyhow::Result<Wired> {
    let wiring = process.wire(connection, Arc::new(Silent));
    if wired.is_empty() {
        return wiring.await;
    }
    let beating = wired.iter().map(|wired| Box::pin(heartbeat(&wired.lease, &TokioSleeper)));
    tokio::select! {
        biased;
        next = wiring => next,
        (lost, ..) = select_all(beating) => Err(lost.into()),
    }
}

/// Works on all connections; returns when one of them cannot go on.
async fn all(wired: &mut [Wired], bells: &BTreeMap<ConnectionId, Arc<Bell>>) -> anyhow::Result<()> {
    let loops = wired.iter_mut().map(|connection| -> BoxFuture<'_, anyhow::Result<()>> {
        let bell = bells.get(&connection.id).cloned().unwrap_or_default();
        Box::pin(async move {
            let lease = connection.lease.clone();
            // A wish that a process before us took and did not live to fulfil.
            bell.ring();
            tokio::select! {
                biased;
                ended = forever(&mut connection.engine, &TokioSleeper, &bell) => match ended {
                    Err(error) => Err(anyhow::Error::from(error).context(connection.name.clone())),
                },
                lost = heartbeat(&lease, &TokioSleeper) => Err(lost.into()),
            }
        })
    });
    select_all(loops).await.0
}

/// Ctrl-C, or SIGTERM from a service manager.
async fn stop_asked_for() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
