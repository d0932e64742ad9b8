//! Access ends: by us, or by somebody at Pipedrive.

use pipedrive::Uninstalled;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use sync_store::CompanyEnd;

use super::Connector;
use crate::exit::{ExitCode, Failed};

/// What became of giving access back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disconnected {
    /// The connection.
    pub connection: String,
    /// Whether there was anything to give back; the second time there is not.
    pub revoked: bool,
    /// Whether the configuration has a refresh token, which is not used any more and should go.
    pub token_in_file: bool,
}

impl Connector {
    /// Gives access back and forgets it. Twice is once.
    ///
    /// # Errors
    /// When Pipedrive cannot be reached: then nothing is forgotten, or it could not be given back any more. When the store
    /// fails.
    pub async fn disconnect(&self) -> anyhow::Result<Disconnected> {
        self.can_keep().await?;
        let grant = self.grant();
        let mut revoked = false;
        let mut given_back = None;
        if let Some(refresh) = grant.current().await? {
            self.revoke(&refresh).await?;
            (revoked, given_back) = (true, Some(refresh));
        }
        let now = self.way.clock.now();
        let forgotten = grant.end(now).await?;
        // A daemon may have exchanged it for another just then.
        let same = |other: &secrecy::SecretString| {
            given_back.as_ref().is_some_and(|given| given.expose_secret() == other.expose_secret())
        };
        if let Some(other) = forgotten.filter(|other| !same(other)) {
            self.revoke(&other).await?;
        }
        self.store.end_company(self.id, CompanyEnd::Disconnected, now).await?;
        Ok(Disconnected { connection: self.name.clone(), revoked, token_in_file: self.seed.is_some() })
    }

    async fn revoke(&self, refresh: &secrecy::SecretString) -> anyhow::Result<()> {
        self.way.revoke(&self.revoke_url, refresh).await.map_err(|error| {
            let failed = Failed::new(ExitCode::Remote, format!("access was not given back: {error}"));
            failed.help("it is kept until then; run this again, or uninstall the app in Pipedrive").into()
        })
    }

    /// Somebody uninstalled the app; that Pipedrive says so is proven.
    pub(super) async fn uninstalled(&self, told: &Uninstalled) {
        let name = self.name.as_str();
        let Uninstalled { client_id, company_id, user_id, at } = told;
        let company = match self.store.company(self.id).await {
            Ok(company) => company,
            Err(error) => {
                tracing::error!(connection = name, %error, "an uninstallation cannot be looked into");
                return;
            }
        };
        // Told late, it may speak of an installation before this one. Stamps of others may have whole seconds only.
        let ours = company.filter(|company| {
            company.id == *company_id
                // Each user of a company has an installation of its own.
                && user_id.is_none_or(|user| user == company.user_id)
                && *client_id == self.way.client.id
                && at.as_second() >= company.connected_at.as_second()
        });
        if ours.is_none() {
            tracing::info!(connection = name, company = company_id, %at, "an uninstallation is not about this access");
            return;
        }
        let now = self.way.clock.now();
        let ended = self.grant().end(now).await;
        let noted = self.store.end_company(self.id, CompanyEnd::Uninstalled, now).await;
        if let Err(error) = &ended {
            tracing::error!(connection = name, %error, "a dead refresh token could not be forgotten");
        }
        if let Err(error) = &noted {
            tracing::error!(connection = name, %error, "an uninstallation could not be noted");
        }
        tracing::warn!(
            connection = name,
            company = company_id,
            user = user_id,
            "the app was uninstalled in Pipedrive: {}",
            super::remedy(name)
        );
    }
}
