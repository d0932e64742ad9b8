//! The credit profile of an account: its attributes, and when it is in force (section 1.4, step 3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::super::state::State;
use super::level::{Attribute, Kind, free, never};

pub(crate) const OBJECT: &str = "CustomerProfile";
const FLAG: Kind = Kind::Code(&["Y", "N"]);
const FOREVER: &str = "4712-12-31";

pub(crate) const ATTRIBUTES: &[Attribute] = &[
    never("CustomerAccountProfileId", Kind::Id),
    free("PartyId", Kind::Id),
    free("CustomerAccountId", Kind::Id),
    free("AccountNumber", Kind::Text(30)),
    free("ProfileClassName", Kind::Text(30)),
    free("EffectiveStartDate", Kind::Date),
    free("EffectiveEndDate", Kind::Date),
    free("CollectorName", Kind::Text(30)),
    free("CreditAnalystName", Kind::Text(30)),
    free("CreditChecking", FLAG),
    free("CreditCurrencyCode", Kind::Text(15)),
    free("CreditHold", FLAG),
    free("CreditLimit", Kind::Number),
    free("PaymentTerms", Kind::Text(30)),
    free("SendStatement", FLAG),
];

/// A profile. Who it belongs to is not among the values.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) id: i64,
    pub(crate) account: i64,
    pub(crate) values: BTreeMap<&'static str, String>,
}

impl Profile {
    /// A profile as it comes with an account that a person makes.
    pub(crate) fn by_hand(id: i64, account: i64, class: &str, now: Timestamp) -> Self {
        let values = BTreeMap::from([
            ("ProfileClassName", class.to_owned()),
            ("EffectiveStartDate", today(now)),
            ("EffectiveEndDate", FOREVER.to_owned()),
        ]);
        Self { id, account, values }
    }

    pub(crate) fn text(&self, state: &State, name: &str) -> Option<String> {
        let row = state.accounts.get(self.account)?;
        match name {
            "CustomerAccountProfileId" => Some(self.id.to_string()),
            "CustomerAccountId" => Some(self.account.to_string()),
            "PartyId" => row.integer("CustomerId").map(|party| party.to_string()),
            "AccountNumber" => row.text("AccountNumber").map(str::to_owned),
            _ => self.values.get(name).cloned(),
        }
    }

    /// Dates as text compare like dates.
    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        let (today, at) = (today(now), |name| self.values.get(name).map_or("", String::as_str));
        at("EffectiveStartDate") <= today.as_str() && today.as_str() <= at("EffectiveEndDate")
    }

    pub(crate) fn json(&self, state: &State) -> Value {
        let pairs = ATTRIBUTES.iter().map(|attribute| {
            let text = self.text(state, attribute.name);
            let value = match (attribute.kind, text) {
                (_, None) => Value::Null,
                (Kind::Id, Some(text)) => text.parse::<i64>().map_or(Value::Null, |id| json!(id)),
                (_, Some(text)) => Value::String(text),
            };
            (attribute.name.to_owned(), value)
        });
        Value::Object(pairs.collect::<Map<_, _>>())
    }
}

fn today(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).date().to_string()
}
