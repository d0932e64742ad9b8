//! Delivery by whoever has sockets: the simulator decides what and when, a [`Deliver`] makes the request.

use jiff::SignedDuration;

use super::super::PipedriveSim;
use super::{Delivery, Outcome};

/// Makes one request of a webhook: a POST of the body with the headers, 10 s at most, no redirects.
pub trait Deliver: Send + Sync {
    /// Makes the request and says how it went.
    fn deliver(&self, delivery: &Delivery) -> impl Future<Output = Outcome> + Send;
}

/// Makes all requests that are due now, and those that fall due meanwhile; gives their number.
pub async fn deliver_due(sim: &PipedriveSim, to: &impl Deliver) -> usize {
    let mut made = 0;
    loop {
        let due = sim.due_deliveries();
        if due.is_empty() {
            return made;
        }
        made += due.len();
        let one = |delivery: Delivery| async move {
            let outcome = to.deliver(&delivery).await;
            sim.delivered(delivery.id, outcome);
        };
        futures::future::join_all(due.into_iter().map(one)).await;
    }
}

/// Delivers for ever, what is due is looked for fifty times a second. Meant for a system clock: a virtual one is moved by
/// each look.
pub async fn deliver_forever(sim: PipedriveSim, to: impl Deliver) {
    loop {
        deliver_due(&sim, &to).await;
        sim.clock().pass(SignedDuration::from_millis(20)).await;
        // A virtual clock does not wait: let others run.
        tokio::task::yield_now().await;
    }
}
