//! What Pipedrive tells an app's callback URL when the app is uninstalled (4.2).

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use saas_http::scalar;
use serde::Deserialize;
use serde_json::Value;

use crate::hooks::unlike;

/// Somebody uninstalled the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uninstalled {
    /// The app.
    pub client_id: String,
    /// The company in which it was uninstalled.
    pub company_id: i64,
    /// The user whose installation it was, if that is told.
    pub user_id: Option<i64>,
    /// When.
    pub at: Timestamp,
}

#[derive(Deserialize)]
struct Dto {
    client_id: Option<Value>,
    company_id: Option<Value>,
    user_id: Option<Value>,
    timestamp: Option<Value>,
}

impl Uninstalled {
    /// Reads the body. How the time is written the page does not say (UNVERIFIED): RFC 3339, the API's `YYYY-MM-DD
    /// HH:MM:SS` in UTC, and seconds or milliseconds since 1970 are read.
    ///
    /// # Errors
    /// What is missing or unreadable.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let dto: Dto = serde_json::from_slice(body).map_err(|error| unlike(&error))?;
        let Dto { client_id, company_id, user_id, timestamp } = dto;
        Ok(Self {
            client_id: scalar::required("client_id", scalar::text("client_id", client_id.as_ref())?)?,
            company_id: scalar::required("company_id", scalar::int("company_id", company_id.as_ref())?)?,
            user_id: scalar::int("user_id", user_id.as_ref())?,
            at: timestamp.as_ref().and_then(time).ok_or("timestamp is missing or cannot be read")?,
        })
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    /// The year 5138 in seconds, and 1973 in milliseconds.
    const SECONDS: i64 = 100_000_000_000;
    if let Some(text) = value.as_str()
        && let Ok(at) = text.parse::<Timestamp>()
    {
        return Some(at);
    }
    if let Some(text) = value.as_str()
        && let Ok(at) = text.parse::<DateTime>()
    {
        return at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    }
    match scalar::int("timestamp", Some(value)).ok()?? {
        seconds if seconds < SECONDS => Timestamp::from_second(seconds).ok(),
        millis => Timestamp::from_millisecond(millis).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uninstallation_is_read_whatever_way_its_time_is_written() {
        let read = |timestamp: &str| {
            let body =
                format!(r#"{{"client_id":"app","company_id":7,"user_id":"8","timestamp":{timestamp}}}"#);
            Uninstalled::read(body.as_bytes())
        };
        let at = "2026-03-02T12:00:00Z".parse().unwrap();
        let told = Uninstalled { client_id: "app".to_owned(), company_id: 7, user_id: Some(8), at };
        for text in [
            "\"2026-03-02T12:00:00Z\"",
            "\"2026-03-02 12:00:00\"",
            "1772452800",
            "\"1772452800\"",
            "1772452800000",
        ] {
            assert_eq!(read(text), Ok(told.clone()), "{text}");
        }
        assert!(read("null").is_err() && read("\"yesterday\"").is_err());
        assert!(Uninstalled::read(b"[]").is_err() && Uninstalled::read(b"{}").is_err());
    }
}
