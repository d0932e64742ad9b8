//! The clients of a connection, made from its configuration. With `wire.rs` the only file that knows which vendor plays
//! which role.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use jiff::SignedDuration;
use oracle_fusion::{Fusion, FusionConfig, Terms};
use pipedrive::{Pipedrive, PipedriveAuth, PipedriveConfig};
use saas_http::{
    BaseUrl, ClientAssertion, ClientProof, HttpSettings, HttpTransport, OAuthClient, OAuthWay, RefreshToken,
    Sleeper, Transport,
};
use secrecy::SecretString;
use sync_core::{
    budget::{self, DailyBudget},
    fields::Field,
    ids::ConnectionId,
    ports::{Clock, Spend, TokenVault},
};
use sync_store::{Ledger, MasterKey, Store, Vault};

use crate::{
    check::Doing,
    config::{self, Authentication, Connection, Credentials},
    connect::{Connector, remedy},
    exit::{ExitCode, Failed},
    wire::{interest, policy},
};

/// How long somebody who is told has to answer.
const ALERT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Makes clients.
pub struct Clients<'a> {
    /// Looks an environment variable up.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from: ids of client assertions are made of it.
    pub seed: &'a dyn Fn() -> [u8; 16],
}

/// Randomness of the system.
#[expect(clippy::disallowed_methods, reason = "the one place where clients get randomness from the system")]
pub fn system_seed() -> [u8; 16] {
    rand::random()
}

/// What the client of the CRM keeps between processes.
pub struct Kept {
    /// The ledger of the daily budget.
    pub spend: Arc<dyn Spend>,
    /// Where rotated tokens are.
    pub vault: Arc<dyn TokenVault>,
}

