//! `GET /v1/currencies` (section 1.7): ISO 4217 with its decimal points, and the company's own.

use serde_json::{Value, json};

use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use crate::call::{Call, Reply};

/// A currency that the company made up.
#[derive(Clone, Debug)]
pub struct CustomCurrency {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Digits after the point.
    pub decimal_points: u8,
    /// Its symbol.
    pub symbol: String,
}

/// Code, name, digits after the point, symbol, whether it is active.
const ISO: [(&str, &str, u8, &str, bool); 15] = [
    ("EUR", "Euro", 2, "€", true),
    ("USD", "US Dollar", 2, "$", true),
    ("GBP", "British Pound", 2, "£", true),
    ("JPY", "Japanese Yen", 0, "¥", true),
    ("KWD", "Kuwaiti Dinar", 3, "KWD", true),
    ("BHD", "Bahraini Dinar", 3, "BHD", true),
    ("CHF", "Swiss Franc", 2, "CHF", true),
    ("SEK", "Swedish Krona", 2, "kr", true),
    ("NOK", "Norwegian Krone", 2, "kr", true),
    ("DKK", "Danish Krone", 2, "kr", true),
    ("PLN", "Polish Złoty", 2, "zł", true),
    ("KRW", "South Korean Won", 0, "₩", true),
    ("BRL", "Brazilian Real", 2, "R$", true),
    ("CLP", "Chilean Peso", 0, "$", true),
    ("EEK", "Estonian Kroon", 2, "kr", false),
];

pub(super) fn list(settings: &PipedriveSettings, call: &Call) -> Result<Reply, Problem> {
    params::check_names(call, &["term"], settings)?;
    let iso = ISO.into_iter().map(|(code, name, points, symbol, active)| {
        (code.to_owned(), name.to_owned(), points, symbol.to_owned(), active, false)
    });
    let custom =
        settings.v1.custom_currencies.iter().map(|own| {
            (own.code.clone(), own.name.clone(), own.decimal_points, own.symbol.clone(), true, true)
        });
    let term = call.param("term").map(str::to_lowercase);
    let fits = |text: &str| term.as_ref().is_none_or(|term| text.to_lowercase().contains(term));
    let found: Vec<Value> = iso
        .chain(custom)
        .enumerate()
        .filter(|(_, (code, name, ..))| fits(code) || fits(name))
        .map(|(at, (code, name, decimal_points, symbol, active, custom))| {
            json!({
                "id": at + 1, "code": code, "name": name, "decimal_points": decimal_points, "symbol": symbol,
                "active_flag": active, "is_custom_flag": custom,
            })
        })
        .collect();
    Ok(Reply::ok(&json!({"success": true, "data": found})))
}

/// Whether a deal may be in the currency: an active one of the list, or one of the company's own.
pub(crate) fn known(settings: &PipedriveSettings, code: &str) -> bool {
    let active = ISO.iter().any(|(known, .., active)| *active && *known == code);
    active || settings.v1.custom_currencies.iter().any(|own| own.code == code)
}
