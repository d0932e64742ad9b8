//! What the OAuth server is told (section 4.2).

/// Settings of the OAuth server. The defaults are the strict reading of the reference.
#[derive(Clone, Debug)]
pub struct OAuthSettings {
    /// The callback URL of the app; `None` takes any absolute http(s) URL.
    pub redirect_uri: Option<String>,
    /// The scopes of the app as set in the Developer Hub: a comma list.
    pub scopes: String,
    /// Whether calls with OAuth tokens outside the scopes are 403 `Scope and URL mismatch`.
    pub enforce_scopes: bool,
    /// Whether `webhooks:read` and `webhooks:full` open `/v1/webhooks`, as the guide says; otherwise only `admin`
    /// does, as the specification says (UNVERIFIED).
    pub webhook_scopes: bool,
    /// The `error` of a denied authorization: `user_denied` in the guide, `access_denied` in the README of the vendor's
    /// client (UNVERIFIED).
    pub denial: String,
    /// Whether PKCE (`code_challenge` and `code_verifier`) is taken; otherwise it is refused (not in the guide, UNVERIFIED).
    pub pkce: bool,
}

impl Default for OAuthSettings {
    fn default() -> Self {
        Self {
            redirect_uri: None,
            scopes:
                "base,deals:full,contacts:full,contact-fields:full,deal-fields:full,users:read,search:read,\
                     recents:read,webhooks:full"
                    .to_owned(),
            enforce_scopes: true,
            webhook_scopes: true,
            denial: "user_denied".to_owned(),
            pkce: false,
        }
    }
}
