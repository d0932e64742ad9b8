//! `[[connection]]`

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use sync_core::fields::Field;

use super::diagnose::At;
use super::{
    Authentication, ConfigError, Credentials, Customers, CustomersFromCrm, Documents, Fields, Oracle,
    Pipedrive, Secret, Sync, Webhooks,
};

/// One Fusion instance and one Pipedrive company that are kept the same. There may be many.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The name by which logs, summaries and the store know this connection: 1 to 64 of `a-z`, `0-9`, `-` and `_`,
    /// not used twice. A new name is a new connection that knows nothing of the old one's pairs. Required.
    #[schemars(regex(pattern = "^[a-z0-9_-]{1,64}$"))]
    pub name: String,

    /// Whether this connection is worked on. Default `true`.
    #[serde(default = "enabled")]
    pub enabled: bool,

    /// The ERP side. Required.
    pub oracle: Oracle,

    /// The CRM side. Required.
    pub pipedrive: Pipedrive,

    /// Which parties are customers, and what happens when they end or return. Default: all its defaults.
    #[serde(default)]
    pub customers: Customers,

    /// What is mapped. Default: all its defaults.
    #[serde(default)]
    pub fields: Fields,

    /// How often and how carefully. Default: all its defaults.
    #[serde(default)]
    pub sync: Sync,

    /// What sales won becomes a customer of the ERP. No default: nothing is written to the ERP.
    pub customers_from_crm: Option<CustomersFromCrm>,

    /// What the ERP issued is shown on the deal it belongs to. No default: no document is read.
    pub documents: Option<Documents>,

    /// How webhooks come in. No default: everything works by polling.
    pub webhooks: Option<Webhooks>,
}

fn enabled() -> bool {
    true
}

impl Connection {
    /// Every secret of this connection, by its key.
    ///
    /// # Errors
    /// As [`Oracle::authentication`] and [`Pipedrive::credentials`].
    pub fn secrets(&self) -> Result<Vec<(&'static str, &Secret)>, ConfigError> {
        let mut secrets = vec![match self.oracle.authentication()? {
            Authentication::Secret(secret) => ("oracle.client_secret", secret),
            Authentication::Assertion(assertion) => ("oracle.assertion.key", &assertion.key),
        }];
        match self.pipedrive.credentials()? {
            Credentials::ApiToken(token) => secrets.push(("pipedrive.api_token", token)),
            Credentials::OAuth(oauth) => {
                secrets.push(("pipedrive.oauth.client_secret", &oauth.client_secret));
                let seed = oauth.refresh_token.iter();
                secrets.extend(seed.map(|seed| ("pipedrive.oauth.refresh_token", seed)));
            }
        }
        secrets.extend(self.webhooks.iter().flat_map(Webhooks::secrets));
        Ok(secrets)
    }

    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        let Self {
            name,
            enabled: _,
            oracle,
            pipedrive,
            customers,
            fields,
            sync,
            customers_from_crm,
            documents,
            webhooks,
        } = self;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if !(1..=64).contains(&name.len()) || !name.chars().all(allowed) {
            let at = at.key("name");
            return Err(at.fail("this is not a name for a connection", "write 1 to 64 of a-z, 0-9, - and _"));
        }
        oracle.check(&at.key("oracle"), folder)?;
        pipedrive.check(&at.key("pipedrive"), folder)?;
        customers.check(&at.key("customers"))?;
        fields.check(&at.key("fields"))?;
        if fields.table().has(Field::Parent) && !customers.hierarchy {
            return Err(at.key("fields").key("more").fail(
                "\"parent\" needs the ERP's relationships, which are not read",
                "write hierarchy = true under [connection.customers], or remove \"parent\"",
            ));
        }
        if let Some(handovers) = customers_from_crm {
            handovers.check(&at.key("customers_from_crm"))?;
        }
        if let Some(documents) = documents {
            documents.check(&at.key("documents"))?;
        }
        if let Some(webhooks) = webhooks {
            webhooks.check(&at.key("webhooks"), folder)?;
        }
        sync.check(&at.key("sync"))
    }
}
