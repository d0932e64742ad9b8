//! A person came back with consent: whose company is it, and may it be ours?

use async_trait::async_trait;
use pipedrive::{PipedriveAuth, Uninstalled, WhoAmI, home};
use saas_http::{Code, CodeGrant};
use secrecy::{ExposeSecret as _, SecretString};
use sync_core::error::{CallError, ErrorKind};
use sync_store::{Attempt, AttemptEnd, Company, Connected, Errand};
use sync_web::Connecting;
use url::Url;

use super::{Connector, remedy};
use crate::check::missing_scopes;

/// Why it did not come about, and what to do.
struct Refused {
    message: String,
    help: String,
}

#[async_trait]
impl Connecting for Connector {
    async fn granted(&self, attempt: &Attempt, code: SecretString) -> AttemptEnd {
        match self.accept(attempt, code).await {
            Ok(connected) => AttemptEnd::Connected(connected),
            Err(Refused { message, help }) => AttemptEnd::Failed { message, help },
        }
    }

    async fn ended(&self, told: &[u8]) {
        match Uninstalled::read(told) {
            Ok(uninstalled) => self.uninstalled(&uninstalled).await,
            Err(reason) => {
                tracing::warn!(connection = self.name, reason, "an uninstallation was not understood");
            }
        }
    }
}

impl Connector {
    async fn accept(&self, attempt: &Attempt, code: SecretString) -> Result<Connected, Refused> {
        let verifier = match &attempt.verifier {
            Some(sealed) => {
                let opened = self.vault.unseal("connect_attempt", &attempt.state_hash, sealed).await;
                Some(SecretString::from(opened.map_err(|error| self.later(error.to_string()))?))
            }
            None => None,
        };
        let code = Code { code, redirect_url: attempt.redirect_url.clone(), verifier };
        let granted = self.way.exchange(&code).await.map_err(|error| self.not_exchanged(&error))?;
        // Ours to lose from here on; whose it is, and whether it may take the old one's place, is asked next.
        let kept = self.keep_unknown(granted.refresh.expose_secret()).await;
        kept.map_err(|error| self.later(error.to_string()))?;
        let base_url = home(&self.crm.base_url, granted.api_domain.as_deref());
        let client = self.client(base_url, PipedriveAuth::Access(granted.access.clone()));
        let me = match client {
            Ok(client) => client.whoami().await,
            Err(error) => Err(error),
        };
        let me = me.map_err(|error| self.unknown(&error))?;
        if let Err(why) = self.may_be(attempt, &me).await? {
            return Err(self.give_back(&granted, &me, why).await);
        }
        self.take_over(granted, me).await
    }

    /// From here on this company's access is the connection's.
    async fn take_over(&self, granted: CodeGrant, me: WhoAmI) -> Result<Connected, Refused> {
        let WhoAmI { user_id, user_name, company_id, company_name, company_domain, admin: _ } = me;
        let now = self.way.clock.now();
        let company = Company {
            id: company_id,
            name: company_name.clone(),
            domain: company_domain.clone(),
            user_id,
            user_name: user_name.clone(),
            connected_at: now,
            ended: None,
        };
        let remembered = self.store.remember_company(self.id, &company).await;
        if !remembered.map_err(|error| self.later(error.to_string()))? {
            return Err(self.later("another company was connected at the same time".to_owned()));
        }
        let CodeGrant { access: _, refresh, life: _, scopes, api_domain } = granted;
        self.grant().begin(&refresh, now).await.map_err(|error| self.later(error.to_string()))?;
        if let Err(error) = self.keep_unknown("").await {
            tracing::warn!(connection = self.name, %error, "a second copy of a refresh token stays in the vault");
        }
        // Whoever works on the connection and was locked out need not wait.
        if let Err(error) = self.store.wish_for(self.id, "connect", &Errand::Sync, now).await {
            tracing::warn!(connection = self.name, %error, "the daemon goes on in some minutes only");
        }
        let missing = scopes.as_ref().map(|scopes| missing_scopes(scopes, self.doing)).unwrap_or_default();
        Ok(Connected {
            company_id,
            company_name,
            company_domain,
            user_id,
            user_name,
            scopes,
            missing,
            api_domain,
        })
    }

