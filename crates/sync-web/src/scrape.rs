//! `GET /metrics`: what the process counted, and what the store knows at this moment. Scrapes within a second share one
//! answer, and only one is made at a time: whoever asks often costs the store no more.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use sync_core::budget::Class;
use sync_engine::{
    audit::{AUDIT, AuditState, Audited},
    streams::Rhythm,
    subscriptions::{HookState, STATE},
};
use sync_store::{DocumentQueue, Figures, QueueFigures};
use tokio::sync::Mutex;

use crate::{
    door::Door,
    hooks::{ByVoucher, Visits},
    metrics::{Exposition, Metric},
};

/// The format, as Prometheus wants it to be called.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How old an answer may be.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// The last answer, and when it was made by the clock that never jumps.
#[derive(Default)]
pub(crate) struct Scrapes(Mutex<Option<(SignedDuration, Arc<str>)>>);

pub(crate) async fn metrics(State(door): State<Door>) -> Response {
    let mut last = door.scrapes.0.lock().await;
    let now = door.parts.clock.monotonic();
    let page = match &*last {
        Some((made, page)) if now - *made < FRESH => Arc::clone(page),
        Some(_) | None => {
            let page: Arc<str> = page(&door).await.to_string().into();
            *last = Some((now, Arc::clone(&page)));
            page
        }
    };
    drop(last);
    ([(CONTENT_TYPE, FORMAT)], page.to_string()).into_response()
}

async fn page(door: &Door) -> Exposition {
    let mut page = Exposition::default();
    let now = door.parts.clock.now();
    page.add(Metric::Build, &[door.parts.version], 1);
    page.add(Metric::Started, &[], seconds(door.started.duration_since(Timestamp::UNIX_EPOCH)));
    page.add(Metric::Unauthorized, &[], door.unauthorized.load(Ordering::Relaxed));
    for served in &door.parts.served {
        if let Some(visits) = door.parts.intake.visits(&served.name) {
            webhooks(&mut page, &served.name, visits);
        }
        page.add(Metric::TokensBudget, &[&served.name], served.budget.tokens);
    }
    let figures = door.parts.store.figures_and_records(now).await;
    page.add(Metric::StoreUp, &[], u8::from(figures.is_ok()));
    match figures {
        Ok(all) => all.iter().for_each(|figures| connection(&mut page, door, figures, now)),
        Err(error) => tracing::warn!(%error, "the store has no figures for a scrape"),
    }
    page
}

fn webhooks(page: &mut Exposition, name: &str, visits: &Visits) {
    let Visits { accepted, ignored, unreadable, rejected, vouched } = visits;
    let results =
        [("accepted", accepted), ("ignored", ignored), ("unreadable", unreadable), ("rejected", rejected)];
    for (result, count) in results {
        page.add(Metric::Webhooks, &[name, result], count.load(Ordering::Relaxed));
    }
    let ByVoucher { basic, hmac, both } = vouched;
    for (by, count) in [("basic", basic), ("hmac", hmac), ("both", both)] {
        page.add(Metric::Vouched, &[name, by], count.load(Ordering::Relaxed));
    }
}

