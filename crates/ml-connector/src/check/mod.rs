//! `check`: whether two real systems fit, and what to do where they do not.
//!
//! [`observe()`] looks and decides nothing; [`judge()`] decides and looks at nothing, so that every finding can be had from
//! a table; [`told`] says it to people.

mod finding;
mod judge;
mod observe;
mod readiness;
mod scopes;
mod show;
mod trouble;

pub use finding::{Finding, FirstLoad, HandoverForecast, Remedy, Report, Severity, Spent};
pub use judge::judge;
pub(crate) use judge::{days, for_looking};
pub use observe::{
    Asked, FusionSeen, GrantSeen, Means, Observed, PipedriveSeen, ResourceSeen, Unusable, observe,
};
pub use readiness::{CrmReady, DealsSeen, ErpReady};
pub use scopes::{Doing, missing as missing_scopes};
pub use show::told;
pub use trouble::{Cause, Trouble};
