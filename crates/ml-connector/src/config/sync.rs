//! `[connection.sync]`

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sync_core::guard;

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

    /// Time between two polls of the CRM; four times as long while webhooks work. A duration of 1s or more.
    /// Default `"15m"`.
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

    /// How many writes pass within a while without being asked about; what comes after is held (`mass_change`) until a
    /// person lets it pass. What `apply` and `sync --customer` write was approved and is not held. Default: see below.
    pub guard: Guard,

    /// Records worked on at a time, 1 to 500. Default `200`.
    #[schemars(range(min = 1, max = 500))]
    pub batch: u32,
}

/// The mass guard: a wrong filter, a lost permission or a bulk update must not run through at night.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// Writes that lie farther back no longer count. A duration of 1m or more. Default `"1h"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub window: SignedDuration,

    /// New organizations; 0 for any number. Default `500`.
    pub creates: u32,

    /// Changed organizations, as a share of those that have a customer, 0.0 to 1.0 (but at least 50); 0 for any number.
    /// Default `0.1`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub update_share: f64,

    /// Organizations whose customer is no longer in use; 0 for any number. Default `5`.
    pub deactivations: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self { window: SignedDuration::from_hours(1), creates: 500, update_share: 0.1, deactivations: 5 }
    }
}

impl Guard {
    fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { window, creates: _, update_share, deactivations: _ } = self;
        let longest = SignedDuration::from_hours(24 * 365);
        duration::within(*window, SignedDuration::from_mins(1), longest, &at.key("window"))?;
        if (0.0..=1.0).contains(update_share) {
            return Ok(());
        }
        let told = format!("{update_share} is outside 0.0 to 1.0");
        Err(at.key("update_share").fail(told, "write a share such as 0.1 for a tenth, or 0 for any number"))
    }

    /// As the engine counts.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    pub fn policy(&self) -> guard::Guard {
        let some = |number: u64| (number > 0).then_some(number);
        guard::Guard {
            window: self.window,
            creates: some(self.creates.into()),
            updates_per_mille: some((self.update_share * 1000.0).ceil() as u64),
            deactivations: some(self.deactivations.into()),
        }
    }
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
            guard: Guard::default(),
            batch: 200,
        }
    }
}

impl Sync {
    pub(super) fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { poll_every, overlap, safety, crm_poll_every, sweep_every, settle, margin, guard, batch } =
            self;
        guard.check(&at.key("guard"))?;
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
