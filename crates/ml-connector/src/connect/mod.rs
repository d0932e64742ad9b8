//! How a connection gets access to a company as an OAuth app, keeps it, and gives it back (pipedrive.md 4.2).
//!
//! [`Connector::begin`] makes the address that a person opens; the person comes back to `/connect/NAME` of a door
//! (`sync-web`), which may be in another process; [`Connector`] is the vendor's part behind it.

mod consent;
mod end;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pipedrive::{Pipedrive, PipedriveAuth, PipedriveConfig};
use saas_http::{BaseUrl, OAuthWay, RefreshToken, Sleeper, Transport, challenge, takes};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use sync_core::ids::ConnectionId;
use sync_core::ports::{Called, Clock, Spend, TokenVault as _};
use sync_store::{NewAttempt, Store, Vault, unguessable};
use sync_web::ConnectDoor;
use url::Url;

pub use end::Disconnected;

use crate::check::Doing;
use crate::config::{Connection, Pkce};
use crate::exit::{ExitCode, Failed};

/// An attempt is worth something for so long.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Vault name of a refresh token of which it is not known yet whose it is.
const UNKNOWN: &str = "pipedrive.refresh_token.new";

/// What a person does who is to give access.
#[must_use]
pub fn remedy(connection: &str) -> String {
    format!("run `ml-connector connect {connection}`")
}

/// The app of a connection and all that it takes to speak for it.
pub struct Connector {
    pub(crate) name: String,
    pub(crate) id: ConnectionId,
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) spend: Arc<dyn Spend>,
    pub(crate) sleeper: Arc<dyn Sleeper>,
    pub(crate) way: OAuthWay,
    /// What the client proves itself with, and the vendor to us.
    pub(crate) client_secret: SecretString,
    pub(crate) authorize_url: Url,
    pub(crate) revoke_url: BaseUrl,
    pub(crate) pkce: Pkce,
    /// The refresh token in the configuration.
    pub(crate) seed: Option<SecretString>,
    /// The client of the connection, with its present access.
    pub(crate) crm: PipedriveConfig,
    /// What it needs scopes for.
    pub(crate) doing: Doing,
}

/// An attempt that waits for its person.
pub struct Begun {
    /// The address to open. Whoever has it can give access in this connection's name: it is for one person's eyes.
    pub url: String,
    /// By what the attempt is known in the store.
    pub state_hash: String,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
    /// Whether a challenge goes along.
    pub pkce: bool,
}

/// Where a person is sent back to, if that is configured.
#[must_use]
pub fn redirect_url(connection: &Connection) -> Option<String> {
    let oauth = connection.pipedrive.oauth.as_ref()?;
    match (&oauth.redirect_url, &connection.webhooks) {
        (Some(url), _) => Some(url.to_string()),
        (None, Some(webhooks)) => {
            let base = webhooks.public_url.as_str().trim_end_matches('/');
            Some(format!("{base}/connect/{}", connection.name))
        }
        (None, None) => None,
    }
}

/// Doors by the names of their connections.
pub type ConnectDoors = BTreeMap<String, ConnectDoor>;

impl Connector {
    /// Begins an attempt: nothing is changed before a person comes back with its state.
    ///
    /// # Errors
    /// When what would come could not be kept (then nothing was sent), or the store fails.
    pub async fn begin(&self, redirect_url: String, company: Option<i64>) -> anyhow::Result<Begun> {
        self.can_keep().await?;
        let pkce = match self.pkce {
            Pkce::Always => true,
            Pkce::Never => false,
            // A state and a verifier that nobody will ever use.
            Pkce::Auto => {
                let probe = self.address(&redirect_url, &unguessable(), Some(&unguessable().into()));
                takes(&*self.way.transport, &probe).await
            }
        };
        let (state, verifier) = (unguessable(), pkce.then(|| SecretString::from(unguessable())));
        let state_hash = hex::encode(Sha256::digest(&state));
        let sealed = match &verifier {
            Some(verifier) => {
                let verifier = secrecy::ExposeSecret::expose_secret(verifier);
                Some(self.vault.seal("connect_attempt", &state_hash, verifier).await?)
            }
            None => None,
        };
        let url = self.address(&redirect_url, &state, verifier.as_ref());
        let made_at = self.way.clock.now();
        let expires_at = made_at + PATIENCE;
        let attempt = NewAttempt {
            state_hash: state_hash.clone(),
            verifier: sealed,
            redirect_url,
            company,
            made_at,
            expires_at,
        };
        self.store.put_attempt(self.id, &attempt).await?;
        Ok(Begun { url, state_hash, expires_at, pkce })
    }

    /// Refuses to go on where nothing could be kept.
    pub(crate) async fn can_keep(&self) -> anyhow::Result<()> {
        let usable = match self.vault.is_usable().await {
            Ok(()) => self.grant().state().await.map(drop),
            Err(error) => Err(error),
        };
        usable.map_err(|error| {
            let failed = Failed::new(ExitCode::Usage, format!("access cannot be kept: {error}"));
            failed.help("set the master key and run this again; `openssl rand -hex 32` makes one").into()
        })
    }

    fn address(&self, redirect_url: &str, state: &str, verifier: Option<&SecretString>) -> String {
        let mut url = self.authorize_url.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.way.client.id)
            .append_pair("redirect_uri", redirect_url)
            .append_pair("state", state);
        if let Some(verifier) = verifier {
            url.query_pairs_mut()
                .append_pair("code_challenge", &challenge(verifier))
                .append_pair("code_challenge_method", "S256");
        }
        url.into()
    }

    /// The present grant.
    pub(crate) fn grant(&self) -> RefreshToken {
        pipedrive::grant(self.seed.clone(), remedy(&self.name), Arc::clone(&self.vault) as _)
    }

    /// A client with other access than the present one, or at another address.
    pub(crate) fn client(&self, base_url: String, auth: PipedriveAuth) -> Called<Pipedrive> {
        let config = PipedriveConfig { base_url, auth, ..self.crm.clone() };
        let (transport, clock): (Arc<dyn Transport>, Arc<dyn Clock>) =
            (Arc::clone(&self.way.transport), Arc::clone(&self.way.clock));
        let (sleeper, spend) = (Arc::clone(&self.sleeper), Arc::clone(&self.spend));
        Pipedrive::new(config, transport, clock, sleeper, spend, Arc::clone(&self.vault) as _)
    }

    /// Keeps a refresh token of which it is not known yet whose it is; with nothing, forgets it.
    pub(crate) async fn keep_unknown(&self, refresh: &str) -> Result<(), sync_core::ports::VaultError> {
        self.vault.save(UNKNOWN, refresh).await
    }

    /// The door of this connection.
    #[must_use]
    pub fn door(self) -> ConnectDoor {
        ConnectDoor {
            connection: self.id,
            user: self.way.client.id.clone(),
            password: self.client_secret.clone(),
            vendor: Arc::new(self),
        }
    }
}
