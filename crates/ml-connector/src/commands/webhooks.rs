//! `webhooks`: where a connection takes webhooks in, and what became of its subscription at Pipedrive.

use serde::Serialize;
use sync_core::hooks::HookEntity;
use sync_engine::subscriptions::{HookState, STATE, digest};
use sync_store::{HookSeen, OurSubscription, Store};

use super::Context;
use crate::cli::WebhooksArgs;
use crate::config::Require;
use crate::exit::{ExitCode, Failed};
use crate::hooks::{addresses, entities};
use crate::output::{table, talk};
use crate::wire::open_store;

/// Subscriptions to show at most.
const MOST: u32 = 10;

#[derive(Serialize)]
struct Shown {
    address: String,
    /// The kinds of records that it tells of; each has a subscription of its own.
    records: Vec<&'static str>,
    /// Valid as long as the secret they were made of is configured.
    older: Vec<String>,
    user: Option<String>,
    hmac_header: Option<String>,
    all_required: bool,
    /// What `run` knows of them; none before it ran.
    state: Option<ShownState>,
    subscriptions: Vec<ShownSubscription>,
    /// The newest first; none unless they are asked for.
    events: Vec<ShownEvent>,
}

#[derive(Serialize)]
struct ShownEvent {
    event: String,
    received_at: String,
    record: String,
    action: String,
    vouched: String,
    read_again_at: Option<String>,
}

#[derive(Serialize)]
struct ShownState {
    healthy: bool,
    trouble: Option<String>,
    looked_at: Option<String>,
    listed: usize,
    announced: u64,
    missed: u64,
}

#[derive(Serialize)]
struct ShownSubscription {
    id: i64,
    /// What it tells of.
    record: &'static str,
    /// `current`, `older` or `unknown`: whose secret its address is made of.
    secret: &'static str,
    made_at: String,
    first_event_at: Option<String>,
    last_event_at: Option<String>,
    ended_at: Option<String>,
    ended_why: Option<String>,
}

pub(super) async fn run(context: &Context<'_>, args: &WebhooksArgs) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let selected = config.select(Some(&args.connection))?;
    let [connection] = selected[..] else { return Ok(ExitCode::Failure) };
    let Some(webhooks) = &connection.webhooks else {
        let failed = Failed::new(ExitCode::Usage, format!("{} takes no webhooks", args.connection));
        return Err(failed.help("add a [connection.webhooks] table; docs/config.md explains it").into());
    };
    let mut addresses = addresses(connection, context.env)?.into_iter();
    let (address, older) = (addresses.next().unwrap_or_default(), addresses.collect::<Vec<String>>());
    let store = open_store(&config.store).await?;
    let (state, ours, events) = known(&store, args).await?;
    store.close().await;
    let subscriptions = ours.into_iter().map(|ours| shown(ours, &address, &older)).collect();
    let shown = Shown {
        address,
        records: entities(connection).into_iter().map(HookEntity::key).collect(),
        older,
        user: webhooks.basic.first().map(|basic| basic.user.clone()),
        hmac_header: webhooks.hmac.as_ref().map(|hmac| hmac.header.clone()),
        all_required: webhooks.require == Require::All,
        state: state.map(|state| ShownState {
            healthy: state.is_healthy(),
            trouble: state.trouble,
            looked_at: state.looked_at.map(|at| at.to_string()),
            listed: state.listed,
            announced: state.announced,
            missed: state.missed,
        }),
        subscriptions,
        events: events.into_iter().map(event).collect(),
    };
    context.output.data(&shown, words)?;
    if shown.state.is_none() {
        talk(
            "`run` registers it at Pipedrive; events are filtered by what the user of the credentials may see",
        );
    }
    Ok(ExitCode::Ok)
}

type Known = (Option<HookState>, Vec<OurSubscription>, Vec<HookSeen>);

