//! Webhooks: where they come in, the subscriptions at the CRM, and the newest events.

use serde::Serialize;
use sync_core::hooks::HookEntity;
use sync_engine::subscriptions::{HookState, STATE, digest};
use sync_store::{HookSeen, OurSubscription, Tx};
use utoipa::ToSchema;

use super::{TellError, at};

/// Subscriptions that are told.
const MOST_SUBSCRIPTIONS: u32 = 10;

/// Webhooks of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhooksTold {
    /// Whether this process takes them in.
    pub(crate) taken_in: bool,
    /// Where. Told to admins alone: whoever knows it has half of what a webhook proves.
    pub(crate) address: Option<String>,
    /// Addresses that are valid as long as the secret they were made of is configured. For admins, too.
    pub(crate) older: Vec<String>,
    /// What is known of the subscriptions; none before `run` looked after them.
    pub(crate) state: Option<SubscriptionsState>,
    /// The latest subscriptions that we made, the newest first.
    pub(crate) subscriptions: Vec<SubscriptionTold>,
    /// The newest events that are still kept, the newest first.
    pub(crate) events: Vec<HookEventTold>,
}

/// What is known of the subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubscriptionsState {
    /// Whether they stand, are proven and lose nothing: then the CRM is polled seldom.
    pub(crate) healthy: bool,
    /// Why there is none that works.
    pub(crate) trouble: Option<String>,
    /// When the CRM's list of subscriptions was looked at last.
    pub(crate) looked_at: Option<String>,
    /// How many it had, those of others too; a user has 40 at most.
    pub(crate) listed: usize,
    /// Changes that webhooks told of first.
    pub(crate) announced: u64,
    /// Changes that only a poll found.
    pub(crate) missed: u64,
}

/// A subscription that we made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubscriptionTold {
    /// Its id at the CRM.
    pub(crate) id: i64,
    /// What it tells of: `organization` or `deal`.
    pub(crate) record: &'static str,
    /// Whose secret its address is made of: `current`, `older`, or `unknown` (of none that is configured); none where this process
    /// takes no webhooks in.
    pub(crate) secret: Option<&'static str>,
    /// When it was made.
    pub(crate) made_at: String,
    /// When its first event came.
    pub(crate) first_event_at: Option<String>,
    /// When its latest event came.
    pub(crate) last_event_at: Option<String>,
    /// When it ended.
    pub(crate) ended_at: Option<String>,
    /// Why.
    pub(crate) ended_why: Option<String>,
}

/// An event that came in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HookEventTold {
    /// By what it is known.
    pub(crate) event: String,
    /// When it came in.
    pub(crate) received_at: String,
    /// What it is about: `organization` or `deal`.
    pub(crate) record: String,
    /// That one's id in the CRM.
    pub(crate) id: i64,
    /// What happened, in the CRM's word.
    pub(crate) action: String,
    /// Who vouched for it.
    pub(crate) vouched: String,
    /// When the record was read again.
    pub(crate) read_again_at: Option<String>,
}

impl From<HookState> for SubscriptionsState {
    fn from(state: HookState) -> Self {
        Self {
            healthy: state.is_healthy(),
            trouble: state.trouble,
            looked_at: state.looked_at.map(at),
            listed: state.listed,
            announced: state.announced,
            missed: state.missed,
        }
    }
}

impl From<HookSeen> for HookEventTold {
    fn from(HookSeen { key, received_at, record: (record, id), action, vouched, done_at }: HookSeen) -> Self {
        let (received_at, read_again_at) = (at(received_at), done_at.map(at));
        Self { event: key, received_at, record, id, action, vouched, read_again_at }
    }
}

/// A subscription, given the addresses of the door that this process has.
fn subscription(ours: OurSubscription, door: Option<&[String]>) -> SubscriptionTold {
    let secret =
        door.map(|addresses| match addresses.iter().position(|address| digest(address) == ours.address) {
            Some(0) => "current",
            Some(_) => "older",
            None => "unknown",
        });
    let (ended_at, ended_why) = ours.ended.unzip();
    SubscriptionTold {
        id: ours.id.0,
        record: ours.entity.map_or("unknown", HookEntity::key),
        secret,
        made_at: at(ours.made_at),
        first_event_at: ours.proven_at.map(at),
        last_event_at: ours.heard_at.map(at),
        ended_at: ended_at.map(at),
        ended_why,
    }
}

/// Webhooks of a connection, and so many events. `shown`: whether its addresses are told.
pub(crate) async fn webhooks(
    tx: &mut Tx,
    door: Option<Vec<String>>,
    shown: bool,
    events: u32,
) -> Result<WebhooksTold, TellError> {
    let state: Option<HookState> = tx.cursor(STATE).await?;
    let ours = tx.subscriptions(false, MOST_SUBSCRIPTIONS).await?;
    let events = tx.hook_events(events).await?;
    let taken_in = door.is_some();
    let subscriptions = ours.into_iter().map(|ours| subscription(ours, door.as_deref())).collect();
    let mut addresses = door.filter(|_| shown).unwrap_or_default().into_iter();
    Ok(WebhooksTold {
        taken_in,
        address: addresses.next(),
        older: addresses.collect(),
        state: state.map(SubscriptionsState::from),
        subscriptions,
        events: events.into_iter().map(HookEventTold::from).collect(),
    })
}
