//! Subscriptions for webhooks (pipedrive.md 5.1).

use saas_http::{
    Answer, Endpoint as _, Pass,
    scalar::{int, required, text},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    hooks::{HookEntity, Subscription},
    ids::SubscriptionId,
    ports::Called,
};

use crate::{
    api::webhooks::{ACTION, CreateWebhook, DeleteWebhook, ListWebhooks, VERSION, WebhookDto},
    client::{Pipedrive, unreadable},
    shapes::says_no,
};

/// The longest name of a subscription.
const LONGEST_NAME: usize = 255;

impl Pipedrive {
    /// All subscriptions that we may see (10 tokens).
    ///
    /// # Errors
    /// As every call; [`ErrorKind::Unreadable`] when one of them has no id or address: ours may be the one.
    pub(crate) async fn list_subscriptions(&self, class: Class) -> Called<Vec<Subscription>> {
        self.every(class, |_| ListWebhooks, |row| read(row).map(Some)).await
    }

    /// Subscribes to every change of one kind of record (10 tokens).
    ///
    /// # Errors
    /// As every call; [`ErrorKind::Rejected`] when the address cannot be reached from there, or when there are 40 already.
    pub(crate) async fn make_subscription(
        &self,
        class: Class,
        entity: HookEntity,
        address: &str,
        name: &str,
    ) -> Called<Subscription> {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let login = self.hook_login();
        let login = login.map(|(user, password)| (user.as_str(), password.expose_secret()));
        let create = CreateWebhook::new(object(entity), address, &name, login);
        let Answer { value, correlation, .. } =
            self.caller.send(&create, Pass::Class(class)).await.map_err(not_offered)?;
        let made = value.one().map_err(str::to_owned).and_then(|data| read(&data));
        made.map_err(|what| unreadable::<CreateWebhook>(what).with_correlation(correlation))
    }

    /// Ends a subscription (6 tokens).
    ///
    /// # Errors
    /// As every call.
    pub(crate) async fn end_subscription(&self, class: Class, id: SubscriptionId) -> Called<()> {
        self.remove(&DeleteWebhook { id }, class).await
    }

    fn hook_login(&self) -> Option<&(String, SecretString)> {
        self.hook_login.as_ref()
    }
}

/// There is no such path where webhooks are not offered; that is no record that is missing. What was sent is not shown: whoever
/// knows the address has half of what it takes to be believed.
fn not_offered(error: CallError) -> CallError {
    let kind = if error.kind == ErrorKind::Missing { ErrorKind::Rejected } else { error.kind };
    CallError { kind, exchange: None, ..error }
}

fn read(row: &Json) -> Result<Subscription, String> {
    let dto: WebhookDto = serde_json::from_value(row.clone()).map_err(|error| error.to_string())?;
    let WebhookDto {
        id,
        subscription_url,
        event_action,
        event_object,
        version,
        is_active,
        remove_time,
        last_http_status,
    } = dto;
    let says = |name, value: Option<&Json>| text(name, value).map(Option::unwrap_or_default);
    let action = says("event_action", event_action.as_ref())?;
    let object = says("event_object", event_object.as_ref())?;
    let version = says("version", version.as_ref())?;
    let removed = text("remove_time", remove_time.as_ref())?.is_some();
    let entity = HookEntity::ALL.into_iter().find(|entity| self::object(*entity) == object);
    let answered = int("last_http_status", last_http_status.as_ref())?;
    Ok(Subscription {
        id: SubscriptionId(required("id", int("id", id.as_ref())?)?),
        address: required("subscription_url", text("subscription_url", subscription_url.as_ref())?)?,
        entity,
        complete: entity.is_some() && action == ACTION && (version == VERSION || version == "2"),
        active: !removed && !says_no(is_active.as_ref()),
        answered: answered.and_then(|status| u16::try_from(status).ok()),
    })
}

/// Pipedrive's word for a kind of record (5.1).
fn object(entity: HookEntity) -> &'static str {
    match entity {
        HookEntity::Organization => "organization",
        HookEntity::Deal => "deal",
    }
}

/// What subscriptions cost: of the list, of a new one, of an ended one.
pub const SUBSCRIPTION_TOKENS: [u32; 3] =
    [ListWebhooks::TOKENS, CreateWebhook::TOKENS, DeleteWebhook::TOKENS];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subscription_that_is_not_whole_is_told_apart() {
        let whole = json!({"id": 7, "subscription_url": "https://a.example/h", "event_action": "*",
            "event_object": "organization", "version": "2.0", "is_active": 1, "remove_time": null,
            "last_http_status": 200});
        let read = |change: Json| {
            let mut row = whole.clone();
            row.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            read(&row)
        };
        let seen = read(json!({})).unwrap();
        assert_eq!((seen.complete, seen.active, seen.answered), (true, true, Some(200)));
        assert_eq!(seen.entity, Some(HookEntity::Organization));
        let deals = read(json!({"event_object": "deal"})).unwrap();
        assert_eq!((deals.entity, deals.complete), (Some(HookEntity::Deal), true));
        assert_eq!(read(json!({"event_object": "*"})).unwrap().entity, None, "never asked for");
        for part in
            [json!({"event_action": "change"}), json!({"event_object": "*"}), json!({"version": "1.0"})]
        {
            assert!(!read(part.clone()).unwrap().complete, "{part}");
        }
        for dead in [json!({"is_active": 0}), json!({"is_active": "0"}), json!({"remove_time": "2026-01-01"})]
        {
            assert!(!read(dead.clone()).unwrap().active, "{dead}");
        }
        for broken in [json!({"id": null}), json!({"subscription_url": null})] {
            assert!(read(broken).is_err(), "ours may be this one");
        }
    }
}
