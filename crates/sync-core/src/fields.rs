//! The field table: what is mapped, how long it may be, who owns it, and what people call it.
//!
//! A field is one variant and one row. `Field::ALL` drives diffing, plans, journal and custom-field
//! provisioning; adapters match on `Field` without `_`, so that a new field cannot be forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// Values of mapped fields of one record. An absent key is an unset field.
pub type Values = BTreeMap<Field, Value>;

/// A mapped field of a customer / organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The company's name.
    Name,
    /// Its primary address.
    Address,
    /// Its web site.
    Website,
    /// Its telephone number.
    Phone,
    /// The ERP's party id: the origin key by which our creates are found again.
    ErpCustomerId,
    /// Numbers of all its AR accounts.
    AccountNumbers,
    /// Its tax id.
    TaxId,
    /// Whether the ERP still uses it.
    ErpStatus,
    /// Its D-U-N-S number.
    Duns,
    /// The e-mail address of the company, usually where invoices go.
    Email,
    /// The currency it prefers, ISO 4217.
    Currency,
}

/// Where an organization of the CRM keeps a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A field that every organization has.
    BuiltIn,
    /// A custom field of type varchar, created by us under this name if the company has none.
    Custom(&'static str),
}

/// Which side's value counts when the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The ERP's value is written to the CRM.
    Erp,
    /// The CRM's value is written to the ERP.
    Crm,
    /// The value of the side whose value we last saw change; a person is asked where that is unknown.
    Latest,
    /// The ERP's changes are written to the CRM; where the CRM was changed, a person is asked.
    Ask,
}

/// One row of the field table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The field.
    pub field: Field,
    /// Its name in plans, the journal and `--json`.
    pub key: &'static str,
    /// What people read.
    pub label: &'static str,
    /// Where the CRM keeps it.
    pub place: Place,
    /// Whether it is mapped unless configured otherwise.
    pub default: bool,
    /// The most characters the CRM takes. Names: UNVERIFIED, 255 to be safe (pipedrive.md 7).
    pub limit: usize,
}

const fn row(field: Field, key: &'static str, label: &'static str, place: Place) -> Row {
    Row { field, key, label, place, default: true, limit: 255 }
}

const fn opt_in(field: Field, key: &'static str, label: &'static str, place: Place) -> Row {
    Row { default: false, ..row(field, key, label, place) }
}

/// The table, in the order in which people see it. Five custom fields of the twelve that our default set may use.
pub const TABLE: [Row; 11] = [
    row(Field::Name, "name", "Name", Place::BuiltIn),
    row(Field::Address, "address", "Address", Place::BuiltIn),
    row(Field::Website, "website", "Website", Place::BuiltIn),
    row(Field::Phone, "phone", "Phone", Place::Custom("ERP phone")),
    row(Field::ErpCustomerId, "erp_customer_id", "ERP customer id", Place::Custom("ERP customer id")),
    row(
        Field::AccountNumbers,
        "account_numbers",
        "ERP account numbers",
        Place::Custom("ERP account numbers"),
    ),
    row(Field::TaxId, "tax_id", "Tax id", Place::Custom("ERP tax id")),
    row(Field::ErpStatus, "erp_status", "ERP status", Place::Custom("ERP status")),
    opt_in(Field::Duns, "duns", "D-U-N-S number", Place::Custom("ERP D-U-N-S number")),
    opt_in(Field::Email, "email", "E-mail", Place::Custom("ERP e-mail")),
    opt_in(Field::Currency, "currency", "Currency", Place::Custom("ERP currency")),
];

impl Field {
    /// Every field, in table order.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Address,
        Self::Website,
        Self::Phone,
        Self::ErpCustomerId,
        Self::AccountNumbers,
        Self::TaxId,
        Self::ErpStatus,
        Self::Duns,
        Self::Email,
        Self::Currency,
    ];

    /// Its row of the table.
    #[must_use]
    pub fn row(self) -> &'static Row {
        match self {
            Self::Name => &TABLE[0],
            Self::Address => &TABLE[1],
            Self::Website => &TABLE[2],
            Self::Phone => &TABLE[3],
            Self::ErpCustomerId => &TABLE[4],
            Self::AccountNumbers => &TABLE[5],
            Self::TaxId => &TABLE[6],
            Self::ErpStatus => &TABLE[7],
            Self::Duns => &TABLE[8],
            Self::Email => &TABLE[9],
            Self::Currency => &TABLE[10],
        }
    }

    /// Its name in plans, the journal and `--json`.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.row().key
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.row().label)
    }
}

/// The fields that one connection maps, and whose value counts for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldTable(BTreeMap<Field, Owner>);

impl Default for FieldTable {
    /// The default set, owned by the ERP.
    fn default() -> Self {
        let rows = TABLE.iter().filter(|row| row.default);
        Self(rows.map(|row| (row.field, Owner::Erp)).collect())
    }
}

impl FieldTable {
    /// Maps this field too, or gives it another owner.
    #[must_use]
    pub fn with(mut self, field: Field, owner: Owner) -> Self {
        self.0.insert(field, owner);
        self
    }

    /// Whether the field is mapped.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.0.contains_key(&field)
    }

    /// The mapped fields with their owners, in table order.
    pub fn rules(&self) -> impl Iterator<Item = (Field, Owner)> + '_ {
        self.0.iter().map(|(field, owner)| (*field, *owner))
    }

    /// The mapped fields, in table order.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.0.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_own_row() {
        for (field, row) in Field::ALL.into_iter().zip(&TABLE) {
            assert_eq!(field, row.field);
            assert_eq!(field.row().field, field);
            assert_eq!(serde_json::to_value(field).unwrap(), row.key);
        }
    }

    #[test]
    fn the_default_set_leaves_room_for_the_customers_own_custom_fields() {
        let custom = FieldTable::default()
            .fields()
            .filter(|field| matches!(field.row().place, Place::Custom(_)))
            .count();
        assert!(custom <= 12, "Lite has 30 custom fields, the customer's own included");
    }
}
