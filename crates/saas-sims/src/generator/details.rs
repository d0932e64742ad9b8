//! What a customer was entered with, for those who write the same company down elsewhere.

use serde_json::Value;

/// Attributes of a party as they were entered; empty where there was nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Country, two letters.
    pub country: String,
    /// CurrencyCode.
    pub currency: String,
    /// Address1.
    pub street: String,
    /// City.
    pub city: String,
    /// PostalCode.
    pub postal_code: String,
    /// RawPhoneNumber.
    pub phone: String,
    /// URL.
    pub url: String,
    /// EmailAddress.
    pub email: String,
    /// TaxpayerIdentificationNumber.
    pub tax_number: String,
}

impl Details {
    pub(super) fn of(company: &Value) -> Self {
        let text = |name: &str| company[name].as_str().unwrap_or_default().to_owned();
        Self {
            country: text("Country"),
            currency: text("CurrencyCode"),
            street: text("Address1"),
            city: text("City"),
            postal_code: text("PostalCode"),
            phone: text("RawPhoneNumber"),
            url: text("URL"),
            email: text("EmailAddress"),
            tax_number: text("TaxpayerIdentificationNumber"),
        }
    }

    /// The host name of the URL, in small letters and without `www.`.
    pub fn domain(&self) -> Option<String> {
        let url = self.url.to_lowercase();
        let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let host = host.split(['/', '?']).next().unwrap_or_default();
        let host = host.strip_prefix("www.").unwrap_or(host);
        (!host.is_empty()).then(|| host.to_owned())
    }
}
