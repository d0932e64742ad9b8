//! What expressions read of parties beside what we always read: attributes, also those that a customer added
//! (`OrganizationDEO_..._c`), and children such as addresses and flexfields (oracle-fusion.md 1.2, 4.2).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Children of a party (1.2). All others are attributes.
const CHILDREN: [&str; 9] = [
    "AdditionalIdentifier",
    "AdditionalName",
    "Address",
    "ContactPoint",
    "CustomerClassification",
    "OrganizationInformation",
    "Relationship",
    "SourceSystemReference",
    "UsageAssignment",
];

/// The flexfields of a party: a child with one row, read as if they were attributes of it.
const FLEXFIELDS: &str = "OrganizationInformation";

/// What is read beside our own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extra {
    attributes: BTreeSet<String>,
    children: BTreeSet<String>,
}

impl Extra {
    pub(crate) fn of(names: BTreeSet<String>) -> Self {
        let (children, attributes) = names.into_iter().partition(|name| CHILDREN.contains(&name.as_str()));
        Self { attributes, children }
    }

    /// The attributes, none of them a child.
    pub(crate) fn attributes(&self) -> Vec<&str> {
        self.attributes.iter().map(String::as_str).collect()
    }

    /// Whether children are read: then all attributes come with them.
    pub(crate) fn expands(&self) -> bool {
        !self.children.is_empty()
    }

    /// The children, as `expand=` wants them.
    pub(crate) fn children(&self) -> Option<String> {
        let children: Vec<&str> = self.children.iter().map(String::as_str).collect();
        self.expands().then(|| children.join(","))
    }

    /// These attributes and ours, as `fields=` wants them.
    pub(crate) fn fields(&self, always: &str) -> String {
        let known: Vec<&str> = always.split(',').collect();
        let more = self.attributes.iter().map(String::as_str).filter(|name| !known.contains(name));
        known.iter().copied().chain(more).collect::<Vec<_>>().join(",")
    }

    /// What a party says of it. A child is a list of rows, whichever form the framework gave it (4.4); flexfields are
    /// their one row.
    pub(crate) fn of_party(&self, item: &Value) -> Map<String, Value> {
        let mut record = Map::new();
        for name in &self.attributes {
            record.extend(item.get(name).map(|value| (name.clone(), value.clone())));
        }
        for name in &self.children {
            let child = item.get(name);
            let rows = child.and_then(|child| child.get("items").unwrap_or(child).as_array());
            let rows = rows.cloned().unwrap_or_default();
            let value = if name == FLEXFIELDS {
                rows.into_iter().next().unwrap_or(Value::Null)
            } else {
                Value::Array(rows)
            };
            record.insert(name.clone(), value);
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn extra(names: &[&str]) -> Extra {
        Extra::of(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn attributes_are_asked_for_once_and_children_bring_everything() {
        let extra_attributes = extra(&["PartyId", "EmployeesTotal"]);
        assert_eq!(extra_attributes.fields("PartyId,Status"), "PartyId,Status,EmployeesTotal");
        assert_eq!(extra_attributes.children(), None);
        let children = extra(&["Address", "EmployeesTotal", "ContactPoint"]);
        assert_eq!(children.children().as_deref(), Some("Address,ContactPoint"));
    }

    #[test]
    fn children_are_lists_and_flexfields_a_row() {
        let item = json!({
            "EmployeesTotal": 7,
            "Address": {"items": [{"City": "Espoo"}], "count": 1},
            "ContactPoint": [{"RawPhoneNumber": "1"}],
            "OrganizationInformation": {"items": [{"region": "EMEA"}]},
        });
        let names = [
            "EmployeesTotal",
            "Address",
            "ContactPoint",
            "OrganizationInformation",
            "UsageAssignment",
            "Gone",
        ];
        let record = extra(&names).of_party(&item);
        assert_eq!(record["Address"][0]["City"], "Espoo");
        assert_eq!(record["ContactPoint"][0]["RawPhoneNumber"], "1");
        assert_eq!(record["OrganizationInformation"]["region"], "EMEA");
        assert_eq!(record["UsageAssignment"], json!([]));
        assert!(!record.contains_key("Gone"), "what is not there is told by the expression that reads it");
    }
}
