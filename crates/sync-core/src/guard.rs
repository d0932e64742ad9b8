//! The mass guard (architecture section 7): a wave of writes that is larger than daily work brings is held, record by
//! record, until a person lets it pass. A wrong filter, a lost permission or a bulk update must not run through at night.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    fields::{Field, Values},
    plan::{Change, Plan, Step},
    policy::Life,
    value::Value,
};

/// How many writes of a kind pass within a while without being asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guard {
    /// Writes that lie farther back no longer count.
    pub window: SignedDuration,
    /// New organizations; none if they are not counted.
    pub creates: Option<u64>,
    /// Changed organizations, in thousandths of all that have a customer; none if they are not counted.
    pub updates_per_mille: Option<u64>,
    /// Organizations whose customer is no longer in use; none if they are not counted.
    pub deactivations: Option<u64>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            window: SignedDuration::from_hours(1),
            creates: Some(500),
            updates_per_mille: Some(100),
            deactivations: Some(5),
        }
    }
}

/// Of few organizations every one may change at once.
const FEWEST_UPDATES: u64 = 50;

/// What a write adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wave {
    /// New organizations.
    Creates,
    /// Changed organizations, their relations included.
    Updates,
    /// Organizations whose customer is no longer in use.
    Deactivations,
}

impl Wave {
    /// What people read.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Creates => "new organizations",
            Self::Updates => "changed organizations",
            Self::Deactivations => "organizations whose customer is no longer in use",
        }
    }

    /// What a plan adds to; none if it writes nothing.
    #[must_use]
    pub fn of(plan: &Plan) -> Option<Self> {
        match plan.steps.first()? {
            Step::Create { .. } => Some(Self::Creates),
            Step::Update { changes, .. } => {
                let status = changes.iter().find(|change| change.field == Field::ErpStatus);
                Some(Self::of_update(status.and_then(|Change { new, .. }| new.as_ref())))
            }
            Step::Relate { .. } | Step::Unrelate { .. } => Some(Self::Updates),
            Step::Bind { .. } | Step::Forget { .. } => None,
        }
    }

    /// What an update was, by what it made of an organization.
    #[must_use]
    pub fn of_written(before: &Values, after: &Values) -> Self {
        let status = |values: &Values| values.get(&Field::ErpStatus).cloned();
        let changed = status(after).filter(|after| Some(after) != status(before).as_ref());
        Self::of_update(changed.as_ref())
    }

    fn of_update(status: Option<&Value>) -> Self {
        let ended = status.is_some_and(|status| status.text() != Life::Active.label());
        if ended { Self::Deactivations } else { Self::Updates }
    }
}

impl Guard {
    /// How many writes of this kind pass while so many organizations have a customer; none if any number does.
    #[must_use]
    pub fn limit(&self, wave: Wave, pairs: u64) -> Option<u64> {
        match wave {
            Wave::Creates => self.creates,
            Wave::Updates => self.updates_per_mille.map(|share| (pairs * share / 1000).max(FEWEST_UPDATES)),
            Wave::Deactivations => self.deactivations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{budget::Class, ids::OrgId, ids::PartyId, plan::Rule};

    fn update(field: Field, new: &str) -> Plan {
        let changes = vec![Change { field, old: None, new: Some(Value::Text(new.to_owned())) }];
        Plan {
            party: PartyId(1),
            steps: vec![Step::Update { org: OrgId(1), changes }],
            reason: String::new(),
            rule: Rule::ErpOwnsField,
            class: Class::Edit,
            then_hold: None,
        }
    }

    #[test]
    fn a_customer_that_ends_is_more_than_a_change() {
        assert_eq!(Wave::of(&update(Field::Name, "Inactive")), Some(Wave::Updates));
        assert_eq!(Wave::of(&update(Field::ErpStatus, "Inactive")), Some(Wave::Deactivations));
        assert_eq!(Wave::of(&update(Field::ErpStatus, "Active")), Some(Wave::Updates));
        let said = |status: &str| Values::from([(Field::ErpStatus, Value::Text(status.to_owned()))]);
        assert_eq!(Wave::of_written(&said("Active"), &said("Deleted")), Wave::Deactivations);
        assert_eq!(Wave::of_written(&said("Deleted"), &said("Deleted")), Wave::Updates);
        assert_eq!(Wave::of_written(&said("Deleted"), &said("Active")), Wave::Updates);
    }

    #[test]
    fn a_share_of_few_is_no_obstacle() {
        let guard = Guard::default();
        assert_eq!(guard.limit(Wave::Updates, 10), Some(50));
        assert_eq!(guard.limit(Wave::Updates, 10_000), Some(1_000));
        assert_eq!(guard.limit(Wave::Creates, 0), Some(500));
        assert_eq!(Guard { deactivations: None, ..guard }.limit(Wave::Deactivations, 0), None);
    }
}
