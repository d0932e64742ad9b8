//! The company's currencies (section 1.7).

/// That of the company.
pub(crate) const DEFAULT: &str = "EUR";

const KNOWN: [&str; 36] = [
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF",
    "IDR", "ILS", "INR", "ISK", "JPY", "KRW", "KWD", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SAR",
    "SEK", "SGD", "THB", "TRY", "USD", "ZAR",
];

pub(crate) fn known(code: &str) -> bool {
    KNOWN.contains(&code)
}
