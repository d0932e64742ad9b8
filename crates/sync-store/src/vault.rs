//! Sealed credentials: an XChaCha20-Poly1305 envelope. The master key wraps one data key per connection; the data
//! key seals values. What is sealed is bound to its connection, name and key version.

use async_trait::async_trait;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretSlice};
use sync_core::{
    ids::ConnectionId,
    ports::{TokenVault, VaultError},
};
use zeroize::Zeroizing;

use crate::{Store, StoreError};

/// The key that wraps data keys: 32 bytes.
#[derive(Clone)]
pub struct MasterKey(SecretSlice<u8>);

impl MasterKey {
    /// A key from its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec().into())
    }

    /// A new random key, for `demo`.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_bytes(random())
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// The sealed credentials of one connection.
#[derive(Clone)]
pub struct Vault(Option<Inner>);

#[derive(Clone)]
struct Inner {
    store: Store,
    connection: ConnectionId,
    master: MasterKey,
}

const VERSION: i64 = 1;
const NONCE: usize = 24;
const NO_KEY: &str = "there is no master key to seal them with: give one as the systemd credential `master-key`, \
    as a file named by MLC_MASTER_KEY_FILE, or in MLC_MASTER_KEY (64 hexadecimal digits)";

impl Vault {
    /// The vault of a connection.
    #[must_use]
    pub fn new(store: Store, connection: ConnectionId, master: MasterKey) -> Self {
        Self(Some(Inner { store, connection, master }))
    }

    /// No vault: there is no master key, so nothing obtained can be kept.
    #[must_use]
    pub fn absent() -> Self {
        Self(None)
    }

    /// Whether anything can be kept and opened: there is a master key, and it is the one that sealed what is there.
    ///
    /// # Errors
    /// What is in the way, with the remedy.
    pub async fn is_usable(&self) -> Result<(), VaultError> {
        self.inner()?.data_key().await.map(drop)
    }

    /// Seals a text that is kept in `row` of another `table`.
    ///
    /// # Errors
    /// When there is no master key, or the database refuses.
    pub async fn seal(&self, table: &str, row: &str, text: &str) -> Result<String, VaultError> {
        let inner = self.inner()?;
        seal(&inner.or_make_data_key().await?, &inner.bound_to(table, row, VERSION), text.as_bytes())
    }

    /// Opens what [`Vault::seal`] sealed for the same row.
    ///
    /// # Errors
    /// When it was altered or is of another row or key.
    pub async fn unseal(&self, table: &str, row: &str, sealed: &str) -> Result<String, VaultError> {
        let inner = self.inner()?;
        let gone = || VaultError(format!("the data key of {table} is gone"));
        let key = inner.data_key().await?.ok_or_else(gone)?;
        text(&open(&key, &inner.bound_to(table, row, VERSION), sealed)?, table)
    }

    fn inner(&self) -> Result<&Inner, VaultError> {
        self.0.as_ref().ok_or_else(|| VaultError(NO_KEY.to_owned()))
    }
}

#[async_trait]
impl TokenVault for Vault {
    async fn load(&self, name: &str) -> Result<Option<String>, VaultError> {
        let Some(sealed) = self.inner()?.sealed(name).await? else { return Ok(None) };
        self.inner()?.opened(name, &sealed).await.map(Some)
    }

    async fn save(&self, name: &str, secret: &str) -> Result<(), VaultError> {
        let inner = self.inner()?;
        let sealed = inner.seal_credential(name, secret).await?;
        let mut tx = inner.store.begin(inner.connection).await.map_err(told)?;
        let sql = "INSERT INTO credential (connection_id, name, key_version, sealed) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (connection_id, name) DO UPDATE SET \
            key_version = excluded.key_version, sealed = excluded.sealed";
        let args = vec![tx.id(), name.into(), VERSION.into(), sealed.into()];
        tx.execute(sql, args).await.map_err(told)?;
        tx.commit().await.map_err(told)
    }

    async fn swap(&self, name: &str, was: Option<&str>, secret: &str) -> Result<bool, VaultError> {
        let inner = self.inner()?;
        let there = inner.sealed(name).await?;
        let opened = match &there {
            Some(sealed) => Some(inner.opened(name, sealed).await?),
            None => None,
        };
        if opened.as_deref() != was {
            return Ok(false);
        }
        let sealed = inner.seal_credential(name, secret).await?;
        let mut tx = inner.store.begin(inner.connection).await.map_err(told)?;
        // No two sealed texts are the same: each has a nonce of its own.
        let (sql, args) = match there {
            Some((_, there)) => {
                let sql = "UPDATE credential SET key_version = $3, sealed = $4 \
                    WHERE connection_id = $1 AND name = $2 AND sealed = $5";
                (sql, vec![tx.id(), name.into(), VERSION.into(), sealed.into(), there.into()])
            }
            None => {
                let sql = "INSERT INTO credential (connection_id, name, key_version, sealed) \
                    VALUES ($1, $2, $3, $4) ON CONFLICT (connection_id, name) DO NOTHING";
                (sql, vec![tx.id(), name.into(), VERSION.into(), sealed.into()])
            }
        };
        let swapped = tx.execute(sql, args).await.map_err(told)? == 1;
        tx.commit().await.map_err(told)?;
        Ok(swapped)
    }
}

