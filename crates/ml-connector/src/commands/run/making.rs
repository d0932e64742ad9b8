//! What the console asks of the process: changes of connections, consent, and looks at both systems. The console's side is
//! [`Clerk`], which only hands on; the work is done where the configuration is.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::pending;
use jiff::SignedDuration;
use sync_core::ids::OrgId;
use sync_engine::daemon::{Sleeper as _, TokioSleeper};
use sync_engine::{Event, Watch};
use sync_store::{ConnectionText, StoreError};
use sync_web::fit::FitFinding;
use sync_web::handover_plan::OlderDeals;
use sync_web::setup::mapping::{Foresight, Mapping};
use sync_web::setup::{Asked, Change, Look, Looks, Maker, NotMade, Tried};
use tokio::sync::{mpsc, oneshot};

use super::trying::{foresee, try_out};
use crate::config::{Config, Connection};
use crate::connect::redirect_url;
use crate::fit::{checked, finding, measure};
use crate::made::{self, Making};
use crate::mapped;
use crate::wire::Process;

/// Something that is asked of the process, and who waits for the answer.
pub(super) enum Errand {
    Change(Box<Change>, oneshot::Sender<Result<(), NotMade>>),
    Consent(String, oneshot::Sender<Result<String, NotMade>>),
    TryOut {
        connection: String,
        text: String,
        customer: String,
        answer: oneshot::Sender<Result<Vec<Tried>, NotMade>>,
    },
    OlderDeals {
        connection: String,
        after: Option<i64>,
        answer: oneshot::Sender<Result<Option<OlderDeals>, NotMade>>,
    },
    Foresee {
        connection: String,
        text: String,
        answer: oneshot::Sender<Result<Foresight, NotMade>>,
    },
}

/// Hands on what the console asks.
pub(super) struct Clerk {
    errands: mpsc::UnboundedSender<Errand>,
    console: String,
}

impl Clerk {
    pub(super) fn new(console: String) -> (Arc<Self>, mpsc::UnboundedReceiver<Errand>) {
        let (errands, asked) = mpsc::unbounded_channel();
        (Arc::new(Self { errands, console }), asked)
    }

