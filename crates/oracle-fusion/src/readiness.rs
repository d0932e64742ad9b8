//! Whether customers could be created on a pod, as far as reads tell: what is set up for it, and what is there already.
//! Beside the source system (`soap/source_systems.rs`) all of it is read of what the pod has.

use saas_http::scalar::{int, text};
use serde_json::Value;
use sync_core::{
    ids::{PartyId, SetId},
    model::Seen,
    ports::{Called, Erp as _, PartyKey},
};

use crate::{api::set_assignments::ListSets, client::Fusion};

/// A reference data set that a business unit has for a group of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAssignment {
    /// The set.
    pub set: SetId,
    /// What people call it.
    pub code: Option<String>,
    /// The group of records, such as customer account sites.
    pub group: Option<String>,
}

/// Reference data sets of business units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAssignments {
    /// Those of the first page that could be read.
    pub rows: Vec<SetAssignment>,
    /// Whether there are others.
    pub more: bool,
}

impl SetAssignment {
    /// Whether it is about customer account sites. The group's code is not published: `HZ_CUSTOMER_ACCOUNT_SITE` in every
    /// source that names it, `Customer Account Site` on the screen.
    #[must_use]
    pub fn is_for_account_sites(&self) -> bool {
        let group = self.group.as_deref().unwrap_or_default().to_uppercase();
        group.contains("CUST") && group.contains("SITE")
    }
}

impl Fusion {
    /// The reference data sets of business units (one request: the first page).
    ///
    /// # Errors
    /// As every call.
    pub async fn set_assignments(&self) -> Called<SetAssignments> {
        let list = ListSets { api_version: self.api_version(), limit: self.page_size() };
        let answer = self.call(&list).await?.value;
        let rows: Vec<SetAssignment> = answer.items.iter().filter_map(assignment).collect();
        // What cannot be read may be the very one that is looked for.
        let more = answer.has_more || rows.len() < answer.items.len();
        Ok(SetAssignments { rows, more })
    }

    /// Whether addresses and usages of this party can be read, as each handover has to; no if the party is not shown.
    ///
    /// # Errors
    /// As every call.
    pub async fn shows_children(&self, party: PartyId) -> Called<bool> {
        let number = match self.party(&PartyKey::Id(party)).await? {
            Some(Seen::Record(party)) => party.number,
            Some(Seen::Malformed(_)) | None => return Ok(false),
        };
        self.addresses(&number).await?;
        sync_core::ports::ErpWrites::usages(self, &number).await?;
        Ok(true)
    }
}

fn assignment(item: &Value) -> Option<SetAssignment> {
    let said = |name: &str| text(name, item.get(name)).ok().flatten();
    let set = SetId(int("SetId", item.get("SetId")).ok()??);
    Some(SetAssignment { set, code: said("SetCode"), group: said("ReferenceGroupName") })
}
