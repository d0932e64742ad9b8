//! Deliveries (section 5.4): what is due, how it went, what follows from that. Whoever owns sockets drains it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::events::{Action, Source};
use super::super::settings::PipedriveSettings;
use super::payload::{self, NEWER_OBJECTS, OBJECTS};
use super::payload_v1;
use super::{Told, Webhook, Webhooks};
use crate::text::digest;

/// An answer that takes longer is none.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
/// Waits before the second, third and fourth attempt, in seconds.
const RETRIES: [i64; 3] = [3, 30, 150];

/// One request to make.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// Its id, to tell the outcome; no part of the request.
    pub id: u64,
    /// The webhook.
    pub webhook_id: i64,
    /// Where to POST.
    pub url: String,
    /// Headers: the content type, and Basic credentials if any were registered.
    pub headers: Vec<(String, String)>,
    /// The payload.
    pub body: Value,
    /// From 1 to 4.
    pub attempt: u8,
    /// When it was due.
    pub due: Timestamp,
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was an answer with this status within 10 s; redirects are not followed.
    Answered(u16),
    /// There was no answer within 10 s.
    TimedOut,
    /// There was no connection, or no valid certificate.
    Unreachable,
}

impl Outcome {
    pub(super) fn is_success(self) -> bool {
        self.status().is_some_and(|status| (200..300).contains(&status))
    }

    pub(super) fn status(self) -> Option<u16> {
        match self {
            Self::Answered(status) => Some(status),
            Self::TimedOut | Self::Unreachable => None,
        }
    }
}

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    last_id: u64,
    /// By time and id.
    waiting: BTreeMap<(Timestamp, u64), Delivery>,
    /// Handed out, with the time of that; the outcome is not known.
    sent: BTreeMap<u64, (Timestamp, Delivery)>,
}

impl Outbox {
    fn put(&mut self, mut delivery: Delivery) {
        self.last_id += 1;
        delivery.id = self.last_id;
        self.waiting.insert((delivery.due, delivery.id), delivery);
    }
}

impl Webhooks {
    /// Brings everything up to `now`: events become deliveries, what is not answered fails, who fails for long is removed.
    pub(crate) fn settle(&mut self, settings: &PipedriveSettings, now: Timestamp) {
        let overdue = |(id, (at, _)): (&u64, &(Timestamp, Delivery))| {
            (now.duration_since(*at) > TIMEOUT).then(|| (*id, at.checked_add(TIMEOUT).unwrap_or(now)))
        };
        let overdue: Vec<(u64, Timestamp)> = self.outbox.sent.iter().filter_map(overdue).collect();
        for (id, end) in overdue {
            self.finish(settings, id, Outcome::TimedOut, end);
        }
        for told in std::mem::take(&mut self.told) {
            self.spread(settings, &told);
            if settings.webhooks.change_after_create && told.event.action == Action::Create {
                self.spread(settings, &system_change(told));
            }
        }
        self.all.values_mut().for_each(|webhook| webhook.expire(now));
    }

    /// The requests to make now; each is handed out once.
    pub(crate) fn due(&mut self, settings: &PipedriveSettings, now: Timestamp) -> Vec<Delivery> {
        self.settle(settings, now);
        let mut due = Vec::new();
        while let Some(first) = self.outbox.waiting.first_entry().filter(|first| first.key().0 <= now) {
            let delivery = first.remove();
            // During a ban everything is lost, retries too.
            let living = self
                .all
                .get(&delivery.webhook_id)
                .is_some_and(|found| found.removed.is_none() && !found.is_banned(delivery.due));
            if living {
                self.outbox.sent.insert(delivery.id, (now, delivery.clone()));
                due.push(delivery);
            }
        }
        due
    }

