//! The field table: what is mapped, how long it may be, who owns it, and what people call it.
//!
//! A field is one variant and one row. `Field::ALL` drives diffing, plans, journal and custom-field
//! provisioning; adapters match on `Field` without `_`, so that a new field cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use arrayvec::ArrayString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    expression::{Expression, ResultType},
    value::Value,
};

/// Values of mapped fields of one record. An absent key is an unset field.
pub type Values = BTreeMap<Field, Value>;

/// A mapped field of a customer / organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Classes of its AR accounts, by the ERP's own list.
    AccountClass,
    /// Payment terms of its AR accounts.
    PaymentTerms,
    /// Names of its parents by the ERP's relationships.
    Parent,
    /// Labels of its organization, of which ours say how the customer ended; mapped where a reaction asks for it.
    Labels,
    /// A field that the connection's owner defined.
    Own(OwnKey),
}

/// Name of a field that the connection's owner defined: `own.` and 1 to 32 of `a-z`, `0-9` and `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnKey(ArrayString<36>);

impl OwnKey {
    const PREFIX: &str = "own.";

    /// The key of this name; none if it is no name.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let good = (1..=32).contains(&name.len()) && name.chars().all(allowed);
        if !good {
            return None;
        }
        let mut key = ArrayString::new();
        key.push_str(Self::PREFIX);
        key.push_str(name);
        Some(Self(key))
    }

    /// As it is written, with its prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let key = std::borrow::Cow::<str>::deserialize(input)?;
        let own = || key.strip_prefix(OwnKey::PREFIX).and_then(OwnKey::new).map(Self::Own);
        let builtin = Self::ALL.into_iter().find(|field| field.key() == key);
        builtin.or_else(own).ok_or_else(|| serde::de::Error::custom(format_args!("{key} is no field")))
    }
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
pub const TABLE: [Row; 15] = [
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
    opt_in(Field::AccountClass, "account_class", "Account class", Place::Custom("ERP account class")),
    opt_in(Field::PaymentTerms, "payment_terms", "Payment terms", Place::Custom("ERP payment terms")),
    opt_in(Field::Parent, "parent", "Parent", Place::Custom("ERP parent")),
    opt_in(Field::Labels, "labels", "Labels", Place::BuiltIn),
];

impl Field {
    /// Every field, in table order.
    pub const ALL: [Self; 15] = [
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
        Self::AccountClass,
        Self::PaymentTerms,
        Self::Parent,
        Self::Labels,
    ];

    /// Its row of the table; none for an owner's own field.
    #[must_use]
    pub fn row(&self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.field == *self)
    }

    /// Its name in plans, the journal and `--json`.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::Website => "website",
            Self::Phone => "phone",
            Self::ErpCustomerId => "erp_customer_id",
            Self::AccountNumbers => "account_numbers",
            Self::TaxId => "tax_id",
            Self::ErpStatus => "erp_status",
            Self::Duns => "duns",
            Self::Email => "email",
            Self::Currency => "currency",
            Self::AccountClass => "account_class",
            Self::PaymentTerms => "payment_terms",
            Self::Parent => "parent",
            Self::Labels => "labels",
            Self::Own(key) => key.as_str(),
        }
    }

    /// What people read; an owner's own field goes by its key.
    #[must_use]
    pub fn label(&self) -> &str {
        self.row().map_or(self.key(), |row| row.label)
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.label())
    }
}

/// A field that the connection's owner defined: what it shows of the ERP, and where the CRM keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnField {
    /// Name of the custom field in the CRM.
    pub name: String,
    /// What it shows.
    pub expression: Expression,
    /// What the field takes.
    pub want: ResultType,
}

/// Type of a custom field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CustomKind {
    /// Up to 255 characters.
    ShortText,
    /// Up to 65,000 characters.
    LongText,
    /// A number.
    Number,
    /// A day.
    Date,
    /// An amount of money with its currency.
    Money,
    /// One option.
    Option,
    /// Several options.
    Options,
    /// A telephone number.
    Phone,
}

impl OwnField {
    /// The type that its field in the CRM has to have.
    #[must_use]
    pub fn kind(&self) -> CustomKind {
        match &self.want {
            ResultType::Text { limit } if *limit <= SHORT => CustomKind::ShortText,
            ResultType::Text { .. } => CustomKind::LongText,
            ResultType::Number => CustomKind::Number,
            ResultType::Date => CustomKind::Date,
            ResultType::Money { .. } => CustomKind::Money,
            ResultType::Option => CustomKind::Option,
            ResultType::Options => CustomKind::Options,
            ResultType::Phone => CustomKind::Phone,
        }
    }
}

