//! Where a remote system lives, and how paths and queries are added to that.

use std::fmt::Write as _;

use url::Url;

/// An address that we refuse to use, without the address itself: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct BadUrl {
    name: &'static str,
    problem: &'static str,
}

/// The part of every URL of one remote system that is configured: scheme, host, port and perhaps a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Checks an address called `name` in the configuration. It may end in a slash or not.
    ///
    /// # Errors
    /// When it is no http(s) URL with a host, holds credentials (they would reach logs), a query or a fragment.
    pub fn parse(name: &'static str, text: &str) -> Result<Self, BadUrl> {
        let bad = |problem| Err(BadUrl { name, problem });
        let Ok(url) = Url::parse(text.trim()) else { return bad("is not a URL") };
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return bad("must be an http or https address");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return bad("must not contain credentials");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return bad("must not contain a query or a fragment");
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// Whether it is an https address of a host below `domain`.
    #[must_use]
    pub fn is_below(&self, domain: &str) -> bool {
        let Ok(url) = Url::parse(&self.0) else { return false };
        let host = url.host_str().unwrap_or_default();
        url.scheme() == "https" && host.strip_suffix(domain).is_some_and(|label| label.ends_with('.'))
    }

    /// The whole URL of a call. `path` is already encoded (see [`encode`]); query names and values are not.
    #[must_use]
    pub fn join(&self, path: &str, query: &[(&str, String)]) -> String {
        let mut url = self.0.clone();
        if !path.is_empty() {
            url.push('/');
            url.push_str(path.trim_start_matches('/'));
        }
        for (at, (name, value)) in query.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(&encode(name));
            url.push('=');
            url.push_str(&encode(value));
        }
        url
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, so that blanks become `%20`, not `+`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> BaseUrl {
        BaseUrl::parse("base_url", text).unwrap()
    }

    #[test]
    fn a_base_may_have_a_path_and_a_trailing_slash() {
        for text in ["https://h.example/erp", "https://h.example/erp/", " https://h.example/erp// "] {
            assert_eq!(base(text).join("/v1/x", &[]), "https://h.example/erp/v1/x");
        }
        assert_eq!(base("http://127.0.0.1:8080").join("a", &[]), "http://127.0.0.1:8080/a");
        assert_eq!(
            base("https://idcs.example/oauth2/v1/token").join("", &[]),
            "https://idcs.example/oauth2/v1/token"
        );
    }

    #[test]
    fn only_https_hosts_of_the_domain_are_below_it() {
        assert!(base("https://acme.pipedrive.com/").is_below("pipedrive.com"));
        for text in
            ["http://acme.pipedrive.com", "https://evilpipedrive.com", "https://pipedrive.com.evil.example"]
        {
            assert!(!base(text).is_below("pipedrive.com"), "{text}");
        }
    }

    #[test]
    fn queries_are_encoded_without_plus_signs() {
        let query = [("q", "A >= 'x'".to_owned()), ("b", "1,2".to_owned())];
        let url = base("https://h.example").join("/r", &query);
        assert_eq!(url, "https://h.example/r?q=A%20%3E%3D%20%27x%27&b=1%2C2");
    }

    #[test]
    fn a_base_with_credentials_is_refused_without_repeating_them() {
        let refused = BaseUrl::parse("base_url", "https://user:hunter2@h.example/").unwrap_err();
        assert_eq!(refused.to_string(), "base_url must not contain credentials");
        for text in
            ["", "ftp://h.example", "h.example", "https://h.example?api_token=x", "https://h.example#x"]
        {
            assert!(BaseUrl::parse("base_url", text).is_err(), "{text}");
        }
    }
}
