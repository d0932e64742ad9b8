//! Mappings as the console's form shows them, and the settings that say the same.

use serde::Deserialize as _;
use sync_core::fields::{self, Place};
use sync_web::setup::mapping::{Known, Mapping, Own};
use toml_edit::{ArrayOfTables, InlineTable, Item, Table, Value, value};

use crate::config::{Fields, OwnType, Owner, StoredError, StoredText};

/// The only field whose owner cannot be chosen: it is how our organizations are found again.
const ID: &str = "erp_customer_id";

/// The mapping of a text; that of nothing where it is none.
#[must_use]
pub fn read(text: &str) -> Mapping {
    let table = text.parse::<toml::Table>().ok();
    let connection =
        table.as_ref().and_then(|table| table.get("connection")?.as_array()?.first()?.as_table());
    let fields = connection.and_then(|connection| connection.get("fields")).cloned();
    let fields = fields.and_then(|fields| Fields::deserialize(fields).ok()).unwrap_or_default();
    let known = fields::TABLE.iter().filter_map(|row| {
        let place = match row.place {
            Place::Custom(name) => format!("custom field {name}"),
            Place::BuiltIn if row.default => "a field of its own".to_owned(),
            // Told of by the policy about customers that end, not by the mapping.
            Place::BuiltIn => return None,
        };
        let owner = fields.owner.get(row.key).map_or("erp", |owner| told(*owner));
        Some(Known {
            key: row.key.to_owned(),
            label: row.label.to_owned(),
            place,
            always: row.default,
            mapped: row.default || fields.more.iter().any(|key| key == row.key),
            owner: owner.to_owned(),
            is_open: row.key != ID,
        })
    });
    let own = fields.own.iter().map(|own| Own {
        id: own.id.clone(),
        name: own.name.clone(),
        expression: own.expression.clone(),
        kind: kind(own.r#type).to_owned(),
        currency: own.currency.clone().unwrap_or_default(),
        owner: told(own.owner).to_owned(),
    });
    Mapping { known: known.collect(), own: own.collect() }
}

fn told(owner: Owner) -> &'static str {
    match owner {
        Owner::Erp => "erp",
        Owner::Crm => "crm",
        Owner::Latest => "latest",
        Owner::Ask => "ask",
    }
}

fn kind(kind: OwnType) -> &'static str {
    match kind {
        OwnType::Text => "text",
        OwnType::LongText => "long_text",
        OwnType::Number => "number",
        OwnType::Date => "date",
        OwnType::Money => "money",
        OwnType::Option => "option",
        OwnType::Options => "options",
        OwnType::Phone => "phone",
    }
}

/// The text with this mapping; what it says beside is left as it is, comments too.
///
/// # Errors
/// When it is no text of one connection.
pub fn write(text: &str, mapping: &Mapping) -> Result<String, StoredError> {
    let mut text = StoredText::read(text)?;
    let more = mapping.known.iter().filter(|known| !known.always && known.mapped);
    let more: toml_edit::Array = more.map(|known| known.key.as_str()).collect();
    text.set(&["fields", "more"], (!more.is_empty()).then(|| more.into()));
    let mut owners = InlineTable::new();
    for known in mapping.known.iter().filter(|known| known.mapped && known.owner != "erp") {
        owners.insert(&known.key, known.owner.as_str().into());
    }
    text.set(&["fields", "owner"], (!owners.is_empty()).then(|| owners.into()));
    if let Some(fields) = text.table_mut().and_then(|table| table.get_mut("fields")?.as_table_mut()) {
        own(fields, &mapping.own);
        if fields.is_empty() {
            text.set(&["fields"], None);
        }
    }
    Ok(text.text())
}

/// Those that are there are changed where they stand.
fn own(fields: &mut Table, own: &[Own]) {
    let before = fields.remove("own").and_then(|item| item.into_array_of_tables().ok()).unwrap_or_default();
    let mut after = ArrayOfTables::new();
    for one in own {
        let is = |table: &&Table| table.get("id").and_then(Item::as_str) == Some(one.id.as_str());
        let mut table = before.iter().find(is).cloned().unwrap_or_default();
        let mut set = |key: &str, text: &str, unless: &str| {
            let is = table.get(key).and_then(Item::as_str);
            if text == unless {
                table.remove(key);
            } else if is != Some(text) {
                table.insert(key, value(Value::from(text)));
            }
        };
        set("id", &one.id, "");
        set("name", &one.name, "");
        set("expression", &one.expression, "");
        set("type", &one.kind, "text");
        set("currency", &one.currency, "");
        set("owner", &one.owner, "erp");
        after.push(table);
    }
    if !after.is_empty() {
        fields.insert("own", Item::ArrayOfTables(after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"[[connection]]
name = "acme"

[connection.fields] # what sales wants to see
more = ["duns"]
owner = { phone = "ask" }

# asked for by Ada
[[connection.fields.own]]
id = "size"
name = "Size"
expression = 'OrganizationSize'
type = "number"

[[connection.fields.own]]
id = "old"
name = "Old"
expression = 'Status'

[connection.sync]
poll_every = "10m"
"#;

    #[test]
    fn what_is_read_and_written_again_is_the_same_text() {
        let mapping = read(TEXT);
        let known = |key: &str| mapping.known.iter().find(|known| known.key == key).expect(key);
        assert!(known("name").always && known("duns").mapped && !known("email").mapped);
        assert_eq!((known("phone").owner.as_str(), known(ID).is_open), ("ask", false));
        assert!(mapping.known.iter().all(|known| known.key != "labels"));
        assert_eq!(mapping.own.iter().map(|own| own.id.as_str()).collect::<Vec<_>>(), ["size", "old"]);
        assert_eq!(write(TEXT, &mapping).expect("a text"), TEXT);
    }

    #[test]
    fn a_change_leaves_everything_else_as_it_stands() {
        let mut mapping = read(TEXT);
        mapping.own.remove(1);
        mapping.own[0].expression = "OrganizationSize | round(0)".to_owned();
        mapping.own.push(Own {
            id: "new".to_owned(),
            name: "New".to_owned(),
            expression: r#"Status ~ "x""#.to_owned(),
            kind: "text".to_owned(),
            owner: "ask".to_owned(),
            ..Own::default()
        });
        for known in &mut mapping.known {
            known.mapped |= known.key == "email";
            known.owner = "erp".to_owned();
        }
        let text = write(TEXT, &mapping).expect("a text");
        assert_eq!(read(&text), mapping);
        assert!(text.contains("# asked for by Ada") && text.contains("poll_every = \"10m\""), "{text}");
        assert!(!text.contains("Old") && !text.contains("owner = {"), "{text}");
    }

    #[test]
    fn nothing_beside_the_default_leaves_no_trace() {
        let bare = "[[connection]]\nname = \"acme\"\n";
        assert_eq!(write(bare, &read(bare)).expect("a text"), bare);
        let mut mapping = read(TEXT);
        mapping.own.clear();
        for known in &mut mapping.known {
            known.mapped = known.always;
            known.owner = "erp".to_owned();
        }
        assert!(!write(TEXT, &mapping).expect("a text").contains("fields"));
    }
}