impl Inner {
    /// A credential as it lies there, with the version of its key.
    async fn sealed(&self, name: &str) -> Result<Option<(i64, String)>, VaultError> {
        let mut tx = self.store.read(self.connection).await.map_err(told)?;
        let sql = "SELECT name, key_version, sealed FROM credential WHERE connection_id = $1 AND name = $2";
        let args = vec![tx.id(), name.into()];
        let read = |row: &crate::sql::Row<'_>| Ok((row.int(1, "key_version")?, row.text(2, "sealed")?));
        tx.fetch_one("credential", sql, args, read).await.map_err(told)
    }

    async fn opened(&self, name: &str, (version, sealed): &(i64, String)) -> Result<String, VaultError> {
        let Some(key) = self.data_key().await? else {
            return Err(VaultError(format!("the data key of {name} is gone")));
        };
        text(&open(&key, &self.bound_to("credential", name, *version), sealed)?, name)
    }

    async fn seal_credential(&self, name: &str, secret: &str) -> Result<String, VaultError> {
        let key = self.or_make_data_key().await?;
        seal(&key, &self.bound_to("credential", name, VERSION), secret.as_bytes())
    }

    async fn or_make_data_key(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match self.data_key().await? {
            Some(key) => Ok(key),
            None => self.make_data_key().await,
        }
    }

    fn bound_to(&self, table: &str, name: &str, version: i64) -> String {
        format!("{}|{table}|{name}|{version}", self.connection)
    }

    async fn data_key(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let mut tx = self.store.read(self.connection).await.map_err(told)?;
        let sql = "SELECT version, wrapped FROM data_key WHERE connection_id = $1";
        let args = vec![tx.id()];
        let row = tx
            .fetch_one("data_key", sql, args, |row| Ok((row.int(0, "version")?, row.text(1, "wrapped")?)))
            .await
            .map_err(told)?;
        let Some((version, wrapped)) = row else { return Ok(None) };
        open(self.master.0.expose_secret(), &self.bound_to("data_key", "", version), &wrapped).map(Some)
    }

    /// Makes the connection's data key; where another process was faster, its key counts.
    async fn make_data_key(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let key = Zeroizing::new(random::<32>());
        let wrapped = seal(self.master.0.expose_secret(), &self.bound_to("data_key", "", VERSION), &*key)?;
        let mut tx = self.store.begin(self.connection).await.map_err(told)?;
        let sql = "INSERT INTO data_key (connection_id, version, wrapped) VALUES ($1, $2, $3) \
            ON CONFLICT (connection_id) DO NOTHING";
        let args = vec![tx.id(), VERSION.into(), wrapped.into()];
        tx.execute(sql, args).await.map_err(told)?;
        tx.commit().await.map_err(told)?;
        self.data_key().await?.ok_or_else(|| VaultError("the data key could not be stored".to_owned()))
    }
}

fn seal(key: &[u8], bound_to: &str, plain: &[u8]) -> Result<String, VaultError> {
    let nonce: [u8; NONCE] = random();
    let payload = Payload { msg: plain, aad: bound_to.as_bytes() };
    let sealed = cipher(key)?.encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.map_err(|_| VaultError("a secret could not be sealed".to_owned()))?;
    Ok(hex::encode([nonce.as_slice(), &sealed].concat()))
}

fn open(key: &[u8], bound_to: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let broken =
        || VaultError("a secret cannot be opened: it was altered, or the master key is another".to_owned());
    let bytes = hex::decode(sealed).map_err(|_| broken())?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or_else(broken)?;
    let payload = Payload { msg: sealed, aad: bound_to.as_bytes() };
    let plain = cipher(key)?.decrypt(&XNonce::from(*nonce), payload).map_err(|_| broken())?;
    Ok(Zeroizing::new(plain))
}

fn text(plain: &[u8], name: &str) -> Result<String, VaultError> {
    String::from_utf8(plain.to_vec()).map_err(|_| VaultError(format!("{name} is not text")))
}

/// A text that nobody guesses: 32 random bytes as 64 hexadecimal digits.
#[must_use]
pub fn unguessable() -> String {
    hex::encode(random::<32>())
}

fn cipher(key: &[u8]) -> Result<XChaCha20Poly1305, VaultError> {
    XChaCha20Poly1305::new_from_slice(key).map_err(|_| VaultError("a key must have 32 bytes".to_owned()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "keys and nonces must be unpredictable: the one source of randomness"
)]
fn random<const N: usize>() -> [u8; N] {
    std::array::from_fn(|_| rand::random())
}

fn told(error: StoreError) -> VaultError {
    VaultError(error.told())
}
