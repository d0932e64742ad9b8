//! Faults on purpose: a plan of rules, each with the requests it hits, what it does to them and how often.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Answers with this status instead of doing anything.
    Status {
        /// HTTP status.
        status: u16,
        /// The body, sent as it is.
        #[serde(default)]
        body: String,
        /// Media type of the body; JSON when left out.
        #[serde(default)]
        content_type: Option<String>,
        /// `Retry-After`, in seconds or as a date.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// Answers with an HTML page, as gateways and maintenance pages do.
    Html {
        /// HTTP status.
        status: u16,
    },
    /// Closes the connection without doing anything.
    DropBefore,
    /// Does what was asked, then closes the connection without an answer.
    DropAfter,
    /// Does what was asked, then answers with this status and an empty body.
    StatusAfter {
        /// HTTP status, such as 502.
        status: u16,
    },
    /// Lets time pass before it does what was asked; a virtual clock is moved.
    Delay {
        /// How long, in milliseconds.
        millis: u32,
    },
    /// Cuts the body of the answer short; the HTTP message itself is well-formed.
    Truncate {
        /// Bytes that remain.
        bytes: usize,
    },
}

/// One rule: which requests, what, how often. The first rule that matches and fires decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// HTTP method in capitals; any when left out.
    #[serde(default)]
    pub method: Option<String>,
    /// What the path has to contain; empty for every path.
    #[serde(default)]
    pub path: String,
    /// What goes wrong.
    pub effect: Fault,
    /// How likely a matching request is hit, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// How many matching requests pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many requests are hit at most; without limit when left out.
    #[serde(default)]
    pub times: Option<u32>,
}

fn always() -> f64 {
    1.0
}

impl FaultRule {
    /// A rule for every request whose path contains `path`, without limit.
    pub fn on(path: &str, effect: Fault) -> Self {
        Self { method: None, path: path.to_owned(), effect, probability: 1.0, skip: 0, times: None }
    }

    /// Narrows the rule to one method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Limits how many requests are hit.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Sets how likely a matching request is hit.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && path.contains(&self.path)
    }
}

/// The fault plan of one simulator. Clones share it.
#[derive(Clone, Debug)]
pub struct Faults {
    inner: Arc<Mutex<Plan>>,
}

#[derive(Debug)]
struct Plan {
    rules: Vec<FaultRule>,
    rng: fastrand::Rng,
    /// How many requests were hit.
    hits: u64,
}

impl Faults {
    /// An empty plan whose dice come from `seed`.
    pub fn new(seed: u64) -> Self {
        let plan = Plan { rules: Vec::new(), rng: fastrand::Rng::with_seed(seed), hits: 0 };
        Self { inner: Arc::new(Mutex::new(plan)) }
    }

    /// Replaces all rules.
    pub fn set(&self, rules: Vec<FaultRule>) {
        self.lock().rules = rules;
    }

    /// Adds a rule behind the others.
    pub fn add(&self, rule: FaultRule) {
        self.lock().rules.push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// The rules with what is left of their limits.
    pub fn rules(&self) -> Vec<FaultRule> {
        self.lock().rules.clone()
    }

    /// How many requests were hit since the start.
    pub fn hits(&self) -> u64 {
        self.lock().hits
    }

    /// Decides about one request and counts the limits down.
    pub(crate) fn strike(&self, method: &str, path: &str) -> Option<Fault> {
        let mut plan = self.lock();
        let Plan { rules, rng, hits } = &mut *plan;
        for rule in rules.iter_mut().filter(|rule| rule.matches(method, path)) {
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.times == Some(0) || rng.f64() >= rule.probability {
                continue;
            }
            if let Some(times) = &mut rule.times {
                *times -= 1;
            }
            *hits += 1;
            return Some(rule.effect.clone());
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
