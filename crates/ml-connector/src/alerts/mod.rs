//! Tells somebody when the state of a connection becomes another one, and lets somebody miss us when we are gone.
//!
//! [`Alerts::step`] looks (`look.rs`), lets the core decide (`sync_core::alerts`), commits what is told together with the
//! alerts, and then sends whatever waits (`send.rs`, signed in `sign.rs`). A process that dies in between, or a receiver that
//! is down, loses nothing: alerts wait in the store, and each try has the same id. Whatever fails here, the sync goes on.

mod look;
mod send;
mod sign;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use sync_core::alerts::{Alert, Patience, Told, judge};
use sync_core::ids::ConnectionId;
use sync_core::ports::Clock;
use sync_engine::daemon::Sleeper;
use sync_store::{AlertEnd, AlertRow, Figures, NewAlert, Store, StoreError};
use url::Url;

pub use look::{Board, Watched, rhythms};
pub use send::{Delivery, Receiver, Said};
pub use sign::SigningKey;

use crate::clients;
use crate::config::Config;
use send::Pinged;

/// An alert is tried for so long.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// A try of which nothing is heard is made again after this time: its process may be dead.
const UNHEARD: SignedDuration = SignedDuration::from_mins(2);

/// The longest time between two tries.
const SELDOMEST: SignedDuration = SignedDuration::from_hours(1);

/// Alerts are kept for so long after they came to their end.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Alerts of one connection that are sent at one look at most.
const MOST_AT_ONCE: u32 = 20;

/// Looks after alerts of some connections.
pub struct Alerts {
    /// Where they wait.
    pub store: Store,
    /// How long something has to be so before it is told.
    pub patience: Patience,
    /// Time between two looks.
    pub look_every: SignedDuration,
    /// Where people reach the console, for links; none where nobody said so.
    pub console: Option<Url>,
    /// Who is told; without it alerts are forgotten.
    pub receiver: Option<Receiver>,
    /// The connections.
    pub watched: Vec<Watched>,
    pinged: Option<Pinged>,
}