fn connection(page: &mut Exposition, door: &Door, figures: &Figures, now: Timestamp) {
    let Figures {
        id,
        name,
        owner,
        epoch,
        inbox,
        inbox_since,
        queue,
        documents,
        holds,
        writes_open,
        writes_in_doubt,
        day,
        cursors,
        staged,
        pairs,
        alerts,
    } = figures;
    let ours =
        door.parts.served.iter().any(|served| served.fence.connection == *id && served.fence.epoch == *epoch);
    page.add(Metric::LeaseHeld, &[name], u8::from(ours && owner.is_some()));
    if let Some(owner) = owner {
        page.add(Metric::LeaseOwner, &[name, owner], 1);
    }
    page.add(Metric::Inbox, &[name], inbox);
    page.add(Metric::InboxAge, &[name], inbox_since.map_or(0.0, |since| age(since, now)));
    for class in Class::ALL {
        let keys = queue.get(&class).copied().unwrap_or_default();
        let class_name = class_name(class);
        page.add(Metric::Queue, &[name, class_name, "due"], keys.due);
        page.add(Metric::Queue, &[name, class_name, "waiting"], keys.waiting);
        page.add(Metric::QueueFailed, &[name, class_name], keys.failed);
        let (tokens, requests) = day.ours.get(&class).copied().unwrap_or_default();
        page.add(Metric::Tokens, &[name, class_name], tokens);
        page.add(Metric::Requests, &[name, class_name], requests);
    }
    for (queue, label) in [(DocumentQueue::Documents, "documents"), (DocumentQueue::Deals, "deals")] {
        let mut all = QueueFigures::default();
        for (_, keys) in documents.iter().filter(|((of, _), _)| *of == queue) {
            all.due += keys.due;
            all.waiting += keys.waiting;
            all.failed += keys.failed;
        }
        page.add(Metric::DocumentQueue, &[name, label, "due"], all.due);
        page.add(Metric::DocumentQueue, &[name, label, "waiting"], all.waiting);
        page.add(Metric::DocumentQueueFailed, &[name, label], all.failed);
    }
    for cause in holds {
        page.add(Metric::Holds, &[name, &cause.reason], cause.holds);
        page.add(Metric::HoldsAge, &[name, &cause.reason], age(cause.since, now));
    }
    page.add(Metric::WritesOpen, &[name], writes_open);
    page.add(Metric::WritesInDoubt, &[name], writes_in_doubt);
    page.add(Metric::TokensOthers, &[name], day.others);
    if let Some(remaining) = day.remaining {
        page.add(Metric::TokensRemaining, &[name], remaining);
    }
    page.add(Metric::Exhausted, &[name], u8::from(day.exhausted_until.is_some()));
    for cursor in cursors {
        if cursor.stream == STATE
            && let Ok(state) = serde_json::from_str::<HookState>(&cursor.body)
        {
            page.add(Metric::WebhooksHealthy, &[name], u8::from(state.is_healthy()));
            page.add(Metric::Announced, &[name], state.announced);
            page.add(Metric::Missed, &[name], state.missed);
            continue;
        }
        if cursor.stream == AUDIT
            && let Ok(AuditState { last: Some(last), .. }) = serde_json::from_str(&cursor.body)
        {
            let Audited { ended_at, as_of, equal, working, held, found, .. } = last;
            for (state, count) in [("equal", equal), ("working", working), ("held", held), ("found", found)] {
                page.add(Metric::Audited, &[name, state], count);
            }
            if let Some(at) = ended_at {
                page.add(Metric::AuditedAge, &[name], age(at, now));
            }
            if let Some(at) = as_of {
                page.add(Metric::AuditedAsOf, &[name], age(at, now));
            }
            continue;
        }
        // What has another form is no stream that is read in a rhythm.
        let Ok(rhythm) = serde_json::from_str::<Rhythm>(&cursor.body) else { continue };
        if let Some(at) = rhythm.polled_at {
            page.add(Metric::Polled, &[name, &cursor.stream], age(at, now));
        }
        if let Some(at) = rhythm.swept_at {
            page.add(Metric::Swept, &[name, &cursor.stream], age(at, now));
        }
    }
    for (kind, records) in staged {
        page.add(Metric::Staged, &[name, kind], records);
    }
    page.add(Metric::Pairs, &[name], pairs);
    for (state, number) in alerts {
        page.add(Metric::Alerts, &[name, state], number);
    }
}

/// As the documentation of the metrics lists them.
fn class_name(class: Class) -> &'static str {
    match class {
        Class::Urgent => "urgent",
        Class::NewCustomer => "new_customer",
        Class::Document => "document",
        Class::Edit => "edit",
        Class::Audit => "audit",
        Class::Backfill => "backfill",
    }
}

/// Seconds since then; none where a clock was set back.
fn age(since: Timestamp, now: Timestamp) -> f64 {
    seconds(now.duration_since(since)).max(0.0)
}

/// To the millisecond.
fn seconds(duration: SignedDuration) -> f64 {
    (duration.as_secs_f64() * 1e3).round() / 1e3
}
