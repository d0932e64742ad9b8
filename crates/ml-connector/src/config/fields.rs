//! `[connection.fields]`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sync_core::fields::{self, Field, FieldTable};

use super::diagnose::At;
use super::{ConfigError, OwnField};

/// What is mapped from customers to organizations, and whose value counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// Fields to map beside the default set: any of `duns`, `email`, `currency`, `account_class`, `payment_terms` and `parent`.
    /// Each takes one custom field of the Pipedrive company. `account_class` and `payment_terms` take one SOAP request to the
    /// ERP each for every account, at first and again at each `sweep_every`; nothing is written before they were read once.
    /// `parent` shows the names of the parents and needs `hierarchy = true`. Default `[]`.
    pub more: Vec<String>,

    /// Fields of your own, one table each. Default `[]`.
    pub own: Vec<OwnField>,

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

impl Owner {
    pub(super) fn check(self, at: &At<'_>) -> Result<(), ConfigError> {
        match self {
            Self::Erp | Self::Ask => Ok(()),
            Self::Crm | Self::Latest => Err(at.fail(
                "edits in Pipedrive do not flow back to the ERP yet, and this field is stored there",
                "write \"erp\", or \"ask\" to decide case by case",
            )),
        }
    }

    pub(super) fn policy(self) -> fields::Owner {
        match self {
            Self::Erp => fields::Owner::Erp,
            Self::Crm => fields::Owner::Crm,
            Self::Latest => fields::Owner::Latest,
            Self::Ask => fields::Owner::Ask,
        }
    }
}

/// So many custom fields can be picked for a list (pipedrive.md 1.5); all that are mapped are read with every page.
const MOST_CUSTOM: usize = 15;

impl Fields {
    pub(super) fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { more, own, owner } = self;
        for (index, key) in more.iter().enumerate() {
            if opt_in(key).is_none() {
                let keys: Vec<&str> =
                    fields::TABLE.iter().map(|row| row.key).filter(|key| opt_in(key).is_some()).collect();
                return Err(at.key("more").index(index).fail(
                    format!("{key} is no field to be mapped beside the default set"),
                    format!("there are: {}", keys.join(", ")),
                ));
            }
        }
        for (index, field) in own.iter().enumerate() {
            let at = at.key("own").index(index);
            field.check(&at)?;
            let earlier = own.get(..index).unwrap_or_default();
            if earlier.iter().any(|other| other.id == field.id) {
                return Err(at
                    .key("key")
                    .fail(format!("the id {} is used twice", field.id), "give this field another id"));
            }
            let name = |name: &str| name.trim().to_lowercase();
            let ours = self.table().custom();
            let taken = ours.iter().filter(|custom| name(&custom.name) == name(&field.name)).count();
            if taken > 1 {
                return Err(at.key("name").fail(
                    format!("the custom field {} is already written by another field", field.name),
                    "give this field another name",
                ));
            }
        }
        let table = self.table();
        let custom = table.custom().len();
        if custom > MOST_CUSTOM {
            return Err(at.key("own").fail(
                format!("{custom} custom fields are mapped, {MOST_CUSTOM} are the most that Pipedrive lists at once"),
                "map fewer fields, or put several values into one with an expression",
            ));
        }
        for (key, owner) in owner {
            let at = at.key("owner").key(key);
            if named(key).is_none_or(|field| !table.has(field)) {
                let keys: Vec<&str> =
                    table.fields().map(|field| field.row().map_or("own", |row| row.key)).collect();
                return Err(at.fail(
                    format!("{key} is no field that is mapped"),
                    format!("mapped are: {}", keys.join(", ")),
                ));
            }
            owner.check(&at)?;
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
        let own = self.own.iter().filter_map(OwnField::definition);
        let table = own.fold(table, |table, (key, own, owner)| table.with_own(key, own, owner));
        let owners = self.owner.iter().filter_map(|(key, owner)| Some((named(key)?, *owner)));
        owners.fold(
            table,
            |table, (field, owner)| {
                if table.has(field) { table.with(field, owner.policy()) } else { table }
            },
        )
    }
}

