//! What people do with the app (section 4.2).

use super::super::PipedriveSim;
use super::{Uninstall, uninstall};

impl PipedriveSim {
    /// Whether a person who is asked to authorize the app denies it from now on.
    pub fn deny_authorization(&self, denying: bool) {
        self.lock().tokens.installation.denying = denying;
    }

    /// Uninstalls the app as a person does: all its access ends, and its callback URL is told.
    pub fn uninstall_as_person(&self) {
        uninstall(&self.inner.settings, &mut self.lock(), self.now());
    }

    /// The `DELETE` requests that were sent to the app's callback URL.
    pub fn uninstall_callbacks(&self) -> Vec<Uninstall> {
        self.lock().tokens.installation.callbacks.clone()
    }
}
