//! Refresh tokens that may rotate: what comes back is stored before anything else is done with it.
//!
//! The token in the configuration is a seed. The stored one wins until the seed changes; so the seed's hash is
//! kept beside it, in one secret, because the two must never be told apart by a crash. No seed at all changes
//! nothing: what is stored stays in use, and so does the hash of the seed that it won against.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sync_core::{
    error::{CallError, ErrorKind},
    ports::{Called, TokenVault, VaultError},
};
use tokio::sync::Mutex;

use crate::{
    oauth::TokenSource,
    stored::{Stored, hash},
    token_reply::{CALL, Granted, Refused},
};

/// A refresh token, from the configuration and from the vault.
pub struct RefreshToken {
    name: String,
    seed: Option<SecretString>,
    remedy: String,
    vault: Arc<dyn TokenVault>,
    /// A token that came back but could not be stored yet.
    unsaved: Mutex<Option<Unsaved>>,
    #[cfg(feature = "planted")]
    saves_late: bool,
}

/// What is known about a refresh token; no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshState {
    /// Where the token is that would be used.
    pub from: RefreshFrom,
    /// When a person consented, if that was here.
    pub obtained_at: Option<Timestamp>,
    /// When the token endpoint last gave or prolonged it, as far as that was noted.
    pub renewed_at: Option<Timestamp>,
}

/// Where a refresh token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshFrom {
    /// There is none.
    Nowhere,
    /// There was one, and access was ended then.
    Ended(Timestamp),
    /// The configuration.
    Seed,
    /// The vault.
    Vault,
}

/// How long another process is given to store what it got for a token that is refused to us.
const AGAIN: [SignedDuration; 3] =
    [SignedDuration::from_millis(100), SignedDuration::from_millis(400), SignedDuration::from_millis(1_500)];

struct Unsaved {
    was: Option<String>,
    fresh: Stored,
}

/// The token that is in use, and what lay in the vault when that was found out.
struct Held {
    token: SecretString,
    text: Option<String>,
    stored: Option<Stored>,
}

/// What became of an exchange.
enum Exchanged {
    Granted(Granted),
    /// The grant is not accepted.
    Refused(CallError),
    /// Somebody put another grant in its place meanwhile.
    Overtaken,
}

impl RefreshToken {
    /// `name` is the vault's name for it; `seed` what the configuration says, if it does; `remedy` what a person does
    /// where there is no token that is accepted, as in "run this".
    pub fn new(
        name: impl Into<String>,
        seed: Option<SecretString>,
        remedy: impl Into<String>,
        vault: Arc<dyn TokenVault>,
    ) -> Self {
        Self {
            name: name.into(),
            seed,
            remedy: remedy.into(),
            vault,
            unsaved: Mutex::default(),
            #[cfg(feature = "planted")]
            saves_late: false,
        }
    }

    /// TEST ONLY. Plants the bug of storing what came back only when the next one is fetched.
    #[cfg(feature = "planted")]
    #[must_use]
    pub fn saving_late(self) -> Self {
        Self { saves_late: true, ..self }
    }