/// Characters of a short text (pipedrive.md 2).
pub const SHORT: usize = 255;

/// A custom field that the CRM has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// The field.
    pub field: Field,
    /// Its name in the CRM.
    pub name: String,
    /// Its type.
    pub kind: CustomKind,
}

/// The fields that one connection maps, and whose value counts for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldTable(BTreeMap<Field, Rule>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Rule {
    owner: Owner,
    own: Option<OwnField>,
}

impl Default for FieldTable {
    /// The default set, owned by the ERP.
    fn default() -> Self {
        let rows = TABLE.iter().filter(|row| row.default);
        Self(rows.map(|row| (row.field, Rule { owner: Owner::Erp, own: None })).collect())
    }
}

impl FieldTable {
    /// Maps this field too, or gives it another owner.
    #[must_use]
    pub fn with(mut self, field: Field, owner: Owner) -> Self {
        self.0.entry(field).or_insert(Rule { owner, own: None }).owner = owner;
        self
    }

    /// Maps a field of the owner's own.
    #[must_use]
    pub fn with_own(mut self, key: OwnKey, own: OwnField, owner: Owner) -> Self {
        self.0.insert(Field::Own(key), Rule { owner, own: Some(own) });
        self
    }

    /// Whether the field is mapped.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.0.contains_key(&field)
    }

    /// Whether anything is mapped that only [`crate::ports::Erp::terms`] tells.
    #[must_use]
    pub fn wants_terms(&self) -> bool {
        self.has(Field::AccountClass) || self.has(Field::PaymentTerms)
    }

    /// The mapped fields with their owners, in table order.
    pub fn rules(&self) -> impl Iterator<Item = (Field, Owner)> + '_ {
        self.0.iter().map(|(field, rule)| (*field, rule.owner))
    }

    /// The mapped fields, in table order.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.0.keys().copied()
    }

    /// How a field of the owner's own is defined.
    #[must_use]
    pub fn own(&self, field: Field) -> Option<&OwnField> {
        self.0.get(&field)?.own.as_ref()
    }

    /// Names of the attributes of the ERP's party that the owner's own fields read.
    #[must_use]
    pub fn attributes(&self) -> BTreeSet<String> {
        let own = self.0.values().filter_map(|rule| rule.own.as_ref());
        own.flat_map(|own| own.expression.names()).collect()
    }

    /// The most characters that the CRM takes.
    #[must_use]
    pub fn limit(&self, field: Field) -> usize {
        match (field.row(), self.own(field).map(|own| &own.want)) {
            (Some(row), _) => row.limit,
            (None, Some(ResultType::Text { limit })) => *limit,
            (None, _) => SHORT,
        }
    }

    /// The custom fields that the CRM has to have.
    #[must_use]
    pub fn custom(&self) -> Vec<CustomField> {
        let custom = |(field, rule): (&Field, &Rule)| {
            let (name, kind) = match (field.row().map(|row| row.place), &rule.own) {
                (Some(Place::Custom(name)), _) => (name.to_owned(), CustomKind::ShortText),
                (None, Some(own)) => (own.name.clone(), own.kind()),
                (Some(Place::BuiltIn), _) | (None, None) => return None,
            };
            Some(CustomField { field: *field, name, kind })
        };
        self.0.iter().filter_map(custom).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_own_row() {
        for (field, row) in Field::ALL.into_iter().zip(&TABLE) {
            assert_eq!(field, row.field);
            assert_eq!(field.row().unwrap().field, field);
            assert_eq!(field.key(), row.key);
            let json = serde_json::to_string(&field).unwrap();
            assert_eq!(json, format!("\"{}\"", row.key));
            assert_eq!(serde_json::from_str::<Field>(&json).unwrap(), field);
        }
    }

    #[test]
    fn the_default_set_leaves_room_for_the_customers_own_custom_fields() {
        assert!(
            FieldTable::default().custom().len() <= 12,
            "Lite has 30 custom fields, the customer's own included"
        );
    }

    #[test]
    fn own_fields_have_keys_of_their_own_and_stay_what_they_are_in_json() {
        let field = Field::Own(OwnKey::new("industry").unwrap());
        assert_eq!((field.key(), field.label()), ("own.industry", "own.industry"));
        let values = Values::from([(field, Value::Text("Retail".into()))]);
        let json = serde_json::to_string(&values).unwrap();
        assert_eq!(serde_json::from_str::<Values>(&json).unwrap(), values);
        for bad in ["", "Industry", "a b", "own.x", &"a".repeat(33)] {
            assert_eq!(OwnKey::new(bad), None, "{bad}");
        }
        assert!(serde_json::from_str::<Field>("\"industry\"").is_err());
    }
}
