//! `connect`: a person gives access; here the address is printed and the end awaited.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::SignedDuration;
use serde::Serialize;
use sync_core::ids::ConnectionId;
use sync_core::ports::Clock;
use sync_engine::daemon::{Sleeper as _, TokioSleeper};
use sync_store::{AttemptEnd, Connected, Store};
use sync_web::{Connects, Intake, Keeper, Limits, Parts, Serving};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Context;
use crate::cli::ConnectArgs;
use crate::config::Connection;
use crate::connect::{Begun, Connector, redirect_url, remedy};
use crate::exit::{ExitCode, Failed};
use crate::output::talk;
use crate::wire::{Process, SystemClock, open_store};

/// How often the store is asked whether the person came back.
const LOOK_EVERY: SignedDuration = SignedDuration::from_millis(300);

#[derive(Serialize)]
struct Shown {
    connection: String,
    #[serde(flatten)]
    end: AttemptEnd,
}

pub(super) async fn run(context: &Context<'_>, args: &ConnectArgs) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let selected = config.select(Some(&args.connection))?;
    let [connection] = selected[..] else { return Ok(ExitCode::Failure) };
    let store = open_store(&config.store).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let process = Process {
        config: &config,
        store: store.clone(),
        clock: clock.clone(),
        env: context.env,
        kind: "connect",
    };
    let id = process.number(connection).await?;
    let connector = app(&process, connection, id)?;
    // Before a port is taken or anything is sent.
    connector.can_keep().await?;
    let listener = match args.listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let back_to = match &listener {
        Some(listener) => format!("http://{}/connect/{}", listener.local_addr()?, connection.name),
        None => configured(connection)?,
    };
    let begun = connector.begin(back_to.clone(), args.company).await?;
    show(&begun, &back_to, args.listen.is_none());
    let end = match listener {
        None => wait(&store, id, &begun, &*clock).await?,
        Some(listener) => {
            let doors = BTreeMap::from([(connection.name.clone(), connector.door())]);
            let (intake, keeper) = Intake::new(BTreeMap::new(), store.clone(), clock.clone());
            let parts = Parts {
                connects: Connects::new(doors, store.clone(), clock.clone()),
                ..Parts::new(store.clone(), intake, clock.clone())
            };
            beside(listener, parts, keeper, wait(&store, id, &begun, &*clock)).await?
        }
    };
    store.close().await;
    match end {
        Some(end) => told(context, connection, end),
        None => {
            let failed = Failed::new(ExitCode::Failure, "nobody gave access within ten minutes");
            Err(failed
                .help(format!(
                    "{} again; the redirect URL has to lead to this connector",
                    remedy(&connection.name)
                ))
                .into())
        }
    }
}

/// The app of a connection.
pub(super) fn app(
    process: &Process<'_>,
    connection: &Connection,
    id: ConnectionId,
) -> anyhow::Result<Connector> {
    process.connector(connection, id)?.ok_or_else(|| {
        let message = format!("{} uses an API token; there is no app to give access to", connection.name);
        Failed::new(ExitCode::Usage, message)
            .help("replace api_token by oauth = { client_id, client_secret }; docs/connect.md tells how")
            .into()
    })
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

fn configured(connection: &Connection) -> anyhow::Result<String> {
    redirect_url(connection).ok_or_else(|| {
        let message = format!("where people come back to {} is not configured", connection.name);
        Failed::new(ExitCode::Usage, message)
            .help("set oauth.redirect_url to the app's callback URL, https://HOST/connect/NAME, or use --listen 127.0.0.1:PORT")
            .into()
    })
}

fn show(begun: &Begun, back_to: &str, daemon: bool) {
    let Begun { url, state_hash: _, expires_at, pkce } = begun;
    let bound = if *pkce { "" } else { " (Pipedrive takes no PKCE challenge)" };
    talk(format!("Open this address in a browser in which you are logged in to Pipedrive{bound}:"));
    talk(format!("\n  {url}\n"));
    let by = if daemon { "; `ml-connector run` has to be running there" } else { "" };
    talk(format!("You come back to {back_to}{by}. Waiting until {expires_at:.0} ..."));
}

/// Looks until the attempt ended; none if nobody came in time.
async fn wait(
    store: &Store,
    id: ConnectionId,
    begun: &Begun,
    clock: &dyn Clock,
) -> anyhow::Result<Option<AttemptEnd>> {
    // Whoever came back in the last moment is still being looked after.
    let last = begun.expires_at + SignedDuration::from_mins(1);
    loop {
        if let Some(end) = store.attempt_end(id, &begun.state_hash).await? {
            return Ok(Some(end));
        }
        if clock.now() > last {
            return Ok(None);
        }
        TokioSleeper.sleep(LOOK_EVERY).await;
    }
}

/// Keeps our own door open while somebody waits; whoever came back gets the page to the end.
async fn beside(
    listener: TcpListener,
    parts: Parts,
    keeper: Keeper,
    waiting: impl Future<Output = anyhow::Result<Option<AttemptEnd>>>,
) -> anyhow::Result<Option<AttemptEnd>> {
    let serving =
        Serving { listener, certificates: None, limits: Limits::default(), sleeper: Arc::new(TokioSleeper) };
    let (close, closing) = oneshot::channel::<()>();
    let mut door = pin!(sync_web::serve(serving, parts, keeper, async { drop(closing.await) }));
    let end = tokio::select! {
        biased;
        closed = &mut door => {
            closed.context("the door closed")?;
            return Ok(None);
        }
        end = waiting => end?,
    };
    drop(close);
    door.await.context("the door closed badly")?;
    Ok(end)
}

fn told(context: &Context<'_>, connection: &Connection, end: AttemptEnd) -> anyhow::Result<ExitCode> {
    let shown = Shown { connection: connection.name.clone(), end };
    match &shown.end {
        AttemptEnd::Connected(_) => {}
        AttemptEnd::Denied { said } => {
            let failed = Failed::new(ExitCode::Remote, format!("access was denied ({said})"));
            return Err(failed
                .help(format!("nothing was changed; {} again", remedy(&connection.name)))
                .into());
        }
        AttemptEnd::Failed { message, help } => {
            return Err(Failed::new(ExitCode::Remote, message.clone()).help(help.clone()).into());
        }
    }
    context.output.data(&shown, table)?;
    if connection.pipedrive.oauth.as_ref().is_some_and(|oauth| oauth.refresh_token.is_some()) {
        talk("oauth.refresh_token in the configuration file is not used any more: remove it");
    }
    Ok(ExitCode::Ok)
}

fn table(shown: &Shown) -> String {
    let AttemptEnd::Connected(connected) = &shown.end else { return String::new() };
    let Connected {
        company_id,
        company_name,
        company_domain,
        user_id,
        user_name,
        scopes,
        missing,
        api_domain,
    } = connected;
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "not told".to_owned());
    let scopes = scopes.as_ref().map_or_else(|| "not told".to_owned(), |scopes| scopes.join(", "));
    let mut out = format!(
        "connected {}\ncompany   {company_id} \"{}\"\ndomain    {}\nuser      {user_id} \"{}\"\napi       {}\nscopes    {scopes}\n",
        shown.connection,
        text(company_name),
        text(company_domain),
        text(user_name),
        text(api_domain),
    );
    for missing in missing {
        let when = if missing.needed_now { "missing" } else { "later" };
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{when:<9} {}: {}", missing.scope, missing.without);
    }
    if !missing.is_empty() {
        out.push_str(
            "Add what is missing to the app (Developer Hub > OAuth & access scopes), then connect again.\n",
        );
    }
    out
}
