//! `[connection.fields]`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sync_core::fields::{self, Field, FieldTable};

use super::ConfigError;
use super::diagnose::At;

/// What is mapped from customers to organizations, and whose value counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// Fields to map beside the default set: any of `duns`, `email`, `currency`. Each takes one custom field of the
    /// Pipedrive company. Default `[]`.
    pub more: Vec<String>,

    /// Whose value counts, by field: `erp` (the ERP's is written to Pipedrive) or `ask` (a person decides where
    /// Pipedrive was edited), for example `{ phone = "ask" }`. Default: `erp` for every field.
    pub owner: BTreeMap<String, Owner>,
}

/// Whose value of a field counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The ERP's value is written to Pipedrive.
    Erp,
    /// Pipedrive's value would be written to the ERP; refused until edits flow back there.
    Crm,
    /// The value changed last would be written to the other side; refused until edits flow back to the ERP.
    Latest,
    /// The ERP's changes are written; where Pipedrive was edited, a person decides.
    Ask,
}

impl Fields {
    pub(super) fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { more, owner } = self;
        for (index, key) in more.iter().enumerate() {
            if opt_in(key).is_none() {
                let keys: Vec<&str> =
                    fields::TABLE.iter().filter(|row| !row.default).map(|row| row.key).collect();
                return Err(at.key("more").index(index).fail(
                    format!("{key} is no field to be mapped beside the default set"),
                    format!("there are: {}", keys.join(", ")),
                ));
            }
        }
        let table = self.table();
        for (key, owner) in owner {
            let at = at.key("owner").key(key);
            if named(key).is_none_or(|field| !table.has(field)) {
                let keys: Vec<&str> = table.fields().map(Field::key).collect();
                return Err(at.fail(
                    format!("{key} is no field that is mapped"),
                    format!("mapped are: {}", keys.join(", ")),
                ));
            }
            match owner {
                Owner::Erp | Owner::Ask => {}
                Owner::Crm | Owner::Latest => {
                    return Err(at.fail(
                        "edits in Pipedrive do not flow back to the ERP yet, and this field is stored there",
                        "write \"erp\", or \"ask\" to decide case by case",
                    ));
                }
            }
        }
        if named("erp_customer_id").is_some_and(|_| owner.contains_key("erp_customer_id")) {
            return Err(at.key("owner").key("erp_customer_id").fail(
                "the ERP customer id is how our organizations are found again",
                "leave it to the ERP: remove this key",
            ));
        }
        Ok(())
    }

    /// The table that follows.
    pub fn table(&self) -> FieldTable {
        let more = self.more.iter().filter_map(|key| opt_in(key));
        let table = more.fold(FieldTable::default(), |table, field| table.with(field, fields::Owner::Erp));
        let owners = self.owner.iter().filter_map(|(key, owner)| Some((named(key)?, *owner)));
        owners.fold(table, |table, (field, owner)| {
            let owner = match owner {
                Owner::Erp => fields::Owner::Erp,
                Owner::Crm => fields::Owner::Crm,
                Owner::Latest => fields::Owner::Latest,
                Owner::Ask => fields::Owner::Ask,
            };
            if table.has(field) { table.with(field, owner) } else { table }
        })
    }
}

fn named(key: &str) -> Option<Field> {
    Field::ALL.into_iter().find(|field| field.key() == key)
}

fn opt_in(key: &str) -> Option<Field> {
    named(key).filter(|field| !field.row().default)
}