/// What keeps alerts from being looked after.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was told cannot be written down.
    #[error("what was told cannot be written down")]
    Unwritable(#[from] serde_json::Error),
    /// No request can be made.
    #[error("no request can be made of an alert")]
    Request(#[from] http::Error),
}

impl Alerts {
    /// As it is configured; none where nobody is to be told. `env` looks an environment variable up.
    ///
    /// # Errors
    /// When a secret is missing or an address cannot be used.
    pub fn configured(
        config: &Config,
        store: &Store,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(section) = &config.alerts else { return Ok(None) };
        let transport = clients::alert_transport()?;
        let receiver = section.webhook(env)?;
        let pinged = section.ping(env)?;
        Ok(Some(Self {
            store: store.clone(),
            patience: section.patience(),
            look_every: section.look_every,
            console: config.web.public_url.clone(),
            receiver: receiver.map(|(url, key)| Receiver::new(url, key, Arc::clone(&transport))),
            watched: Vec::new(),
            pinged: pinged.map(|url| Pinged::new(url, section.ping_every, transport)),
        }))
    }

    /// Looks after them for ever. Whatever fails is logged.
    pub async fn forever(&mut self, clock: &dyn Clock, sleeper: &dyn Sleeper) -> Infallible {
        loop {
            if let Err(error) = self.step(clock.now()).await {
                tracing::warn!(%error, "alerts could not be looked after; they are at the next look");
            }
            sleeper.sleep(self.look_every).await;
        }
    }

    /// Looks once, tells what there is to tell, and sends what is due.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn step(&mut self, now: Timestamp) -> Result<(), AlertError> {
        let all_well = self.look(now).await?;
        self.send_all(now).await?;
        if let Some(pinged) = &mut self.pinged
            && all_well
            && let Err(error) = pinged.ping(now).await
        {
            tracing::warn!(%error, "whoever misses us when we are gone could not be told that all is well");
        }
        Ok(())
    }

    /// Looks at all connections; tells whether all of them are well.
    async fn look(&self, now: Timestamp) -> Result<bool, AlertError> {
        let all = self.store.figures(now).await?;
        let mut all_well = true;
        for watched in &self.watched {
            let Some(figures) = all.iter().find(|figures| figures.id == watched.id) else { continue };
            all_well &= self.look_at(watched, figures, now).await?;
        }
        Ok(all_well)
    }

    async fn look_at(
        &self,
        watched: &Watched,
        figures: &Figures,
        now: Timestamp,
    ) -> Result<bool, AlertError> {
        let open = match watched.hands_over {
            true => self.store.read(watched.id).await?.open_handovers().await?,
            false => Vec::new(),
        };
        let stored = self.store.alert_told(watched.id).await?;
        let before = stored.as_deref().map(serde_json::from_str::<Told>).transpose();
        let before = before.unwrap_or_else(|error| {
            tracing::warn!(connection = %watched.name, %error, "what was told cannot be read; it is told anew");
            None
        });
        let (alerts, told) =
            judge(&watched.seen(figures, open, now), before.unwrap_or_default(), &self.patience, now);
        let is_well = !told.is_broken();
        let text = serde_json::to_string(&told)?;
        if stored.as_deref() == Some(text.as_str()) {
            return Ok(is_well);
        }
        let alerts: Vec<NewAlert> = match self.receiver {
            Some(_) => alerts.iter().map(|alert| self.made_of(alert, watched, now)).collect(),
            None => Vec::new(),
        };
        // If not, another process has told meanwhile; what it told is seen at the next look.
        if self.store.tell(watched.id, stored.as_deref(), &text, &alerts, now).await? {
            for alert in &alerts {
                tracing::info!(connection = %watched.name, alert = %alert.kind, id = %alert.webhook_id, "told");
            }
            self.store.forget_alerts(watched.id, now - KEPT).await?;
        }
        Ok(is_well)
    }

    fn made_of(&self, alert: &Alert, watched: &Watched, now: Timestamp) -> NewAlert {
        let link = self.console.as_ref().and_then(|console| link(console, alert, &watched.name));
        let body = alert.body(&watched.name, link.as_deref(), now).to_string();
        NewAlert { webhook_id: webhook_id(&body, now), kind: alert.key().to_owned(), body }
    }

    async fn send_all(&self, now: Timestamp) -> Result<(), AlertError> {
        let Some(receiver) = &self.receiver else { return Ok(()) };
        for watched in &self.watched {
            if !self.send_of(watched.id, receiver, now).await? {
                break;
            }
        }
        Ok(())
    }

    /// Sends what waits of a connection, if any of it is due, in the order in which it was told. Tells whether the receiver
    /// listens: if it does not, nothing else is sent now.
    async fn send_of(
        &self,
        connection: ConnectionId,
        receiver: &Receiver,
        now: Timestamp,
    ) -> Result<bool, AlertError> {
        let waiting = self.store.waiting_alerts(connection, MOST_AT_ONCE).await?;
        if waiting.iter().all(|alert| alert.next_at > now) {
            return Ok(true);
        }
        for alert in waiting {
            if !self.store.take_alert(connection, &alert, now + UNHEARD).await? {
                continue;
            }
            let delivery = receiver.send(&alert.webhook_id, &alert.body, now).await?;
            let end = end_of(&alert, &delivery, now);
            match &end {
                AlertEnd::Sent => {}
                AlertEnd::Again { at, error } => {
                    tracing::warn!(id = %alert.webhook_id, again_at = %at, %error, "an alert was not taken");
                }
                AlertEnd::GivenUp { error } => {
                    tracing::error!(id = %alert.webhook_id, %error, "an alert was not taken and is given up");
                }
            }
            self.store.settle_alert(connection, alert.id, &end, now).await?;
            let listens = match &delivery {
                Delivery::Taken(_) => true,
                Delivery::Refused { said, .. } => said.is_about_this_one(),
                Delivery::Unreached(_) => false,
            };
            if !listens {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn end_of(alert: &AlertRow, delivery: &Delivery, now: Timestamp) -> AlertEnd {
    let (error, after, is_final) = match delivery {
        Delivery::Taken(_) => return AlertEnd::Sent,
        Delivery::Refused { said, after } => {
            (format!("HTTP {}", said.status.as_u16()), *after, said.is_final())
        }
        Delivery::Unreached(error) => (error.to_string(), None, false),
    };
    if is_final || now.duration_since(alert.at) >= PATIENCE {
        return AlertEnd::GivenUp { error };
    }
    let wait = after.unwrap_or_default().max(pause_after(alert.attempts)).min(SELDOMEST);
    AlertEnd::Again { at: now + wait, error }
}

/// How long to wait after a try that came after so many others: a minute, doubled up to an hour.
fn pause_after(tries_before: u32) -> SignedDuration {
    (SignedDuration::from_mins(1) * (1 << tries_before.min(6))).min(SELDOMEST)
}

/// By which a receiver knows an alert that comes twice. No other alert has the same: the time is in it to the microsecond, and
/// the connection in the body.
fn webhook_id(body: &str, now: Timestamp) -> String {
    let digest = Sha256::digest(format!("{}.{body}", now.as_microsecond()));
    format!("msg_{}", hex::encode(digest.get(..16).unwrap_or_default()))
}

/// The console's page where more is told.
fn link(console: &Url, alert: &Alert, connection: &str) -> Option<String> {
    let page = match alert {
        Alert::Broken { .. } | Alert::Recovered { .. } | Alert::BudgetUsed { .. } => None,
        Alert::HoldsWaiting { .. } | Alert::HoldsDone => Some("holds"),
        Alert::HandoverLate { .. } | Alert::HandoverDone { .. } => Some("handovers"),
    };
    let mut url = console.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(["c", connection].into_iter().chain(page));
    Some(url.to_string())
}