    /// Whether this company may be the connection's: the outer error is ours, the inner one a no.
    async fn may_be(&self, attempt: &Attempt, me: &WhoAmI) -> Result<Result<(), String>, Refused> {
        let theirs = me.company_id;
        let other = |id: i64, name: Option<&str>| {
            let name = name.map(|name| format!(" \"{name}\"")).unwrap_or_default();
            Ok(Err(format!("the connection {} belongs to company {id}{name}", self.name)))
        };
        if let Some(wanted) = attempt.company.filter(|wanted| *wanted != theirs) {
            return Ok(Err(format!("company {wanted} was asked for")));
        }
        let store = |error: sync_store::StoreError| self.later(error.to_string());
        match self.store.company(self.id).await.map_err(store)? {
            Some(known) if known.id == theirs => return Ok(Ok(())),
            Some(known) => return other(known.id, known.name.as_deref()),
            None => {}
        }
        if attempt.company.is_some() || !self.store.has_pairs(self.id).await.map_err(store)? {
            return Ok(Ok(()));
        }
        // Organizations are bound already, by a version that remembered no company.
        if let (Some(addressed), Some(domain)) = (addressed(&self.crm.base_url), &me.company_domain) {
            return match addressed == *domain {
                true => Ok(Ok(())),
                false => Ok(Err(format!("base_url names the company {addressed}"))),
            };
        }
        let before = match self.client(self.crm.base_url.clone(), self.crm.auth.clone()) {
            Ok(client) => client.whoami().await,
            Err(error) => Err(error),
        };
        match before {
            Ok(before) if before.company_id == theirs => Ok(Ok(())),
            Ok(before) => other(before.company_id, before.company_name.as_deref()),
            Err(_) => Ok(Err(format!(
                "organizations are bound already, and it is not known of which company; if it is this one, say so: \
                 `ml-connector connect {} --company {theirs}`",
                self.name
            ))),
        }
    }

    /// Gives the access of a company back that is not to be ours.
    async fn give_back(&self, granted: &CodeGrant, me: &WhoAmI, why: String) -> Refused {
        let name = me.company_name.as_deref().unwrap_or("?");
        let mut message = format!("This is access to company {} \"{name}\", but {why}.", me.company_id);
        match self.way.revoke(&self.revoke_url, &granted.refresh).await {
            Ok(()) => {
                message.push_str(" It was given back.");
                if let Err(error) = self.keep_unknown("").await {
                    tracing::warn!(connection = self.name, %error, "a worthless refresh token stays in the vault");
                }
            }
            Err(error) => {
                message.push_str(&format!(" It could not be given back ({error}): uninstall the app there."));
            }
        }
        let help = format!(
            "Nothing else was changed. Log in to the right company in the browser, then {}; another company wants a \
             connection of its own.",
            remedy(&self.name)
        );
        Refused { message, help }
    }

    fn not_exchanged(&self, error: &CallError) -> Refused {
        let help = match error.kind {
            ErrorKind::Unauthorized => format!(
                "A code lives five minutes and is good once; client_id, client_secret and redirect URL have to be those of \
                 the app. Nothing was changed; {}.",
                remedy(&self.name)
            ),
            ErrorKind::Transient { .. }
            | ErrorKind::Exhausted { .. }
            | ErrorKind::Forbidden
            | ErrorKind::Rejected
            | ErrorKind::UnknownField
            | ErrorKind::Missing
            | ErrorKind::Unreadable => format!("Nothing was changed; {} again.", remedy(&self.name)),
        };
        Refused { message: format!("The code could not be exchanged: {error}."), help }
    }

    fn unknown(&self, error: &CallError) -> Refused {
        let help = match error.kind {
            ErrorKind::Forbidden => "Give the app the scope base (Developer Hub > OAuth & access scopes). ",
            ErrorKind::Transient { .. }
            | ErrorKind::Exhausted { .. }
            | ErrorKind::Unauthorized
            | ErrorKind::Rejected
            | ErrorKind::UnknownField
            | ErrorKind::Missing
            | ErrorKind::Unreadable => "",
        };
        Refused {
            message: format!("It could not be found out whose access it is: {error}."),
            help: format!("{help}What was before is unchanged; {} again.", remedy(&self.name)),
        }
    }

    fn later(&self, message: String) -> Refused {
        Refused { message, help: format!("Put that right, then {} again.", remedy(&self.name)) }
    }
}

/// The company that an address names, if it names one.
fn addressed(base_url: &str) -> Option<String> {
    let url = Url::parse(base_url).ok()?;
    let first = url.host_str()?.strip_suffix(".pipedrive.com")?;
    (!matches!(first, "api" | "app")).then(|| first.to_owned())
}
