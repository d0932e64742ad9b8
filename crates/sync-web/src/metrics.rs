//! The metrics, defined once: `/metrics` and `docs/metrics.md` are both made from here.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Write as _},
};

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only up, from nothing when the process begins.
    Counter,
    /// Up and down.
    Gauge,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// What a metric is.
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

macro_rules! metrics {
    ($($variant:ident = $kind:ident $name:literal $labels:tt $help:literal;)*) => {
        /// Every metric, in the order in which they are shown.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Metric { $($variant),* }

        impl Metric {
            /// Every one.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            pub(crate) fn definition(self) -> Definition {
                match self {
                    $(Self::$variant => Definition {
                        name: $name, kind: Kind::$kind, labels: &$labels, help: $help,
                    }),*
                }
            }
        }
    };
}

metrics! {
    Build = Gauge "mlc_build_info" ["version"] "1, with the version of the process.";
    Started = Gauge "process_start_time_seconds" [] "When the process began, in seconds since 1970.";
    StoreUp = Gauge "mlc_store_up" [] "1 if the store answered this scrape, else 0; then only what the process itself knows is here.";
    Unauthorized = Counter "mlc_wrong_tokens_total" [] "Requests that showed a wrong bearer token.";
    Webhooks = Counter "mlc_webhooks_total" ["connection", "result"] "Webhooks that came to this process: accepted (durable before it was answered), ignored (vouched for, of no interest), unreadable (vouched for, not understood), rejected (not vouched for).";
    Vouched = Counter "mlc_webhooks_vouched_total" ["connection", "by"] "Accepted webhooks by who vouched: basic, hmac or both.";
    LeaseHeld = Gauge "mlc_lease_held" ["connection"] "1 if this process works on the connection, else 0.";
    LeaseOwner = Gauge "mlc_lease_owner_info" ["connection", "owner"] "1, with the process that works on the connection; nothing where none does.";
    WebhooksHealthy = Gauge "mlc_webhooks_healthy" ["connection"] "1 while the webhook at the CRM stands, works and loses nothing, so that polls are seldom, else 0; nothing where none are looked after.";
    Announced = Counter "mlc_webhooks_announced_changes_total" ["connection"] "Changes of organizations that webhooks told of first; kept in the store.";
    Missed = Counter "mlc_webhooks_missed_changes_total" ["connection"] "Changes that only a poll found though a webhook stood: an estimate of what was lost; kept in the store.";
    Inbox = Gauge "mlc_inbox_events" ["connection"] "Events of webhooks whose records were not read again yet.";
    InboxAge = Gauge "mlc_inbox_oldest_age_seconds" ["connection"] "How long the oldest of them waits; 0 if there is none.";
    Queue = Gauge "mlc_queue_keys" ["connection", "class", "state"] "Customers to look at, by urgency: due (now) or waiting (until later).";
    QueueFailed = Gauge "mlc_queue_failed_keys" ["connection", "class"] "Those of both that failed at least once.";
    DocumentQueue = Gauge "mlc_document_queue_keys" ["connection", "queue", "state"] "Documents whose deal is to be found (documents) and deals that are to show their documents (deals): due (now) or waiting (until later).";
    DocumentQueueFailed = Gauge "mlc_document_queue_failed_keys" ["connection", "queue"] "Those of both that failed at least once.";
    Holds = Gauge "mlc_holds_open" ["connection", "reason"] "Questions that wait for a person, those about handovers and documents among them; reasons without one are not there. docs/sync-rules.md and docs/customers-from-crm.md explain them.";
    HoldsAge = Gauge "mlc_holds_oldest_age_seconds" ["connection", "reason"] "How long the oldest of them waits.";
    WritesOpen = Gauge "mlc_writes_open" ["connection"] "Writes that were committed to and have no receipt yet.";
    WritesInDoubt = Gauge "mlc_writes_in_doubt" ["connection"] "Those of them whose answer was lost: they are looked for before anything else happens to their customers.";
    Tokens = Gauge "mlc_crm_tokens_today" ["connection", "class"] "Tokens that we spent in the CRM's day so far.";
    Requests = Gauge "mlc_crm_requests_today" ["connection", "class"] "Requests that they were spent on.";
    TokensOthers = Gauge "mlc_crm_tokens_others_today" ["connection"] "Tokens that others of the same company spent today, as far as the CRM's answers showed.";
    TokensBudget = Gauge "mlc_crm_tokens_budget" ["connection"] "Tokens that the company has a day by the configuration; of connections that this process works on.";
    TokensRemaining = Gauge "mlc_crm_tokens_remaining" ["connection"] "Tokens that were left when the CRM last said so today; nothing if it did not.";
    Exhausted = Gauge "mlc_crm_budget_exhausted" ["connection"] "1 while the CRM says that nothing is left, else 0.";
    Polled = Gauge "mlc_stream_polled_age_seconds" ["connection", "stream"] "Since when a stream was last read to the end of what changed; nothing before the first time.";
    Swept = Gauge "mlc_stream_swept_age_seconds" ["connection", "stream"] "Since when a stream was last read as a whole; nothing before the first time.";
    Audited = Gauge "mlc_audit_customers" ["connection", "state"] "Customers by what the last audit said of them: equal, working (in the queue, or a lost answer is looked for), held (for a person), found (they differed and nobody worked on it); nothing before the first audit.";
    AuditedAge = Gauge "mlc_audit_age_seconds" ["connection"] "Since when the last audit is over.";
    AuditedAsOf = Gauge "mlc_audit_as_of_age_seconds" ["connection"] "How old the oldest reading is by which it called a customer equal.";
    Staged = Gauge "mlc_staged_records" ["connection", "kind"] "Records as they were last read, by kind; also those that are gone on their side.";
    Pairs = Gauge "mlc_pairs" ["connection"] "Customers with their organizations.";
    Alerts = Gauge "mlc_alerts" ["connection", "state"] "Alerts of the last thirty days: waiting (to be sent, or sent again), sent (the receiver took them), given_up (it did not for a day); states without one are not there. docs/alerts.md explains them.";
}

