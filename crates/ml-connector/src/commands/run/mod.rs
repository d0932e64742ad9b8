//! `run`: every connection, until stopped, with the door open.

mod making;
mod trying;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context as _;
use futures::future::{BoxFuture, pending, select_all, try_join_all};
use sync_core::ids::ConnectionId;
use sync_core::ports::Clock as _;
use sync_engine::Bell;
use sync_engine::daemon::{TokioSleeper, forever, heartbeat, listen};
use sync_store::{ConnectionText, Role, Store};
use sync_web::setup::{Asked, Look, Looks};
use sync_web::{
    Certificates, ConnectDoor, Connects, HookDoor, Intake, Limits, Parts, Served, Serving, invitation,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use self::making::{Clerk, Errand, look_forever, meanwhile, until_changed, until_changed_elsewhere};
use super::Context;
use crate::alerts::{Alerts, Board, Watched, rhythms};
use crate::clients;
use crate::config::{Config, Connection, Tls};
use crate::connect::ConnectDoors;
use crate::exit::ExitCode;
use crate::hooks::{self, Doors};
use crate::made::{Making, file, take_in};
use crate::output::talk;
use crate::wire::{Process, SystemClock, Wired, open_store};

/// For so long whoever works may finish the step that is being done before everything begins anew.
const LAST_STEP: std::time::Duration = std::time::Duration::from_secs(10);

/// What is the same however often everything begins anew.
struct Standing<'a> {
    context: &'a Context<'a>,
    store: Store,
    clock: Arc<SystemClock>,
    certificates: Option<Arc<Certificates>>,
    console: String,
    clerk: Arc<Clerk>,
    looks: Arc<Looks>,
}

/// What is asked of the process by its console.
struct Desk {
    errands: UnboundedReceiver<Errand>,
    looks: Asked,
    /// The look that is being made.
    unfinished: Option<(String, Look)>,
    /// Ends when the process is to stop, whatever is going on.
    stop: BoxFuture<'static, ()>,
}

/// Why a round ended.
enum Ended {
    /// Somebody wants the process to stop.
    Stopped,
    /// A connection was changed: everything begins anew.
    Anew,
    /// Something cannot go on.
    Badly(anyhow::Result<()>),
}

pub(super) async fn run(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let file = file(&context.global.config, true)?;
    let store = open_store(&file.store).await?;
    let clock = Arc::new(SystemClock::start());
    let listener = TcpListener::bind(file.web.listen)
        .await
        .with_context(|| format!("cannot listen on {}", file.web.listen))?;
    let certificates = file.web.tls.as_ref().map(Tls::load).transpose()?.map(Arc::new);
    let scheme = if certificates.is_some() { "https" } else { "http" };
    talk(format!("health on {scheme}://{}/health/ready", listener.local_addr()?));
    let console = file.web.console_url(Some(listener.local_addr()?)).to_string();
    talk(format!("console on {console}"));
    if store.has_no_admin().await? {
        let (token, invitation) = invitation(Role::Admin, None, "the first start", clock.now());
        store.invite(&invitation).await?;
        talk(format!(
            "nobody may use the console yet; whoever opens this address within a day becomes the first admin: {console}welcome/{token}"
        ));
    }
    let (looks, asked) = Looks::new();
    let (clerk, errands) = Clerk::new(console.clone());
    let mut desk = Desk { errands, looks: asked, unfinished: None, stop: Box::pin(stop_asked_for()) };
    let standing = Standing { context, store, clock, certificates, console, clerk, looks };
    let listener = listener.into_std()?;
    loop {
        let mut config = file.clone();
        let texts = standing.store.connection_texts().await?;
        take_in(&mut config, &standing.store, context.env).await?;
        // Whoever comes while everything begins anew waits at the door.
        let listener = TcpListener::from_std(listener.try_clone()?)?;
        match Box::pin(round(&standing, &config, &texts, listener, &mut desk)).await? {
            Ended::Anew => tracing::info!("a connection was changed: everything begins anew"),
            Ended::Stopped => {
                talk("stopped");
                return Ok(ExitCode::Ok);
            }
            Ended::Badly(ended) => return ended.map(|()| ExitCode::Failure),
        }
    }
}