    /// What would be used.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub async fn state(&self) -> Result<RefreshState, VaultError> {
        let (_, stored) = self.look().await?;
        let from = match (&stored, &self.seed) {
            (Some(stored), _) => stored.ended_at.map_or(RefreshFrom::Vault, RefreshFrom::Ended),
            (None, Some(_)) => RefreshFrom::Seed,
            (None, None) => RefreshFrom::Nowhere,
        };
        let obtained_at = stored.as_ref().and_then(|stored| stored.obtained_at);
        let renewed_at = stored.as_ref().and_then(|stored| stored.renewed_at);
        Ok(RefreshState { from, obtained_at, renewed_at })
    }

    /// The token that would be used, if there is one.
    ///
    /// # Errors
    /// When the vault cannot be read.
    pub async fn current(&self) -> Result<Option<SecretString>, VaultError> {
        let (_, stored) = self.look().await?;
        Ok(match stored {
            Some(stored) => stored.refresh_token.map(SecretString::from),
            None => self.seed.clone(),
        })
    }

    /// Puts the token of a new consent in the place of whatever was there; it wins against the present seed.
    ///
    /// # Errors
    /// When it cannot be stored; then what was there still is.
    pub async fn begin(&self, fresh: &SecretString, now: Timestamp) -> Result<(), VaultError> {
        let stored = Stored {
            seed_sha256: self.beaten().await?,
            refresh_token: Some(fresh.expose_secret().to_owned()),
            obtained_at: Some(now),
            renewed_at: Some(now),
            ended_at: None,
        };
        self.vault.save(&self.name, &stored.text()?).await
    }

    /// Forgets the token, the present seed too, until there is a new consent or another seed. Tells which it was.
    ///
    /// # Errors
    /// When that cannot be stored; then what was there still is.
    pub async fn end(&self, now: Timestamp) -> Result<Option<SecretString>, VaultError> {
        // Of two who end it one finds nothing any more.
        loop {
            let (text, stored) = self.look().await?;
            let in_use = match stored {
                Some(Stored { ended_at: Some(_), .. }) => return Ok(None),
                Some(stored) => stored.refresh_token.map(SecretString::from),
                None => self.seed.clone(),
            };
            let ended = Stored {
                seed_sha256: self.beaten().await?,
                refresh_token: None,
                obtained_at: None,
                renewed_at: None,
                ended_at: Some(now),
            };
            if self.vault.swap(&self.name, text.as_deref(), &ended.text()?).await? {
                return Ok(in_use);
            }
        }
    }

    /// Fetches an access token; a refresh token that another process replaced meanwhile is read once more.
    pub(crate) async fn fetch(&self, source: &TokenSource) -> Called<Granted> {
        let mut unsaved = self.unsaved.lock().await;
        if let Some(Unsaved { was, fresh }) = unsaved.as_ref() {
            // Kept, or not wanted any more.
            self.keep(was.as_deref(), fresh).await.map_err(|error| unusable(&error))?;
            *unsaved = None;
        }
        let held = self.load().await?;
        let first = self.exchange(source, &held, &mut unsaved).await?;
        let error = match first {
            Exchanged::Granted(granted) => return Ok(granted),
            Exchanged::Refused(error) => Some(error),
            Exchanged::Overtaken => None,
        };
        let newer = match error {
            None => self.load().await?,
            Some(error) => match self.another_than(&held, source).await? {
                Some(newer) => newer,
                None => return Err(self.helped(error)),
            },
        };
        match self.exchange(source, &newer, &mut unsaved).await? {
            Exchanged::Granted(granted) => Ok(granted),
            Exchanged::Refused(error) => Err(self.helped(error)),
            Exchanged::Overtaken => {
                let message = "the stored refresh token was replaced again and again by others";
                Err(CallError::without_effect(CALL, ErrorKind::Transient { after: None }, message))
            }
        }
    }

    /// The token that another process has put in the place of a refused one, or is about to.
    async fn another_than(&self, held: &Held, source: &TokenSource) -> Called<Option<Held>> {
        for wait in AGAIN {
            let newer = self.load().await?;
            if newer.token.expose_secret() != held.token.expose_secret() {
                return Ok(Some(newer));
            }
            source.sleep(wait).await;
        }
        let newer = self.load().await?;
        Ok((newer.token.expose_secret() != held.token.expose_secret()).then_some(newer))
    }

    async fn exchange(
        &self,
        source: &TokenSource,
        held: &Held,
        unsaved: &mut Option<Unsaved>,
    ) -> Called<Exchanged> {
        let Held { token, text, stored } = held;
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())];
        let secrets: Vec<&SecretString> = std::iter::once(token).chain(&self.seed).collect();
        let asked_at = source.now();
        let granted = match source.post(&form, &secrets).await {
            Ok(granted) => granted,
            Err(Refused { error, grant: true }) => return Ok(Exchanged::Refused(error)),
            Err(Refused { error, grant: false }) => return Err(error),
        };
        let Some(refresh) = &granted.refresh else { return Ok(Exchanged::Granted(granted)) };
        let fresh = Stored {
            seed_sha256: self.seed.as_ref().map_or_else(
                || stored.as_ref().map(|stored| stored.seed_sha256.clone()).unwrap_or_default(),
                hash,
            ),
            refresh_token: Some(refresh.expose_secret().to_owned()),
            obtained_at: stored.as_ref().and_then(|stored| stored.obtained_at),
            renewed_at: Some(asked_at),
            ended_at: None,
        };
        // Ours to lose from here on: the old one may be worth nothing any more.
        *unsaved = Some(Unsaved { was: text.clone(), fresh: fresh.clone() });
        #[cfg(feature = "planted")]
        if self.saves_late {
            return Ok(Exchanged::Granted(granted));
        }
        let kept = self.keep(text.as_deref(), &fresh).await.map_err(|error| unusable(&error))?;
        *unsaved = None;
        Ok(if kept { Exchanged::Granted(granted) } else { Exchanged::Overtaken })
    }

    /// Stores what came back, unless another grant took the place since. Of several answers to the same grant that counts
    /// which was asked for last, whoever stores first: a process may have slept since it asked, and what was used
    /// meanwhile may have been the end of what it got.
    async fn keep(&self, was: Option<&str>, fresh: &Stored) -> Result<bool, VaultError> {
        let text = fresh.text()?;
        if self.vault.swap(&self.name, was, &text).await? {
            return Ok(true);
        }
        loop {
            let there = self.vault.load(&self.name).await?;
            let replaced =
                there.as_deref().and_then(Stored::read).is_some_and(|there| fresh.replaces(&there));
            if !replaced {
                return Ok(false);
            }
            if self.vault.swap(&self.name, there.as_deref(), &text).await? {
                return Ok(true);
            }
        }
    }

    async fn load(&self) -> Called<Held> {
        let (text, stored) = self.look().await.map_err(|error| unusable(&error))?;
        let found = match &stored {
            Some(Stored { refresh_token: Some(token), .. }) => Ok(SecretString::from(token.as_str())),
            Some(Stored { ended_at, .. }) => {
                let when = ended_at.map(|at| format!(" at {at:.0}")).unwrap_or_default();
                Err(format!("access was ended{when}"))
            }
            None => self.seed.clone().ok_or_else(|| "nobody has given access yet".to_owned()),
        };
        match found {
            Ok(token) => Ok(Held { token, text, stored }),
            Err(why) => {
                let message = format!("{why}: {}", self.remedy);
                Err(CallError::without_effect(CALL, ErrorKind::Unauthorized, message))
            }
        }
    }

    /// What lies in the vault, and what it says if it wins against the seed.
    async fn look(&self) -> Result<(Option<String>, Option<Stored>), VaultError> {
        let text = self.vault.load(&self.name).await?;
        let stored = text.as_deref().and_then(Stored::read);
        let wins = |stored: &Stored| self.seed.as_ref().is_none_or(|seed| stored.seed_sha256 == hash(seed));
        Ok((text, stored.filter(wins)))
    }

    /// The hash of the seed that a new consent wins against.
    async fn beaten(&self) -> Result<String, VaultError> {
        match &self.seed {
            Some(seed) => Ok(hash(seed)),
            None => Ok(self.look().await?.1.map(|stored| stored.seed_sha256).unwrap_or_default()),
        }
    }

    fn helped(&self, error: CallError) -> CallError {
        CallError { message: format!("{}: {}", error.message, self.remedy), ..error }
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
