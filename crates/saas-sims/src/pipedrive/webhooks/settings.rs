//! What is not known about webhooks, and what goes wrong with them (section 5).

use jiff::SignedDuration;

/// Settings of webhooks. The defaults are the strict reading of the reference; faults are off.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Whether `http` and addresses of one's own machine or network are taken, for tests (section 5.1).
    pub allow_local_urls: bool,
    /// Webhooks of one user, and as many again of one app (section 5.1).
    pub limit: usize,
    /// Whether objects that only the guide and the changelog name may be subscribed to: project, task, board, phase,
    /// `deal_product`, `deal_installment` (section 5.1, UNVERIFIED).
    pub newer_objects: bool,
    /// Whether the list shows removed webhooks, with `remove_time` and `remove_reason` (section 5.1, UNVERIFIED).
    pub list_removed: bool,
    /// Whether `meta.id` is the same in all attempts (section 5.4, UNVERIFIED).
    pub stable_event_id: bool,
    /// Whether `previous` is only roughly what changed: `update_time` is often missing, unchanged attributes may be there
    /// (section 5.2).
    pub rough_previous: bool,
    /// Whether a write that changes nothing is told (section 5.4, UNVERIFIED).
    pub tell_unchanged: bool,
    /// Whether an organization's address is its free text rather than an object (section 5.2, UNVERIFIED).
    pub address_as_text: bool,
    /// Whether each create is followed at once by a change that the system makes (section 5.4).
    pub change_after_create: bool,
    /// Whether a success sets the count of failed first attempts back (section 5.4 only says that a ban does; UNVERIFIED).
    pub success_clears_ban_count: bool,
    /// Share of events that are never delivered, from 0 to 1.
    pub loss: f64,
    /// Share of events that are delivered twice.
    pub duplication: f64,
    /// Share of events that come late.
    pub delay: f64,
    /// How late at most.
    pub longest_delay: SignedDuration,
    /// Share of events that are overtaken by later ones of the next seconds.
    pub reordering: f64,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            allow_local_urls: false,
            limit: 40,
            newer_objects: false,
            list_removed: false,
            stable_event_id: true,
            rough_previous: true,
            tell_unchanged: true,
            address_as_text: false,
            change_after_create: false,
            success_clears_ban_count: false,
            loss: 0.0,
            duplication: 0.0,
            delay: 0.0,
            longest_delay: SignedDuration::from_mins(10),
            reordering: 0.0,
        }
    }
}