impl Clients<'_> {
    /// The ERP of a connection, over this transport.
    ///
    /// # Errors
    /// When the secret is missing or an address cannot be used.
    pub fn fusion(&self, connection: &Connection, transport: Arc<dyn Transport>) -> anyhow::Result<Fusion> {
        let (oracle, fields) = (&connection.oracle, connection.fields.table());
        let config = FusionConfig {
            base_url: oracle.base_url.to_string(),
            token_url: oracle.token_url.to_string(),
            client_id: oracle.client_id.clone(),
            client_proof: self.client_proof(oracle)?,
            scope: oracle.scope.clone(),
            page_size: oracle.page_size,
            api_version: oracle.api_version.clone(),
            timeout: oracle.timeout.unsigned_abs(),
            concurrency: oracle.concurrency as usize,
            attributes: fields.attributes(),
            terms: Terms {
                class: fields.has(Field::AccountClass),
                payment_terms: fields.has(Field::PaymentTerms),
            },
            created_by_module: FusionConfig::CREATED_BY_MODULE.to_owned(),
        };
        let fusion = Fusion::new(config, transport, self.clock.clone())?;
        let asks = connection.customers_from_crm.as_ref().is_some_and(|section| section.find_duplicates);
        Ok(if asks { fusion.asking_for_duplicates() } else { fusion })
    }

    fn client_proof(&self, oracle: &config::Oracle) -> anyhow::Result<ClientProof> {
        Ok(match oracle.authentication()? {
            Authentication::Secret(secret) => ClientProof::Secret(secret.resolve(self.env)?),
            Authentication::Assertion(assertion) => {
                let (key, name) = assertion.signer(self.env)?;
                let (audience, life) = (assertion.audience.clone(), assertion.life);
                ClientProof::Assertion(ClientAssertion::new(key, name, audience, life, (self.seed)()))
            }
        })
    }

    /// The CRM of a connection, over this transport.
    ///
    /// # Errors
    /// When a secret is missing or an address cannot be used.
    pub fn pipedrive(
        &self,
        connection: &Connection,
        transport: Arc<dyn Transport>,
        sleeper: Arc<dyn Sleeper>,
        kept: Kept,
    ) -> anyhow::Result<Pipedrive> {
        let config = self.crm_config(connection)?;
        let Kept { spend, vault } = kept;
        Ok(Pipedrive::new(config, transport, self.clock.clone(), sleeper, spend, vault)?)
    }

    fn crm_config(&self, connection: &Connection) -> anyhow::Result<PipedriveConfig> {
        let settings = &connection.pipedrive;
        let auth = match settings.credentials()? {
            Credentials::ApiToken(token) => PipedriveAuth::ApiToken(token.resolve(self.env)?),
            Credentials::OAuth(oauth) => PipedriveAuth::OAuth {
                client_id: oauth.client_id.clone(),
                client_secret: oauth.client_secret.resolve(self.env)?,
                token_url: oauth.token_url.to_string(),
                refresh_token: self.seed(oauth)?,
                remedy: remedy(&connection.name),
            },
        };
        Ok(PipedriveConfig {
            base_url: settings.base_url.to_string(),
            auth,
            plan: plan(settings.plan),
            seats: settings.seats,
            burst: settings.burst,
            search_burst: settings.search_burst,
            timeout: settings.timeout.unsigned_abs(),
            owner_id: settings.owner_id,
            fields: connection.fields.table().custom(),
            labels: policy(connection).wanted_labels(),
            asked: interest(connection),
            visible_to: settings.visible_to.map(i64::from),
            hook_login: self.hook_login(connection),
        })
    }

    fn seed(&self, oauth: &config::OAuth) -> anyhow::Result<Option<SecretString>> {
        Ok(oauth.refresh_token.as_ref().map(|seed| seed.resolve(self.env)).transpose()?)
    }

    /// The grant of a connection that is an app; none where it is none.
    ///
    /// # Errors
    /// When a secret is missing.
    pub fn grant(
        &self,
        connection: &Connection,
        vault: Arc<dyn TokenVault>,
    ) -> anyhow::Result<Option<RefreshToken>> {
        let Credentials::OAuth(oauth) = connection.pipedrive.credentials()? else { return Ok(None) };
        Ok(Some(pipedrive::grant(self.seed(oauth)?, remedy(&connection.name), vault)))
    }

    /// Whoever gets and ends the access of a connection that is an app; none where it is none.
    ///
    /// # Errors
    /// When a secret is missing or an address cannot be used.
    pub fn connector(
        &self,
        connection: &Connection,
        (store, id): (&Store, ConnectionId),
        transport: Arc<dyn Transport>,
        sleeper: Arc<dyn Sleeper>,
    ) -> anyhow::Result<Option<Connector>> {
        let Credentials::OAuth(oauth) = connection.pipedrive.credentials()? else { return Ok(None) };
        let client_secret = oauth.client_secret.resolve(self.env)?;
        let client = OAuthClient {
            token_url: BaseUrl::parse("token_url", oauth.token_url.as_str())?,
            id: oauth.client_id.clone(),
            proof: ClientProof::Secret(client_secret.clone()),
        };
        Ok(Some(Connector {
            name: connection.name.clone(),
            id,
            store: store.clone(),
            vault: Arc::new(self.vault(store, id)?),
            spend: Arc::new(Ledger::new(store.clone(), id, budget(&connection.pipedrive))),
            sleeper,
            way: OAuthWay { client, transport, clock: self.clock.clone() },
            client_secret,
            authorize_url: oauth.authorize_url.clone(),
            revoke_url: BaseUrl::parse("revoke_url", oauth.revoke_url.as_str())?,
            pkce: oauth.pkce,
            seed: self.seed(oauth)?,
            crm: self.crm_config(connection)?,
            doing: Doing::of(connection),
        }))
    }

    /// User and password of the secret in use. Only whoever takes webhooks in needs it, and says so if it is missing.
    fn hook_login(&self, connection: &Connection) -> Option<(String, SecretString)> {
        let basic = connection.webhooks.as_ref()?.basic.first()?;
        Some((basic.user.clone(), basic.password.resolve(self.env).ok()?))
    }

    /// The vault, if a master key can be found (architecture section 8).
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn vault(&self, store: &Store, id: ConnectionId) -> anyhow::Result<Vault> {
        let from_file = |path: &std::path::Path| {
            std::fs::read_to_string(path)
                .with_context(|| format!("the master key {} cannot be read", path.display()))
        };
        let credentials =
            (self.env)("CREDENTIALS_DIRECTORY").map(|dir| std::path::Path::new(&dir).join("master-key"));
        let text = if let Some(path) = credentials.filter(|path| path.exists()) {
            from_file(&path)?
        } else if let Some(path) = (self.env)("MLC_MASTER_KEY_FILE") {
            from_file(path.as_ref())?
        } else if let Some(text) = (self.env)("MLC_MASTER_KEY") {
            text
        } else {
            return Ok(Vault::absent());
        };
        let key = master_key(text.trim()).ok_or_else(|| {
            Failed::new(ExitCode::Usage, "the master key is not 64 hexadecimal digits")
                .help("make one with `openssl rand -hex 32`")
        })?;
        Ok(Vault::new(store.clone(), id, key))
    }
}