/// A page of metrics in Prometheus' text format, version 0.0.4.
#[derive(Default)]
pub(crate) struct Exposition(BTreeMap<Metric, String>);

impl Exposition {
    /// Adds a sample; the values of its labels in the order of their definition.
    pub(crate) fn add(&mut self, metric: Metric, values: &[&str], value: impl Display) {
        let Definition { name, labels, .. } = metric.definition();
        debug_assert_eq!(labels.len(), values.len(), "{name}");
        let lines = self.0.entry(metric).or_default();
        lines.push_str(name);
        for (index, (label, text)) in labels.iter().zip(values).enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            // Writing into a string does not fail.
            let _ = write!(lines, "{open}{label}=\"{}\"", escaped(text));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(lines, "{close} {value}");
    }
}

impl Display for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (metric, lines) in &self.0 {
            let Definition { name, kind, labels: _, help } = metric.definition();
            writeln!(f, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n"))?;
            writeln!(f, "# TYPE {name} {}", kind.name())?;
            f.write_str(lines)?;
        }
        Ok(())
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The chapter of the documentation: every metric with its labels and its meaning.
#[must_use]
pub fn metrics_page() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         `GET /metrics` of `ml-connector run`, in Prometheus' text format 0.0.4, without a token: keep it inside\n\
         ([door.md](door.md)). What concerns the store is asked of it at the time of the scrape, for all connections of the store\n\
         and not only those of this process, in a dozen statements; scrapes within a second share one answer. Counters begin with the\n\
         process. `class` is the urgency of work (`urgent`, `new_customer`, `document`, `edit`, `audit`, `backfill`).\n\n\
         | metric | type | labels | meaning |\n|---|---|---|---|\n",
    );
    for metric in Metric::ALL {
        let Definition { name, kind, labels, help } = metric.definition();
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing into a string does not fail.
        let _ = writeln!(page, "| `{name}` | {} | {} | {help} |", kind.name(), labels.join(", "));
    }
    page.push_str(ALERTS);
    page
}

const ALERTS: &str = "\nWorth an alarm:\n\n\
    - `mlc_store_up == 0`, or no answer at all\n\
    - `sum by (connection) (mlc_lease_held) == 0`: nobody works on a connection\n\
    - `mlc_stream_polled_age_seconds > 3600`: the other side does not answer, or refuses us\n\
    - `mlc_inbox_oldest_age_seconds > 600`: webhooks come and nobody looks into them\n\
    - `rate(mlc_webhooks_total{result=\"rejected\"}[5m]) > 0`: a password is wrong, and the CRM bans webhooks that fail\n\
    - `increase(mlc_holds_open[1d]) > 0`: somebody is asked\n\
    - `mlc_writes_in_doubt > 0` for an hour; `mlc_crm_budget_exhausted == 1`\n\
    - `mlc_alerts{state=\"waiting\"} > 0` for half an hour: whoever is to be told of all this does not listen\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_escaped() {
        let mut page = Exposition::default();
        page.add(Metric::LeaseOwner, &["a\"b\\c\nd", "process 1"], 1);
        let text = page.to_string();
        assert!(
            text.ends_with("mlc_lease_owner_info{connection=\"a\\\"b\\\\c\\nd\",owner=\"process 1\"} 1\n"),
            "{text}"
        );
    }

    #[test]
    fn names_are_unique_and_of_the_right_form() {
        let mut names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.definition().name).collect();
        for metric in Metric::ALL {
            let Definition { name, kind, labels, help } = metric.definition();
            let plain = |text: &str| text.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
            assert!(plain(name) && labels.iter().all(|label| plain(label)), "{name}");
            assert_eq!(kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(help.ends_with('.') && !help.contains('|'), "{name}: {help}");
            assert!(metrics_page().contains(&format!("| `{name}` |")), "{name} is not documented");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
