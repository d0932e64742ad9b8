//! `[connection.sync]`

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnose::At;
use super::duration::{self, Duration};
use super::{ConfigError, check};

/// How often the two sides are looked at, and how careful the connector is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sync {
    /// Time between two polls of the ERP. A duration of 1s or more. Default `"5m"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub poll_every: SignedDuration,

    /// How far a poll reaches back behind what the last one saw, for records the ERP committed late. A duration of
    /// 0s or more. Default `"10m"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub overlap: SignedDuration,

    /// How far a poll stays behind the server's clock. A duration of 0s or more. Default `"1s"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub safety: SignedDuration,

    /// Time between two polls of the CRM. A duration of 1s or more. Default `"15m"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub crm_poll_every: SignedDuration,

    /// Time between two complete walks over both sides, which find what no poll shows. A duration of 1s or more.
    /// Default `"24h"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub sweep_every: SignedDuration,

    /// After this time a created record is surely found by a look-up (search indexes lag). A duration of 0s or
    /// more. Default `"60s"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub settle: SignedDuration,

    /// Added to the timeout of a request to get the time after which it takes effect never more. A duration of 0s
    /// or more. Default `"60s"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub margin: SignedDuration,

    /// Records worked on at a time, 1 to 500. Default `200`.
    #[schemars(range(min = 1, max = 500))]
    pub batch: u32,
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            poll_every: SignedDuration::from_mins(5),
            overlap: SignedDuration::from_mins(10),
            safety: SignedDuration::from_secs(1),
            crm_poll_every: SignedDuration::from_mins(15),
            sweep_every: SignedDuration::from_hours(24),
            settle: SignedDuration::from_secs(60),
            margin: SignedDuration::from_secs(60),
            batch: 200,
        }
    }
}

impl Sync {
    pub(super) fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { poll_every, overlap, safety, crm_poll_every, sweep_every, settle, margin, batch } = self;
        // A year: whoever writes more has mistaken the unit.
        let longest = SignedDuration::from_hours(24 * 365);
        for (key, value, shortest) in [
            ("poll_every", poll_every, 1),
            ("overlap", overlap, 0),
            ("safety", safety, 0),
            ("crm_poll_every", crm_poll_every, 1),
            ("sweep_every", sweep_every, 1),
            ("settle", settle, 0),
            ("margin", margin, 0),
        ] {
            duration::within(*value, SignedDuration::from_secs(shortest), longest, &at.key(key))?;
        }
        check::within(*batch, 1..=500, &at.key("batch"))
    }
}