fn named(key: &str) -> Option<Field> {
    Field::ALL.into_iter().find(|field| field.key() == key)
}

fn opt_in(key: &str) -> Option<Field> {
    let custom = |row: &fields::Row| !row.default && matches!(row.place, fields::Place::Custom(_));
    named(key).filter(|field| field.row().is_some_and(custom))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    /// The error of a configuration with these lines in `[connection.fields]`, and what stands at its place.
    fn refused(lines: &str) -> (String, String, String) {
        let text = include_str!("../commands/init.toml");
        let before = text.split("[connection.fields]").next().unwrap();
        let text = format!("{before}[connection.fields]\n{lines}\n");
        let error = Config::parse(&text, "test.toml").unwrap_err();
        let json = error.to_json();
        let (line, column) = error.line_column().unwrap();
        let rest: String = text.lines().nth(line - 1).unwrap().chars().skip(column - 1).take(12).collect();
        (json["error"]["message"].as_str().unwrap().to_owned(), error.remedy().to_owned(), rest)
    }

    fn accepted(lines: &str) -> Config {
        let text = include_str!("../commands/init.toml");
        let before = text.split("[connection.fields]").next().unwrap();
        Config::parse(&format!("{before}[connection.fields]\n{lines}\n"), "test.toml").unwrap()
    }

    #[test]
    fn own_fields_are_checked_when_they_are_loaded_and_errors_point_into_the_expression() {
        let own = |rest: &str| format!("[[connection.fields.own]]\nid = \"a\"\nname = \"A\"\n{rest}");
        let (message, help, place) = refused(&own("expression = 'Status ~ Name | uper'"));
        assert!(message.contains("uper"), "{message}");
        assert!(place.starts_with("uper"), "{place}");
        assert!(!help.is_empty());
        let (_, help, place) = refused(&own("expression = 'CreditLimit * 2'"));
        assert!(help.contains("times"), "{help}");
        assert!(place.starts_with('*'), "{place}");
        let (message, ..) = refused(&own("expression = 'A'\ntype = \"money\"\ncurrency = \"EURO\""));
        assert_eq!(message, "EURO is no currency");
        let (message, ..) = refused(&own("expression = 'A'\ncurrency = \"EUR\""));
        assert_eq!(message, "only an amount of money has a currency");
        let (message, ..) = refused(&own("expression = 'A'\nowner = \"crm\""));
        assert!(message.contains("do not flow back to the ERP yet"), "{message}");
        let twice = format!("{}\n{}", own("expression = 'A'"), own("expression = 'B'"));
        assert_eq!(refused(&twice).0, "the id a is used twice");
        let taken = "[[connection.fields.own]]\nid = \"a\"\nname = \"ERP status\"\nexpression = 'A'";
        assert!(refused(taken).0.contains("already written by another field"));
        let many = |n: usize| {
            format!("[[connection.fields.own]]\nid = \"f{n}\"\nname = \"F{n}\"\nexpression = 'A'\n")
        };
        assert!(refused(&(0..11).map(many).collect::<String>()).0.contains("16 custom fields are mapped"));
        let config = accepted(&(0..10).map(many).collect::<String>());
        assert_eq!(config.connections[0].fields.table().custom().len(), 15);
    }

    #[test]
    fn owners_are_known_and_edits_do_not_flow_back_yet() {
        assert!(refused("owner = { phone = \"latest\" }").0.contains("do not flow back"));
        assert!(refused("owner = { fax = \"ask\" }").0.contains("fax is no field that is mapped"));
        assert!(refused("owner = { duns = \"ask\" }").0.contains("duns is no field that is mapped"));
        assert!(refused("owner = { erp_customer_id = \"ask\" }").0.contains("found again"));
        assert!(refused("more = [\"name\"]").0.contains("name is no field to be mapped"));
        let config = accepted("more = [\"duns\"]\nowner = { phone = \"ask\", duns = \"ask\" }");
        let asked = config.connections[0].fields.table();
        let asked = asked.rules().filter(|(_, owner)| *owner == sync_core::fields::Owner::Ask).count();
        assert_eq!(asked, 2);
    }
}
