//! What must be known about one Pipedrive company.

use std::time::Duration;

use secrecy::SecretString;
use sync_core::{
    budget::{AuthKind, Plan, SEARCH_BURST},
    fields::CustomField,
    handover::Interest,
};

/// Settings of one Pipedrive company. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct PipedriveConfig {
    /// `https://{company}.pipedrive.com`, or the `api_domain` that OAuth gave (pipedrive.md 1.1).
    pub base_url: String,
    /// How we prove who we are.
    pub auth: PipedriveAuth,
    /// Its plan; no API tells it (3.1).
    pub plan: Plan,
    /// Seats it pays for.
    pub seats: u32,
    /// Requests a two-second window, where the plan's number is wrong (3.3).
    pub burst: Option<u32>,
    /// Searches a two-second window, where the documented 10 is wrong (3.3).
    pub search_burst: Option<u32>,
    /// The most time for one request.
    pub timeout: Duration,
    /// Owner of organizations that we create; the token's user if absent (7).
    pub owner_id: Option<i64>,
    /// The custom fields that are mapped: these are read and made if need be, and no others.
    pub fields: Vec<CustomField>,
    /// The labels that we put on organizations; they have to exist. Without any, labels are not read.
    pub labels: Vec<String>,
    /// What rules of handovers ask about organizations and deals beside that.
    pub asked: Interest,
    /// User and password that webhooks shall bring along; none where a gateway vouches for them.
    pub hook_login: Option<(String, SecretString)>,
    /// Who sees organizations that we create: 1, 3, 5 or 7; the user's default if absent (7).
    pub visible_to: Option<i64>,
}

/// How we prove who we are (4).
#[derive(Debug, Clone)]
pub enum PipedriveAuth {
    /// The 40 hex digits of one user, sent in a header (4.1).
    ApiToken(SecretString),
    /// An application of ours that a user installed (4.2).
    OAuth {
        /// The application.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// `https://oauth.pipedrive.com/oauth/token`.
        token_url: String,
        /// A seed: the stored one wins until this value changes. Without it there is only the stored one.
        refresh_token: Option<SecretString>,
        /// What a person does where no refresh token is there or accepted.
        remedy: String,
    },
    /// An access token that was just obtained, for its hour.
    Access(SecretString),
}

impl PipedriveConfig {
    /// Time for one request unless configured otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// Requests a two-second window.
    #[must_use]
    pub fn burst(&self) -> u32 {
        let kind = match self.auth {
            PipedriveAuth::ApiToken(_) => AuthKind::ApiToken,
            PipedriveAuth::OAuth { .. } | PipedriveAuth::Access(_) => AuthKind::OAuth,
        };
        self.burst.unwrap_or_else(|| self.plan.burst(kind)).max(1)
    }

    /// Searches a two-second window.
    #[must_use]
    pub fn search_burst(&self) -> u32 {
        self.search_burst.unwrap_or(SEARCH_BURST).max(1)
    }
}
