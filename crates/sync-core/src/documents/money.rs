//! In how many decimals amounts of a currency are told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::Amount;

/// The currencies that the CRM knows, with their decimals (pipedrive.md 1.7).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currencies(pub BTreeMap<String, u8>);

impl Currencies {
    /// The decimals of a currency; `None` if the CRM does not know it.
    #[must_use]
    pub fn decimals(&self, currency: &str) -> Option<u8> {
        self.0.get(currency).copied()
    }

    /// The amount in the decimals of its currency; as it is if nobody knows how many these are.
    #[must_use]
    pub fn round(&self, amount: Amount, currency: Option<&str>) -> Amount {
        currency.and_then(|code| self.decimals(code)).map_or(amount, |decimals| amount.rounded(decimals))
    }
}

/// The amount with all decimals of its currency and the currency: `12.50 EUR`; without needless zeros if nobody knows how
/// many decimals it has. `None` stands for a document that names no currency.
#[must_use]
pub fn shown_amount(currencies: &Currencies, amount: Amount, currency: Option<&str>) -> String {
    let amount = currencies.round(amount, currency);
    let digits = amount.to_string();
    let code = currency.unwrap_or("(no currency)");
    let decimals = currency.and_then(|code| currencies.decimals(code)).map_or(0, usize::from).min(4);
    let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let point = if fraction == 0 && decimals > 0 { "." } else { "" };
    format!("{digits}{point}{} {code}", "0".repeat(decimals.saturating_sub(fraction)))
}