    /// When the next request is to be made, as far as that is known.
    pub(crate) fn next(&mut self, settings: &PipedriveSettings, now: Timestamp) -> Option<Timestamp> {
        self.settle(settings, now);
        self.outbox.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes an outcome; false when none is waited for any more.
    pub(crate) fn delivered(
        &mut self,
        settings: &PipedriveSettings,
        id: u64,
        outcome: Outcome,
        now: Timestamp,
    ) -> bool {
        self.settle(settings, now);
        self.finish(settings, id, outcome, now)
    }

    fn finish(&mut self, settings: &PipedriveSettings, id: u64, outcome: Outcome, now: Timestamp) -> bool {
        let Some((_, delivery)) = self.outbox.sent.remove(&id) else { return false };
        let Some(webhook) = self.all.get_mut(&delivery.webhook_id) else { return false };
        webhook.note(outcome, delivery.attempt, &settings.webhooks, now);
        let wait = RETRIES.get(usize::from(delivery.attempt) - 1);
        if let (false, Some(wait)) = (outcome.is_success(), wait) {
            let due = now.checked_add(SignedDuration::from_secs(*wait)).unwrap_or(now);
            let mut retry = Delivery { attempt: delivery.attempt + 1, due, ..delivery };
            if webhook.version_1 {
                retry.body["retry"] = Value::from(retry.attempt - 1);
            } else {
                retry.body["meta"]["attempt"] = Value::from(retry.attempt);
            }
            if !settings.webhooks.stable_event_id && !webhook.version_1 {
                retry.body["meta"]["id"] = Value::from(uuid(&mut self.rng));
            }
            self.outbox.put(retry);
        }
        true
    }

    /// Makes the deliveries of one event, with the faults that are set.
    fn spread(&mut self, settings: &PipedriveSettings, told: &Told) {
        let (faults, event) = (&settings.webhooks, &told.event);
        let Some((data, previous)) = payload::content(faults, told, &mut self.rng) else { return };
        let (id, correlation_id) = (uuid(&mut self.rng), uuid(&mut self.rng));
        for webhook in self.all.values_mut() {
            webhook.expire(event.time);
            if !webhook.hears(settings, told) || self.rng.f64() < faults.loss {
                continue;
            }
            let body = if webhook.version_1 {
                payload_v1::body(settings, webhook, told)
            } else {
                let meta = payload::meta(settings, webhook, event, &id, &correlation_id);
                json!({"data": data, "previous": previous, "meta": meta})
            };
            let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            headers.extend(webhook.authorization().map(|basic| ("authorization".to_owned(), basic)));
            let copies = if self.rng.f64() < faults.duplication { 2 } else { 1 };
            for _ in 0..copies {
                let mut late = 0;
                if self.rng.f64() < faults.delay {
                    late += self.rng.i64(0..=faults.longest_delay.as_secs().max(0));
                }
                if self.rng.f64() < faults.reordering {
                    late += self.rng.i64(1..=5);
                }
                let due = event.time.checked_add(SignedDuration::from_secs(late)).unwrap_or(event.time);
                self.outbox.put(Delivery {
                    id: 0,
                    webhook_id: webhook.id,
                    url: webhook.url.clone(),
                    headers: headers.clone(),
                    body: body.clone(),
                    attempt: 1,
                    due,
                });
            }
        }
    }
}

impl Webhook {
    /// Whether the event is for this webhook, which is there and not banned.
    fn hears(&self, settings: &PipedriveSettings, told: &Told) -> bool {
        let event = &told.event;
        let action = match event.action {
            Action::Create => "create",
            Action::Change => "change",
            Action::Delete => "delete",
        };
        let known = OBJECTS.contains(&event.entity)
            || (settings.webhooks.newer_objects && NEWER_OBJECTS.contains(&event.entity));
        known
            && self.removed.is_none()
            && !self.is_banned(event.time)
            && (self.action == "*" || self.action == action)
            && (self.object == "*" || self.object == event.entity)
    }
}

/// The change that the system makes right after a create: nothing that can be seen is different.
fn system_change(mut told: Told) -> Told {
    (told.event.action, told.event.source) = (Action::Change, Source::App);
    told.before = told.after.clone();
    told
}

fn uuid(rng: &mut fastrand::Rng) -> String {
    let random = digest(&["uuid", &rng.u64(..).to_string()]);
    let part = |from: usize, to: usize| random.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
