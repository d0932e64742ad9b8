//! The outbox from outside, and the bulk edits that flood it (section 5.4).

use jiff::Timestamp;
use serde_json::Value;

use super::super::{PipedriveSim, object, organizations};
use super::{Delivery, Outcome};

impl PipedriveSim {
    /// Edits several organizations at once as a person does: webhooks say `is_bulk_edit`.
    pub fn bulk_edit_as_person(&self, ids: &[i64], body: &Value) -> Result<(), String> {
        ids.iter().try_for_each(|id| {
            self.as_person(|settings, state, by| {
                state.bulk = true;
                let written =
                    object(body).and_then(|body| organizations::update(settings, state, *id, body, by));
                state.bulk = false;
                written
            })
            .map(|_| ())
        })
    }

    /// The webhook requests to make now; each is handed out once and wants its outcome within 10 s.
    pub fn due_deliveries(&self) -> Vec<Delivery> {
        self.lock().webhooks.due(&self.inner.settings, self.now())
    }

    /// When the next webhook request is to be made, as far as that is known.
    pub fn next_delivery(&self) -> Option<Timestamp> {
        self.lock().webhooks.next(&self.inner.settings, self.now())
    }

    /// Tells how a webhook request went; false when the simulator does not wait for that any more.
    pub fn delivered(&self, id: u64, outcome: Outcome) -> bool {
        self.lock().webhooks.delivered(&self.inner.settings, id, outcome, self.now())
    }
}
