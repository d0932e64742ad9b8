//! `webhooks` of v1: subscriptions for changes (pipedrive.md 5.1). There is no edit: what changes is made anew.

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::{Value, json};
use sync_core::ids::SubscriptionId;

use super::Envelope;

const PATH: &str = "v1/webhooks";

/// What we subscribe to: every action, in the second version of payloads.
pub(crate) const ACTION: &str = "*";
/// Always said: the default changed once, and many clients broke (8).
pub(crate) const VERSION: &str = "2.0";

/// All subscriptions that we may see: of a user's token those of the company, of an app its own. Not paged.
pub(crate) struct ListWebhooks;

impl Endpoint for ListWebhooks {
    const NAME: &'static str = "webhooks.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 10;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }
}

/// Subscribes. Nothing makes this idempotent but looking at the list before.
pub(crate) struct CreateWebhook {
    body: Value,
    password: Option<String>,
}

impl CreateWebhook {
    pub(crate) fn new(object: &str, address: &str, name: &str, login: Option<(&str, &str)>) -> Self {
        let mut body = json!({
            "subscription_url": address,
            "event_action": ACTION,
            "event_object": object,
            "version": VERSION,
            "name": name,
        });
        if let (Some((user, password)), Some(body)) = (login, body.as_object_mut()) {
            body.insert("http_auth_user".to_owned(), user.into());
            body.insert("http_auth_password".to_owned(), password.into());
        }
        Self { body, password: login.map(|(_, password)| password.to_owned()) }
    }
}

impl Endpoint for CreateWebhook {
    const NAME: &'static str = "webhooks.create";
    const METHOD: Method = Method::POST;
    const TOKENS: u32 = 10;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn body(&self) -> Option<Value> {
        Some(self.body.clone())
    }

    fn secret(&self) -> Option<&str> {
        self.password.as_deref()
    }
}

/// Ends a subscription.
pub(crate) struct DeleteWebhook {
    pub(crate) id: SubscriptionId,
}

impl Endpoint for DeleteWebhook {
    const NAME: &'static str = "webhooks.delete";
    const METHOD: Method = Method::DELETE;
    const TOKENS: u32 = 6;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }
}

/// The part of a subscription that we need. User and password come back encrypted: there is nothing to compare.
#[derive(Debug, Deserialize)]
pub(crate) struct WebhookDto {
    pub(crate) id: Option<Value>,
    pub(crate) subscription_url: Option<Value>,
    pub(crate) event_action: Option<Value>,
    pub(crate) event_object: Option<Value>,
    pub(crate) version: Option<Value>,
    /// 1 or 0.
    pub(crate) is_active: Option<Value>,
    /// When it was removed, if it was: whether such are listed is UNVERIFIED.
    pub(crate) remove_time: Option<Value>,
    pub(crate) last_http_status: Option<Value>,
}
