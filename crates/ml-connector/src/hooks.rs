//! The doors of a process for webhooks, made from the configuration.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::pbkdf2;
use pipedrive::{Encoding, HmacKeys, HookKeys, PipedriveHooks};
use secrecy::{ExposeSecret, SecretString};
use sync_core::{hooks::HookEntity, ids::ConnectionId};
use sync_engine::{Bell, Subscribing};
use sync_web::HookDoor;

use crate::config::{self, Connection, Require, Webhooks};

/// The door of a connection, if it takes webhooks.
///
/// # Errors
/// When a secret is missing.
pub fn door(
    connection: &Connection,
    id: ConnectionId,
    bell: Arc<Bell>,
    env: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<Option<HookDoor>> {
    let Some(webhooks) = &connection.webhooks else { return Ok(None) };
    let verifier = PipedriveHooks::new(&keys(webhooks, env)?)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("webhooks of {}", connection.name))?;
    let (base, paths) = (base(connection, webhooks), paths(connection, webhooks, env)?);
    Ok(Some(HookDoor { connection: id, base, paths, verifier: Arc::new(verifier), bell }))
}

/// The subscription that a connection shall have, given its door; without a door it shall have none.
pub fn subscribing(connection: &Connection, door: Option<&HookDoor>) -> Subscribing {
    let mut addresses = door.map(HookDoor::addresses).unwrap_or_default().into_iter();
    let address = addresses.next();
    Subscribing {
        wanted: address.is_some(),
        entities: entities(connection),
        address: address.unwrap_or_default(),
        older: addresses.collect(),
        name: format!("ml-connector {}", connection.name),
    }
}

/// What is to be told of: deals only where something follows from them.
pub fn entities(connection: &Connection) -> Vec<HookEntity> {
    let deals = connection.customers_from_crm.is_some() || connection.documents.is_some();
    std::iter::once(HookEntity::Organization).chain(deals.then_some(HookEntity::Deal)).collect()
}

/// Where a connection's door stands, up to what nobody guesses.
fn base(connection: &Connection, webhooks: &Webhooks) -> String {
    let base = webhooks.public_url.as_str().trim_end_matches('/');
    format!("{base}/hooks/{}/", connection.name)
}

/// The addresses of a connection's door, that of the secret in use first. Whoever knows one has half of what it takes to
/// send something: they are shown to people who ask, and nowhere else.
///
/// # Errors
/// When a secret is missing.
pub fn addresses(
    connection: &Connection,
    env: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<Vec<String>> {
    let Some(webhooks) = &connection.webhooks else { return Ok(Vec::new()) };
    let (base, paths) = (base(connection, webhooks), paths(connection, webhooks, env)?);
    Ok(paths.iter().map(|path| format!("{base}{path}")).collect())
}

/// Addresses end up in logs and on screens: whoever has one shall not find the password by trying many (OWASP's number for
/// PBKDF2 with SHA-256).
const ROUNDS: NonZeroU32 = match NonZeroU32::new(600_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

/// A path for each secret, so that one is valid as long as its secret is.
fn paths(
    connection: &Connection,
    webhooks: &Webhooks,
    env: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<Vec<String>> {
    let path = |user: &str, secret: &SecretString| {
        let salt = format!("ml-connector webhooks {} {user}", connection.name);
        let mut path = [0_u8; 16];
        let secret = secret.expose_secret().as_bytes();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt.as_bytes(), secret, &mut path);
        hex::encode(path)
    };
    let resolved = webhooks.logins().into_iter().map(|(user, secret)| Ok(path(user, &secret.resolve(env)?)));
    resolved.collect()
}

fn keys(webhooks: &Webhooks, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<HookKeys> {
    let Webhooks { public_url: _, basic, hmac, require } = webhooks;
    let basic = basic.iter().map(|basic| Ok((basic.user.clone(), basic.password.resolve(env)?)));
    let hmac = hmac.as_ref().map(|hmac| {
        let secrets = std::iter::once(&hmac.secret).chain(&hmac.old_secret);
        let secrets: anyhow::Result<Vec<SecretString>> =
            secrets.map(|secret| Ok(secret.resolve(env)?)).collect();
        let encoding = match hmac.encoding {
            config::Encoding::Hex => Encoding::Hex,
            config::Encoding::Base64 => Encoding::Base64,
        };
        let (header, prefix) = (hmac.header.clone(), hmac.prefix.clone());
        anyhow::Ok(HmacKeys { header, prefix, encoding, secrets: secrets? })
    });
    let basic: anyhow::Result<Vec<(String, SecretString)>> = basic.collect();
    Ok(HookKeys { basic: basic?, hmac: hmac.transpose()?, all: *require == Require::All })
}

/// Doors by the names of their connections.
pub type Doors = BTreeMap<String, HookDoor>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn addresses_with(webhooks: &str) -> Vec<String> {
        let example = include_str!("../tests/example.toml");
        let text = format!(
            "{example}\n[connection.webhooks]\npublic_url = \"https://sync.example.com/\"\n{webhooks}"
        );
        let config = Config::parse(&text, "ml-connector.toml").unwrap();
        addresses(&config.connections[0], &|_| None).unwrap()
    }

    #[test]
    fn every_secret_has_an_address_that_nobody_guesses() {
        let one = addresses_with("basic = [{ user = \"a\", password = \"one\" }]");
        let [address] = &one[..] else { panic!("{one:?}") };
        let path = address.strip_prefix("https://sync.example.com/hooks/acme/").unwrap();
        assert!(path.len() == 32 && path.bytes().all(|c| c.is_ascii_hexdigit()), "{path}");
        assert!(!address.contains("one"));
        let both = addresses_with(
            "basic = [{ user = \"a\", password = \"two\" }, { user = \"a\", password = \"one\" }]\n\
             hmac = { secret = \"three\" }",
        );
        assert_eq!((both.len(), &both[1]), (3, address), "an older one stays valid while its secret does");
    }
}
