//! What the vault keeps about a grant.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sync_core::ports::VaultError;

/// One secret. What was stored before times were noted has none of them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Of the seed that this won against; empty without one.
    pub(crate) seed_sha256: String,
    /// None once access was ended.
    pub(crate) refresh_token: Option<String>,
    /// When a person consented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) obtained_at: Option<Timestamp>,
    /// When the token endpoint was last asked for it and gave or prolonged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renewed_at: Option<Timestamp>,
    /// When access was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<Timestamp>,
}

impl Stored {
    /// None if it is of no kind that we know.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn text(&self) -> Result<String, VaultError> {
        serde_json::to_string(self).map_err(|error| VaultError(error.to_string()))
    }

    /// Whether both are answers to the same consent, and this one was asked for later.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        self.seed_sha256 == other.seed_sha256
            && self.obtained_at == other.obtained_at
            && self.ended_at.is_none()
            && other.ended_at.is_none()
            && self.renewed_at > other.renewed_at
    }
}

pub(crate) fn hash(seed: &SecretString) -> String {
    hex::encode(Sha256::digest(seed.expose_secret()))
}
