//! `[[connection.fields.own]]`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sync_core::expression::{Expression, ResultType};
use sync_core::fields::{self, OwnKey, SHORT};

use super::ConfigError;
use super::diagnose::At;
use super::fields::Owner;

/// A field of your own: any attribute, flexfield or child of the ERP's party, shown by any custom field of Pipedrive's
/// organizations.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnField {
    /// Its name in plans, the journal and `--json`, where it goes by `own.NAME`: 1 to 32 of `a-z`, `0-9` and `_`. A new
    /// name is a new field. Required.
    #[schemars(regex(pattern = "^[a-z0-9_]{1,32}$"))]
    pub id: String,

    /// The name of the custom field in Pipedrive. It is created if it does not exist; option fields have to exist.
    /// Required.
    #[schemars(length(min = 1))]
    pub name: String,

    /// What it shows: an expression over the attributes of `hubOrganizations`, for example
    /// `"OrganizationSize ~ \" \" ~ IndustryCode"`; docs/expressions.md explains the language. Required.
    #[schemars(length(min = 1, max = 2048))]
    pub expression: String,

    /// The type of the custom field: `text` (255 characters), `long_text`, `number`, `date`, `money`, `option`,
    /// `options` or `phone`. Default `"text"`.
    #[serde(default = "text")]
    pub r#type: OwnType,

    /// The currency of an amount that comes without one, ISO 4217; only for `money`. No default.
    pub currency: Option<String>,

    /// Whose value counts: `erp` or `ask`. Default `"erp"`.
    #[serde(default = "erp")]
    pub owner: Owner,
}

/// The type of a custom field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnType {
    /// Up to 255 characters.
    Text,
    /// Up to 65,000 characters.
    LongText,
    /// A number.
    Number,
    /// A day.
    Date,
    /// An amount with its currency.
    Money,
    /// One option, by its label.
    Option,
    /// Several options, by their labels.
    Options,
    /// A telephone number.
    Phone,
}

fn text() -> OwnType {
    OwnType::Text
}

fn erp() -> Owner {
    Owner::Erp
}

/// Characters of a long text (pipedrive.md 2).
const LONG: usize = 65_000;

impl OwnField {
    pub(super) fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { id, name, expression, r#type, currency, owner } = self;
        if OwnKey::new(id).is_none() {
            return Err(at.key("id").fail("this is no name for a field", "write 1 to 32 of a-z, 0-9 and _"));
        }
        super::check::not_empty(name, &at.key("name"))?;
        if let Err(wrong) = Expression::compile(expression) {
            return Err(at.key("expression").part(expression, &wrong.span).fail(wrong.message, wrong.hint));
        }
        owner.check(&at.key("owner"))?;
        match (currency, r#type) {
            (Some(code), OwnType::Money) if iso_currency::Currency::from_code(code).is_none() => Err(at
                .key("currency")
                .fail(format!("{code} is no currency"), "write an ISO 4217 code such as \"EUR\"")),
            (Some(_), OwnType::Money) | (None, _) => Ok(()),
            (Some(_), _) => Err(at
                .key("currency")
                .fail("only an amount of money has a currency", "remove this key, or set type = \"money\"")),
        }
    }

    /// The field as the core knows it; none for what [`OwnField::check`] refuses.
    pub(super) fn definition(&self) -> Option<(OwnKey, fields::OwnField, fields::Owner)> {
        let want = match self.r#type {
            OwnType::Text => ResultType::Text { limit: SHORT },
            OwnType::LongText => ResultType::Text { limit: LONG },
            OwnType::Number => ResultType::Number,
            OwnType::Date => ResultType::Date,
            OwnType::Money => ResultType::Money { currencies: currencies(), default: self.currency.clone() },
            OwnType::Option => ResultType::Option,
            OwnType::Options => ResultType::Options,
            OwnType::Phone => ResultType::Phone,
        };
        let expression = Expression::compile(&self.expression).ok()?;
        let own = fields::OwnField { name: self.name.trim().to_owned(), expression, want };
        Some((OwnKey::new(&self.id)?, own, self.owner.policy()))
    }
}

/// Every currency with its decimals.
fn currencies() -> std::collections::BTreeMap<String, u8> {
    use iso_currency::IntoEnumIterator as _;
    let all = iso_currency::Currency::iter();
    all.map(|currency| {
        (currency.code().to_owned(), u8::try_from(currency.exponent().unwrap_or(2)).unwrap_or(2))
    })
    .collect()
}