/// A connection and what stands at its door.
struct Ready<'a> {
    connection: &'a Connection,
    id: ConnectionId,
    bell: Arc<Bell>,
    hooks: Option<HookDoor>,
    connect: Option<ConnectDoor>,
}

/// What takes its time comes before the leases: nobody beats for them meanwhile. What was made in the console and cannot be
/// used is told and left out, so that it can be put right there.
async fn ready<'a>(process: &'a Process<'a>) -> anyhow::Result<Vec<Ready<'a>>> {
    let mut all = Vec::new();
    for connection in &process.config.connections {
        match ready_one(process, connection).await {
            Ok(one) => all.push(one),
            Err(error) if process.config.made.contains(&connection.name) => {
                talk(format!("{}: left out: {error:#}", connection.name));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

async fn ready_one<'a>(process: &'a Process<'a>, connection: &'a Connection) -> anyhow::Result<Ready<'a>> {
    let (id, bell) = (process.number(connection).await?, Arc::new(Bell::default()));
    let made = process.config.made.contains(&connection.name);
    let hooks = match connection.enabled {
        true => hooks::door(connection, id, bell.clone(), process.env)?,
        false => None,
    };
    // Access is given before anything is switched on.
    let connector = match connection.enabled || made {
        true => process.connector(connection, id)?,
        false => None,
    };
    Ok(Ready { connection, id, bell, hooks, connect: connector.map(crate::connect::Connector::door) })
}

/// Everything, until it stops or begins anew.
async fn round(
    standing: &Standing<'_>,
    config: &Config,
    texts: &[ConnectionText],
    listener: TcpListener,
    desk: &mut Desk,
) -> anyhow::Result<Ended> {
    let Standing { context, store, clock, certificates, console, clerk, looks } = standing;
    let process =
        Process { config, store: store.clone(), clock: clock.clone(), env: context.env, kind: "run" };
    let token = config.web.token(context.env)?;
    let mut alerts = Alerts::configured(config, store, context.env)?;
    let (mut doors, mut connects) = (Doors::new(), ConnectDoors::new());
    let mut bells = BTreeMap::new();
    let mut wired: Vec<Wired> = Vec::new();
    let mut planners = BTreeMap::new();
    for Ready { connection, id, bell, hooks, connect } in ready(&process).await? {
        connects.extend(connect.map(|door| (connection.name.clone(), door)));
        if !connection.enabled {
            continue;
        }
        let board = Arc::new(Board::default());
        let subscribing = hooks::subscribing(connection, hooks.as_ref());
        let mut next = match wire_next(&process, connection, &wired, board.clone()).await {
            Ok(next) => next,
            Err(error) if config.made.contains(&connection.name) => {
                talk(format!("{}: left out: {error:#}", connection.name));
                continue;
            }
            Err(error) => return Err(error),
        };
        if let Some(alerts) = &mut alerts {
            alerts.watched.push(Watched::new(connection, id, board));
        }
        next.engine.look_after_webhooks(subscribing);
        next.engine.heed(bell.clone());
        bells.insert(id, bell);
        planners.insert(connection.name.clone(), process.planner_beside(connection, id)?);
        doors.extend(hooks.map(|door| (connection.name.clone(), door)));
        wired.push(next);
        talk(format!("{}: in sync from now on", connection.name));
    }
    if wired.is_empty() {
        talk("no connection is switched on: make one in the console, or in the configuration file");
    }
    for name in doors.keys() {
        talk(format!("{name}: webhooks are taken in; `ml-connector webhooks {name}` tells where"));
    }
    let (intake, keeper) = Intake::new(doors, store.clone(), process.clock.clone());
    let parts = Parts {
        planners,
        connects: Connects::new(connects, store.clone(), process.clock.clone()),
        token,
        trusted_proxies: config.web.trusted_proxies.clone(),
        served: served(config, &wired),
        looks: looks.clone(),
        maker: Some(clerk.clone()),
        ..Parts::new(store.clone(), intake, process.clock.clone())
    };
    let serving = Serving {
        listener,
        certificates: certificates.clone(),
        limits: Limits::default(),
        sleeper: Arc::new(TokioSleeper),
    };
    let making = Making {
        store: store.clone(),
        file: context.global.config.clone(),
        env: context.env,
        console: console.clone(),
    };
    let (close, closing) = oneshot::channel::<()>();
    let mut door = pin!(sync_web::serve(serving, parts, keeper, async { drop(closing.await) }));
    let (ended, open) = {
        let mut working = pin!(all(&mut wired, &bells));
        let (ended, mut open) = tokio::select! {
            biased;
            () = &mut desk.stop => (Ended::Stopped, true),
            ended = &mut working => (Ended::Badly(ended), true),
            never = tell(alerts.as_mut(), &process) => match never {},
            failed = listen(&process.store, &bells, &TokioSleeper) => (Ended::Badly(Err(failed.into())), true),
            ended = &mut door => (Ended::Badly(ended.context("the web server ended")), false),
            () = until_changed(&mut desk.errands, &process, &making) => (Ended::Anew, true),
            changed = until_changed_elsewhere(&process, texts) => match changed {
                Ok(()) => (Ended::Anew, true),
                Err(error) => (Ended::Badly(Err(error.into())), true),
            },
            never = look_forever(&process, looks, (&mut desk.looks, &mut desk.unfinished)) => match never {},
        };
        if matches!(ended, Ended::Anew) && !bells.is_empty() {
            bells.values().for_each(|bell| bell.close());
            tokio::select! {
                biased;
                // Whoever takes longer is cut off as by a crash: what was sent is looked for.
                worked = tokio::time::timeout(LAST_STEP, &mut working) => worked.unwrap_or(Ok(()))?,
                closed = &mut door => {
                    open = false;
                    closed.context("the web server ended")?;
                }
                never = meanwhile(&mut desk.errands, &process, &making) => match never {},
            }
        }
        (ended, open)
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
    let (finished, closed) = tokio::select! {
        biased;
        ends = async { tokio::join!(finish, close) } => ends,
        never = meanwhile(&mut desk.errands, &process, &making) => match never {},
    };
    Ok(match ended {
        Ended::Stopped | Ended::Anew => {
            finished.and(closed)?;
            ended
        }
        // What ended the work is what there is to tell: a full disk, say, lets nothing be given back either.
        Ended::Badly(ended) => Ended::Badly(ended.and(finished).and(closed)),
    })
}

/// Looks after alerts, if anybody is to be told; nothing of it ends the process.
async fn tell(alerts: Option<&mut Alerts>, process: &Process<'_>) -> Infallible {
    match alerts {
        Some(alerts) => alerts.forever(&*process.clock, &TokioSleeper).await,
        None => pending().await,
    }
}

/// The connections as the door tells of them.
fn served(config: &Config, wired: &[Wired]) -> Vec<Served> {
    let served = wired.iter().filter_map(|wired| {
        let connection = config.connections.iter().find(|connection| connection.name == wired.name)?;
        let budget = clients::budget(&connection.pipedrive);
        let rhythms =
            rhythms(connection).into_iter().map(|(stream, _, every)| (stream.to_owned(), every)).collect();
        Some(Served { name: wired.name.clone(), fence: *wired.lease.fence(), budget, rhythms })
    });
    served.collect()
}

/// Takes one more connection, which may mean to wait for a process that is dead, and keeps those that we have.
async fn wire_next(
    process: &Process<'_>,
    connection: &Connection,
    wired: &[Wired],
    board: Arc<Board>,
) -> anyhow::Result<Wired> {
    let wiring = process.wire(connection, board);
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

/// Works on all connections until their bells ring for the last time; returns at once when one of them cannot go on.
async fn all(wired: &mut [Wired], bells: &BTreeMap<ConnectionId, Arc<Bell>>) -> anyhow::Result<()> {
    let loops = wired.iter_mut().map(|connection| -> BoxFuture<'_, anyhow::Result<()>> {
        let bell = bells.get(&connection.id).cloned().unwrap_or_default();
        Box::pin(async move {
            let lease = connection.lease.clone();
            // A wish that a process before us took and did not live to fulfil.
            bell.ring();
            tokio::select! {
                biased;
                ended = forever(&mut connection.engine, &TokioSleeper, &bell) => {
                    ended.map_err(|error| anyhow::Error::from(error).context(connection.name.clone()))
                }
                lost = heartbeat(&lease, &TokioSleeper) => Err(lost.into()),
            }
        })
    });
    let loops: Vec<_> = loops.collect();
    if loops.is_empty() {
        // Nobody works, so nobody ends.
        return pending().await;
    }
    try_join_all(loops).await.map(drop)
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
