//! A party and an organization that are the same company, and what each side looked like when we last saw it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    fields::{Field, Values},
    ids::{OrgId, PartyId},
    value::{Value, same},
};

/// A pair and its mirrors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The party.
    pub party: PartyId,
    /// The organization.
    pub org: OrgId,
    /// What the ERP said, mapped, when we last wrote or found agreement.
    pub erp_mirror: Values,
    /// What the CRM said in the last answer we had from it.
    pub crm_mirror: Values,
    /// What we wrote and what became of it, per field.
    pub written: BTreeMap<Field, Written>,
}

/// The last value that we wrote to a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The value sent; absent means cleared.
    pub value: Option<Value>,
    /// What the answer said the field is now. Differs from `value` when the remote system keeps its own form.
    pub became: Option<Value>,
    /// How often in a row this value was written (law 3: never a third time).
    pub times: u8,
}

impl Pair {
    /// Whether the CRM's `actual` value is the form it gave to what we wrote last, and that is still `desired`.
    #[must_use]
    pub fn is_remote_form(&self, field: Field, desired: Option<&Value>, actual: Option<&Value>) -> bool {
        self.written
            .get(&field)
            .is_some_and(|last| same(last.value.as_ref(), desired) && same(last.became.as_ref(), actual))
    }

    /// How often in a row `desired` was written to `field`.
    #[must_use]
    pub fn times_written(&self, field: Field, desired: Option<&Value>) -> u8 {
        match self.written.get(&field) {
            Some(last) if same(last.value.as_ref(), desired) => last.times,
            Some(_) | None => 0,
        }
    }
}

/// Adds the writes of one answered request to the memory of what was written.
pub fn remember(
    written: &mut BTreeMap<Field, Written>,
    sent: impl IntoIterator<Item = (Field, Option<Value>)>,
    answer: &Values,
) {
    for (field, value) in sent {
        let times = match written.get(&field) {
            Some(last) if same(last.value.as_ref(), value.as_ref()) => last.times.saturating_add(1),
            Some(_) | None => 1,
        };
        written.insert(field, Written { value, became: answer.get(&field).cloned(), times });
    }
}
