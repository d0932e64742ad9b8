//! Webhooks (section 5): registration, payloads of version 2, delivery without sockets, retries, bans, removal.
//!
//! Nothing is signed: Pipedrive knows HTTP Basic and no signature (section 5.5).

mod deliver;
mod drain;
mod endpoints;
mod outbox;
mod payload;
mod payload_v1;
mod settings;

use std::collections::BTreeMap;

use base64::Engine as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use deliver::{Deliver, deliver_due, deliver_forever};
pub(crate) use endpoints::{create, delete, list};
pub use outbox::{Delivery, Outcome};
pub(crate) use payload::typed;
pub use settings::WebhookSettings;

use super::events::Event;
use super::settings::PipedriveSettings;
use outbox::Outbox;

const BAN: SignedDuration = SignedDuration::from_mins(30);
/// Failed first attempts that lead to a ban.
const BAN_AFTER: u32 = 10;
/// Without success for so long a webhook is removed.
const PATIENCE: SignedDuration = SignedDuration::from_hours(72);

/// All webhooks and what is on its way to them.
#[derive(Debug)]
pub(crate) struct Webhooks {
    rng: fastrand::Rng,
    all: BTreeMap<i64, Webhook>,
    /// What was logged and not looked at yet.
    told: Vec<Told>,
    outbox: Outbox,
}

/// An event with the record before and after it, custom fields in their typed form.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) event: Event,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

#[derive(Debug)]
struct Webhook {
    id: i64,
    name: String,
    owner_id: i64,
    user_id: i64,
    action: String,
    object: String,
    url: String,
    /// Whether it was registered with version 1.0.
    version_1: bool,
    /// User and password, and their encrypted form in answers.
    user: Option<(String, String)>,
    password: Option<(String, String)>,
    /// Whether an app registered it.
    application: bool,
    add_time: Timestamp,
    removed: Option<(Timestamp, &'static str)>,
    last_delivery: Option<(Timestamp, Option<u16>)>,
    /// Failed first attempts since the last ban.
    failures: u32,
    /// When the last ban began.
    banned: Option<Timestamp>,
    /// The first failure since the last success.
    failing_since: Option<Timestamp>,
}

impl Webhooks {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { rng, all: BTreeMap::new(), told: Vec::new(), outbox: Outbox::default() }
    }

    /// Whether there is a webhook at all.
    pub(crate) fn listening(&self) -> bool {
        self.all.values().any(|webhook| webhook.removed.is_none())
    }

    /// Takes an event; it is looked at when somebody asks for deliveries or touches the webhooks.
    pub(crate) fn tell(&mut self, told: Told) {
        self.told.push(told);
    }

    /// Removes what the app registered.
    pub(crate) fn uninstall(&mut self, settings: &PipedriveSettings, now: Timestamp) {
        self.settle(settings, now);
        let living = |webhook: &&mut Webhook| webhook.application && webhook.removed.is_none();
        for webhook in self.all.values_mut().filter(living) {
            webhook.removed = Some((now, "The app was uninstalled"));
        }
    }
}

impl Webhook {
    fn json(&self, settings: &PipedriveSettings) -> Value {
        let time = |at: Option<Timestamp>| at.map(milliseconds);
        json!({
            "id": self.id,
            "name": self.name,
            "company_id": settings.company_id,
            "owner_id": self.owner_id,
            "user_id": self.user_id,
            "admin_id": self.owner_id,
            "event_action": self.action,
            "event_object": self.object,
            "subscription_url": self.url,
            "is_active": i32::from(self.removed.is_none()),
            "add_time": milliseconds(self.add_time),
            "remove_time": time(self.removed.map(|(at, _)| at)),
            "type": if self.application { "application" } else { "general" },
            "http_auth_user": self.user.as_ref().map(|(_, echo)| echo),
            "http_auth_password": self.password.as_ref().map(|(_, echo)| echo),
            "remove_reason": self.removed.map(|(_, reason)| reason),
            "last_delivery_time": time(self.last_delivery.map(|(at, _)| at)),
            "last_http_status": self.last_delivery.and_then(|(_, status)| status),
            "version": if self.version_1 { "1.0" } else { "2.0" },
        })
    }

    /// Basic credentials, if any were registered.
    fn authorization(&self) -> Option<String> {
        let text = |part: &Option<(String, String)>| part.as_ref().map_or("", |(text, _)| text).to_owned();
        let pair = format!("{}:{}", text(&self.user), text(&self.password));
        let given = self.user.is_some() || self.password.is_some();
        given.then(|| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }

    fn is_banned(&self, at: Timestamp) -> bool {
        self.banned.is_some_and(|since| {
            let passed = at.duration_since(since);
            SignedDuration::ZERO <= passed && passed < BAN
        })
    }

    /// Removes the webhook when it did not succeed for three days.
    fn expire(&mut self, now: Timestamp) {
        let end = self.failing_since.and_then(|since| since.checked_add(PATIENCE).ok());
        if let (Some(end), None) = (end.filter(|end| *end <= now), self.removed) {
            self.removed = Some((end, "No successful delivery for 3 consecutive days"));
        }
    }

    /// Notes how an attempt ended.
    fn note(&mut self, outcome: Outcome, attempt: u8, settings: &WebhookSettings, now: Timestamp) {
        self.last_delivery = Some((now, outcome.status()));
        if outcome.is_success() {
            self.failing_since = None;
            if settings.success_clears_ban_count {
                self.failures = 0;
            }
            return;
        }
        self.failing_since = self.failing_since.or(Some(now));
        if attempt == 1 && !self.is_banned(now) {
            self.failures += 1;
            if self.failures >= BAN_AFTER {
                (self.failures, self.banned) = (0, Some(now));
            }
        }
    }
}

/// `2026-01-14T17:07:27.000Z`.
fn milliseconds(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