/// The network, as the ERP side of a connection wants it.
///
/// # Errors
/// When its `ca_file` cannot be used.
pub fn erp_transport(oracle: &config::Oracle) -> anyhow::Result<Arc<dyn Transport>> {
    transport(oracle.timeout, oracle.ca_file.as_deref())
}

/// The network, as the CRM side of a connection wants it.
///
/// # Errors
/// When its `ca_file` cannot be used.
pub fn crm_transport(pipedrive: &config::Pipedrive) -> anyhow::Result<Arc<dyn Transport>> {
    transport(pipedrive.timeout, pipedrive.ca_file.as_deref())
}

/// The network, as alerts want it: nobody waits long for whoever is told.
///
/// # Errors
/// When TLS cannot be set up.
pub fn alert_transport() -> anyhow::Result<Arc<dyn Transport>> {
    let settings = HttpSettings { timeout: ALERT_TIMEOUT, max_answer: 1 << 20, ..HttpSettings::default() };
    Ok(Arc::new(HttpTransport::new(&settings)?))
}

/// What a connection may spend a day.
pub fn budget(settings: &config::Pipedrive) -> DailyBudget {
    let tokens = settings.daily_tokens.unwrap_or_else(|| plan(settings.plan).daily_tokens(settings.seats));
    DailyBudget { tokens, max_share: settings.max_share, reserve: settings.reserve }
}

fn transport(timeout: SignedDuration, ca_file: Option<&Path>) -> anyhow::Result<Arc<dyn Transport>> {
    let mut settings = HttpSettings { timeout: timeout.unsigned_abs(), ..HttpSettings::default() };
    let unusable = |path: &Path, why: String| {
        Failed::new(ExitCode::Usage, format!("ca_file {} cannot be used: {why}", path.display()))
            .help("name a PEM file with the certificates of the private authority")
    };
    if let Some(path) = ca_file {
        settings.extra_roots.push(std::fs::read(path).map_err(|error| unusable(path, error.to_string()))?);
    }
    let transport = HttpTransport::new(&settings);
    match (transport, ca_file) {
        (Ok(transport), _) => Ok(Arc::new(transport)),
        (Err(error), Some(path)) => Err(unusable(path, error.to_string()).into()),
        (Err(error), None) => Err(error.into()),
    }
}

/// The core's word for a plan.
pub fn plan(plan: config::Plan) -> budget::Plan {
    match plan {
        config::Plan::Lite => budget::Plan::Lite,
        config::Plan::Growth => budget::Plan::Growth,
        config::Plan::Premium => budget::Plan::Premium,
        config::Plan::Ultimate => budget::Plan::Ultimate,
    }
}

fn master_key(text: &str) -> Option<MasterKey> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(MasterKey::from_bytes(bytes))
}