    async fn ask<T>(
        &self,
        errand: impl FnOnce(oneshot::Sender<Result<T, NotMade>>) -> Errand,
    ) -> Result<T, NotMade> {
        let gone = || NotMade::as_things_stand("the process ends", "try again in a moment");
        let (answer, answered) = oneshot::channel();
        self.errands.send(errand(answer)).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

#[async_trait]
impl Maker for Clerk {
    async fn change(&self, change: Change) -> Result<(), NotMade> {
        self.ask(|answer| Errand::Change(Box::new(change), answer)).await
    }

    async fn consent(&self, connection: &str) -> Result<String, NotMade> {
        self.ask(|answer| Errand::Consent(connection.to_owned(), answer)).await
    }

    async fn try_out(&self, connection: &str, text: &str, customer: &str) -> Result<Vec<Tried>, NotMade> {
        let (connection, text, customer) = (connection.to_owned(), text.to_owned(), customer.to_owned());
        self.ask(|answer| Errand::TryOut { connection, text, customer, answer }).await
    }

    async fn foresee(&self, connection: &str, text: &str) -> Result<Foresight, NotMade> {
        let (connection, text) = (connection.to_owned(), text.to_owned());
        self.ask(|answer| Errand::Foresee { connection, text, answer }).await
    }

    async fn older_deals(&self, connection: &str, after: Option<i64>) -> Result<Option<OlderDeals>, NotMade> {
        let connection = connection.to_owned();
        self.ask(|answer| Errand::OlderDeals { connection, after, answer }).await
    }

    fn mapping(&self, text: &str) -> Mapping {
        mapped::read(text)
    }

    fn with_mapping(&self, text: &str, mapping: &Mapping) -> Result<String, NotMade> {
        mapped::write(text, mapping).map_err(|error| made::unusable(&error))
    }

    fn settings(&self, text: &str) -> BTreeMap<String, String> {
        made::settings(text)
    }

    fn back_here(&self, connection: &str) -> String {
        format!("{}connect/{connection}", self.console)
    }
}

/// Does errands until a connection was changed: then everything begins anew.
pub(super) async fn until_changed(
    errands: &mut mpsc::UnboundedReceiver<Errand>,
    process: &Process<'_>,
    making: &Making<'_>,
) {
    while let Some(errand) = errands.recv().await {
        match errand {
            Errand::Change(change, answer) => {
                let kept = making.keep(*change, process.clock.now()).await;
                let changed = kept.is_ok();
                // Whoever asked may have gone; what was kept counts.
                let _ = answer.send(kept);
                if changed {
                    return;
                }
            }
            Errand::Consent(name, answer) => drop(answer.send(consent(process, making, &name).await)),
            Errand::TryOut { connection, text, customer, answer } => {
                drop(answer.send(try_out(process, &connection, &text, &customer).await));
            }
            Errand::OlderDeals { connection, after, answer } => {
                drop(answer.send(older_deals(process, &connection, after).await));
            }
            Errand::Foresee { connection, text, answer } => {
                drop(answer.send(foresee(process, &connection, &text).await));
            }
        }
    }
    pending::<()>().await;
}

/// Older deals of a page.
const OLDER: usize = 50;

async fn older_deals(
    process: &Process<'_>,
    name: &str,
    after: Option<i64>,
) -> Result<Option<OlderDeals>, NotMade> {
    let wrong = |error: anyhow::Error| NotMade::new(format!("{error:#}"), "try again in a moment");
    let Some(connection) = known(process.config, name) else { return Ok(None) };
    let id = process.number(connection).await.map_err(wrong)?;
    let planner = process.handover_planner_beside(connection, id).await.map_err(wrong)?;
    let Some(planner) = planner.map_err(|error| wrong(error.into()))? else { return Ok(None) };
    let page = planner.older(after.map(OrgId), OLDER).await.map_err(|error| wrong(error.into()))?;
    let page = page.map_err(|error| wrong(error.into()))?;
    Ok(Some(OlderDeals::of(&page, planner.since)))
}

/// Does errands while everything comes to its end. Whoever asks is at the door, and the door does not close before it has answered.
pub(super) async fn meanwhile(
    errands: &mut mpsc::UnboundedReceiver<Errand>,
    process: &Process<'_>,
    making: &Making<'_>,
) -> Infallible {
    loop {
        until_changed(errands, process, making).await;
    }
}

async fn consent(process: &Process<'_>, making: &Making<'_>, name: &str) -> Result<String, NotMade> {
    let wrong = |error: anyhow::Error| NotMade::new(format!("{error:#}"), "put it right and try again");
    let connection = process.config.connections.iter().find(|connection| connection.name == name);
    let connection =
        connection.ok_or_else(|| NotMade::new("it is not complete", "say what both systems are"))?;
    let id = process.number(connection).await.map_err(wrong)?;
    let connector = process.connector(connection, id).map_err(wrong)?.ok_or_else(|| {
        NotMade::new(format!("{name} uses an API token"), "there is nobody whose consent is needed")
    })?;
    let back = redirect_url(connection).unwrap_or_else(|| format!("{}connect/{name}", making.console));
    connector.begin(back, None).await.map(|begun| begun.url).map_err(wrong)
}

/// Returns when what another process kept of connections is not what we know, or with why that is not known.
pub(super) async fn until_changed_elsewhere(
    process: &Process<'_>,
    known: &[ConnectionText],
) -> Result<(), StoreError> {
    /// One small query.
    const EVERY: SignedDuration = SignedDuration::from_secs(5);
    loop {
        TokioSleeper.sleep(EVERY).await;
        match process.store.connection_texts().await {
            Ok(now) if now == known => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Looks at both systems for whoever asks; one look after the other.
pub(super) async fn look_forever(
    process: &Process<'_>,
    looks: &Arc<Looks>,
    (asked, unfinished): (&mut Asked, &mut Option<(String, Look)>),
) -> Infallible {
    loop {
        if unfinished.is_none() {
            *unfinished = asked.recv().await;
        }
        let Some((name, look)) = unfinished.clone() else { return pending().await };
        let found = match look {
            Look::Access => access(process, &name).await,
            Look::Fit => fit(process, looks, &name).await,
        };
        looks.ended(&name, found.map_err(|error| format!("{error:#}")), process.clock.now());
        *unfinished = None;
    }
}

fn known<'a>(config: &'a Config, name: &str) -> Option<&'a Connection> {
    config.connections.iter().find(|connection| connection.name == name)
}

/// Whether both systems let us in, or the one that is described already.
async fn access(process: &Process<'_>, name: &str) -> anyhow::Result<Vec<FitFinding>> {
    if let Some(connection) = known(process.config, name) {
        return Ok(judged(process, connection).await);
    }
    let texts = process.store.connection_texts().await?;
    let Some(text) = texts.iter().find(|text| text.name == name) else {
        anyhow::bail!("nothing is known of {name}");
    };
    let half = made::half(name, &text.body)?;
    made::fill(&half, &process.store, text.connection, process.env).await?;
    let mut findings = judged(process, &half).await;
    findings.retain(|finding| finding.name.starts_with("fusion."));
    Ok(findings)
}

async fn judged(process: &Process<'_>, connection: &Connection) -> Vec<FitFinding> {
    checked(process, connection).await.findings.into_iter().map(finding).collect()
}

async fn fit(process: &Process<'_>, looks: &Arc<Looks>, name: &str) -> anyhow::Result<Vec<FitFinding>> {
    let Some(connection) = known(process.config, name) else {
        anyhow::bail!("{name} is not complete: say what both systems are");
    };
    let watch = Arc::new(Counting { looks: looks.clone(), name: name.to_owned() });
    Ok(measure(process, connection, watch).await?.findings)
}

/// Tells a page how far reading is.
struct Counting {
    looks: Arc<Looks>,
    name: String,
}

impl Watch for Counting {
    fn see(&self, event: Event) {
        if let Event::Page { rows, .. } = event {
            self.looks.note_read(&self.name, rows as u64);
        }
    }
}
