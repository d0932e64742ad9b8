//! Refresh tokens that may rotate: what comes back is stored before anything else is done with it.
//!
//! The token in the configuration is a seed. The stored one wins until the seed changes; so the seed's hash is
//! kept beside it, in one secret, because the two must never be told apart by a crash.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sync_core::{
    error::{CallError, ErrorKind},
    ports::{Called, TokenVault, VaultError},
};
use tokio::sync::Mutex;

use crate::{
    oauth::TokenSource,
    token_reply::{CALL, Granted, Refused},
};

/// A refresh token, from the configuration and from the vault.
pub struct RefreshToken {
    name: String,
    seed: SecretString,
    vault: Arc<dyn TokenVault>,
    /// A token that came back but could not be stored yet.
    unsaved: Mutex<Option<SecretString>>,
}

/// What the vault keeps under the name.
#[derive(Serialize, Deserialize)]
struct Stored {
    seed_sha256: String,
    refresh_token: String,
}

impl RefreshToken {
    /// `name` is the vault's name for it; `seed` what the configuration says.
    pub fn new(name: impl Into<String>, seed: SecretString, vault: Arc<dyn TokenVault>) -> Self {
        Self { name: name.into(), seed, vault, unsaved: Mutex::default() }
    }

    /// Fetches an access token; a refresh token that another process replaced meanwhile is read once more.
    pub(crate) async fn fetch(&self, source: &TokenSource) -> Called<Granted> {
        let mut unsaved = self.unsaved.lock().await;
        if let Some(token) = unsaved.as_ref() {
            self.save(token).await?;
            *unsaved = None;
        }
        let token = self.load().await?;
        match self.exchange(source, &token, &mut unsaved).await {
            Err(Refused { error, grant: true }) => {
                let newer = self.load().await?;
                if newer.expose_secret() == token.expose_secret() {
                    return Err(error);
                }
                self.exchange(source, &newer, &mut unsaved).await.map_err(|refused| refused.error)
            }
            other => other.map_err(|refused| refused.error),
        }
    }

    async fn exchange(
        &self,
        source: &TokenSource,
        token: &SecretString,
        unsaved: &mut Option<SecretString>,
    ) -> Result<Granted, Refused> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())];
        let granted = source.post(&form, &[token, &self.seed]).await?;
        if let Some(fresh) = &granted.refresh {
            // Ours to lose from here on: the old one may be worth nothing any more.
            *unsaved = Some(fresh.clone());
            self.save(fresh).await.map_err(|error| Refused { error, grant: false })?;
            *unsaved = None;
        }
        Ok(granted)
    }

    async fn load(&self) -> Called<SecretString> {
        let stored = self.vault.load(&self.name).await.map_err(|error| unusable(&error))?;
        let stored = stored.and_then(|text| serde_json::from_str::<Stored>(&text).ok());
        match stored.filter(|stored| stored.seed_sha256 == self.seed_hash()) {
            Some(stored) => Ok(stored.refresh_token.into()),
            None => Ok(self.seed.clone()),
        }
    }

    async fn save(&self, token: &SecretString) -> Called<()> {
        let stored =
            Stored { seed_sha256: self.seed_hash(), refresh_token: token.expose_secret().to_owned() };
        let text =
            serde_json::to_string(&stored).map_err(|error| unusable(&VaultError(error.to_string())))?;
        self.vault.save(&self.name, &text).await.map_err(|error| unusable(&error))
    }

    fn seed_hash(&self) -> String {
        hex::encode(Sha256::digest(self.seed.expose_secret()))
    }
}

fn unusable(error: &VaultError) -> CallError {
    CallError::without_effect(CALL, ErrorKind::Transient { after: None }, error.to_string())
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshToken").field("name", &self.name).finish_non_exhaustive()
    }
}
