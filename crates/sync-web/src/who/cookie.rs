//! The cookie of a session. `__Host-` keeps it on this host, path `/` and encrypted connections; browsers count the loopback
//! address as one.

use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use jiff::SignedDuration;

/// Its name.
const NAME: &str = "__Host-ml-connector";

/// How long a session stands without being used.
pub(crate) const SESSION_IDLE: SignedDuration = SignedDuration::from_hours(12);

/// How long a session stands at most.
pub(crate) const LIFE: SignedDuration = SignedDuration::from_hours(24 * 7);

/// The session that a request shows; none if it shows several.
pub(crate) fn of_request(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut ours = pairs
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(name, value)| (name == NAME).then_some(value));
    match (ours.next(), ours.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// Begins a session in the browser. The token is hexadecimal.
pub(crate) fn started(token: &str) -> HeaderValue {
    let cookie =
        format!("{NAME}={token}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax", LIFE.as_secs());
    HeaderValue::from_str(&cookie).unwrap_or_else(|_| ended())
}

/// Ends it.
pub(crate) fn ended() -> HeaderValue {
    HeaderValue::from_static("__Host-ml-connector=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_session_is_shown_or_none() {
        let table: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&["__Host-ml-connector=abc"], Some("abc")),
            (&["other=1; __Host-ml-connector=abc; more=2"], Some("abc")),
            (&["other=1", "__Host-ml-connector=abc"], Some("abc")),
            (&["__Host-ml-connector=abc; __Host-ml-connector=def"], None),
            (&["ml-connector=abc"], None),
            (&["__host-ml-connector=abc"], None),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(COOKIE, value.parse().unwrap());
            }
            assert_eq!(of_request(&headers), *expected, "{values:?}");
        }
        let cookie = started("00ff");
        let cookie = cookie.to_str().unwrap();
        for part in [
            "__Host-ml-connector=00ff;",
            " Path=/;",
            " Secure;",
            " HttpOnly;",
            " SameSite=Lax",
            "Max-Age=604800",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        assert!(ended().to_str().unwrap().starts_with(&format!("{NAME}=; Path=/; Max-Age=0;")));
    }
}