async fn known(store: &Store, args: &WebhooksArgs) -> anyhow::Result<Known> {
    let row = store.connections().await?.into_iter().find(|row| row.name == args.connection);
    let Some(row) = row else { return Ok((None, Vec::new(), Vec::new())) };
    let mut tx = store.read(row.id).await?;
    let events = match args.events {
        Some(limit) => tx.hook_events(limit).await?,
        None => Vec::new(),
    };
    Ok((tx.cursor(STATE).await?, tx.subscriptions(false, MOST).await?, events))
}

fn event(seen: HookSeen) -> ShownEvent {
    let HookSeen { key, received_at, record: (kind, id), action, vouched, done_at } = seen;
    ShownEvent {
        event: key,
        received_at: received_at.to_string(),
        record: format!("{kind} {id}"),
        action,
        vouched,
        read_again_at: done_at.map(|at| at.to_string()),
    }
}

fn shown(ours: OurSubscription, address: &str, older: &[String]) -> ShownSubscription {
    let secret = if ours.address == digest(address) {
        "current"
    } else if older.iter().any(|older| ours.address == digest(older)) {
        "older"
    } else {
        "unknown"
    };
    let (ended_at, ended_why) = ours.ended.unzip();
    ShownSubscription {
        id: ours.id.0,
        record: ours.entity.map_or("unknown", HookEntity::key),
        secret,
        made_at: ours.made_at.to_string(),
        first_event_at: ours.proven_at.map(|at| at.to_string()),
        last_event_at: ours.heard_at.map(|at| at.to_string()),
        ended_at: ended_at.map(|at| at.to_string()),
        ended_why,
    }
}

fn words(shown: &Shown) -> String {
    let mut text = format!(
        "address  {}\nevents   {}: all actions, version 2.0\n",
        shown.address,
        shown.records.join(", ")
    );
    if let Some(user) = &shown.user {
        text.push_str(&format!("user     {user}, with the password of the configuration\n"));
    }
    if let Some(header) = &shown.hmac_header {
        text.push_str(&format!("digest   in {header}, added by your gateway\n"));
    }
    for older in &shown.older {
        text.push_str(&format!("also     {older}\n"));
    }
    match &shown.state {
        None => text.push_str("state    not registered by `run` yet\n"),
        Some(state) => {
            let health = match (&state.trouble, state.healthy) {
                (Some(trouble), _) => format!("not working: {trouble}"),
                (None, true) => "healthy".to_owned(),
                (None, false) => "registered; not relied upon (no event yet, or some were missed)".to_owned(),
            };
            let (told, missed) = (state.announced, state.missed);
            text.push_str(&format!("state    {health}\n"));
            text.push_str(&format!("changes  {told} were told of first, {missed} only polling found\n"));
            text.push_str(&format!("company  {} of at most 40 webhooks of a user\n", state.listed));
        }
    }
    if !shown.subscriptions.is_empty() {
        let rows = shown.subscriptions.iter().map(|row| {
            let ended = match (&row.ended_at, &row.ended_why) {
                (Some(at), Some(why)) => format!("{at}: {why}"),
                (_, _) => String::new(),
            };
            let text = |at: &Option<String>| at.clone().unwrap_or_default();
            let (first, last) = (text(&row.first_event_at), text(&row.last_event_at));
            [
                row.id.to_string(),
                row.record.to_owned(),
                row.secret.to_owned(),
                row.made_at.clone(),
                first,
                last,
                ended,
            ]
        });
        let heads = ["webhook", "record", "secret", "made", "first event", "last event", "ended"];
        text.push_str(&format!("\n{}\n", table(heads, &[], rows)));
    }
    if !shown.events.is_empty() {
        let rows = shown.events.iter().map(|row| {
            let ShownEvent { event, received_at, record, action, vouched, read_again_at } = row;
            let again = read_again_at.clone().unwrap_or_else(|| "not yet".to_owned());
            [received_at.clone(), record.clone(), action.clone(), vouched.clone(), again, event.clone()]
        });
        let heads = ["received", "record", "action", "vouched for by", "read again", "event"];
        text.push_str(&format!("\n{}\n", table(heads, &[], rows)));
    }
    text
}
