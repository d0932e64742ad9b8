//! Wishes of others: a CLI command beside the daemon asks for a sync now, the daemon does it and reports.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sync_core::{
    error::{CallError, ErrorKind},
    ids::{RunId, WishId},
};
use sync_store::{Errand, WishCost, WishEnd};
use tokio::sync::Notify;

use crate::{Engine, EngineError, daemon::End, engine::put_again, staging};

/// Tells a sleeping daemon that there is something new for one connection. Ringing twice is ringing once.
#[derive(Debug, Default)]
pub struct Bell {
    rung: AtomicBool,
    rings: AtomicU64,
    closed: AtomicBool,
    waker: Notify,
}

impl Bell {
    /// Rings.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::SeqCst);
        self.rings.fetch_add(1, Ordering::SeqCst);
        self.waker.notify_one();
    }

    /// Rings for the last time: whoever works goes home after the step that is being done.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Whether it rang for the last time.
    #[must_use]
    pub fn has_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Whether it rang since this was asked last.
    #[must_use]
    pub fn rang(&self) -> bool {
        self.rung.swap(false, Ordering::SeqCst)
    }

    /// How often it rang.
    pub(crate) fn rings(&self) -> u64 {
        self.rings.load(Ordering::SeqCst)
    }

    /// Returns when it rings once more than so often, at once if it did. Whoever asks [`Bell::rang`] hears of it, too.
    pub(crate) async fn heard_after(&self, rings: u64) {
        while self.rings() <= rings {
            self.waker.notified().await;
        }
    }

    /// Returns when it rings, at once if it rang already.
    pub async fn heard(&self) {
        while !self.rung.load(Ordering::SeqCst) {
            self.waker.notified().await;
        }
    }
}

/// A run in whose name wishes are worked on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Serving {
    run: RunId,
    /// The daemon's own run, which goes on afterwards.
    own: RunId,
    before: WishCost,
}

impl Engine {
    /// Notices open wishes: polls everything now, in a run of its own. Tells whether there were any.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn take_wishes(&mut self) -> Result<bool, EngineError> {
        let mut tx = self.write().await?;
        let mut customers = Vec::new();
        for (id, errand) in tx.open_errands().await? {
            match errand {
                Errand::Sync => {}
                Errand::Customer(who) => customers.push((id, who)),
                Errand::Again(again) => put_again(&mut tx, again, self.clock.now()).await?,
            }
        }
        if tx.open_wishes().await? == 0 {
            tx.commit().await?;
            self.serve_customers(customers).await?;
            return Ok(false);
        }
        let serving = match self.serving {
            Some(serving) => serving,
            None => {
                let run = tx.begin_run("wish", self.clock.now()).await?;
                Serving { run, own: self.run, before: self.cost() }
            }
        };
        tx.take_wishes(serving.run).await?;
        tx.commit().await?;
        self.serving = Some(serving);
        self.run = serving.run;
        self.erp_pauses.asked_for();
        self.crm_pauses.asked_for();
        self.poll_now();
        self.serve_customers(customers).await?;
        Ok(true)
    }

    /// Does at once what is wished for single customers, each in a run of its own.
    async fn serve_customers(&mut self, customers: Vec<(WishId, String)>) -> Result<(), EngineError> {
        for (id, who) in customers {
            let mut tx = self.write().await?;
            let run = tx.begin_run("customer", self.clock.now()).await?;
            tx.take_wish(id, run).await?;
            tx.commit().await?;
            let (own, before) = (std::mem::replace(&mut self.run, run), self.cost());
            let ended = self.sync_customer(&who).await?;
            self.run = own;
            let (end, message, report) = match ended {
                Ok(told) => (WishEnd::Done, String::new(), Some(staging::json(&told))),
                Err(error) => {
                    let (end, message) = why(&error);
                    (end, message, None)
                }
            };
            let (cost, now) = (self.cost_since(before), self.clock.now());
            let mut tx = self.write().await?;
            if let Some(report) = report {
                tx.report_wish(run, &report).await?;
            }
            tx.end_wishes(run, (end, &message), cost, now).await?;
            tx.finish_run(run, "{}", now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Whether somebody waits for the end of the work under way.
    #[must_use]
    pub fn serves_wishes(&self) -> bool {
        self.serving.is_some()
    }

    /// Reports the end of the work to those who wished for it.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn end_wishes(&mut self, end: &End) -> Result<(), EngineError> {
        let Some(Serving { run, own, before }) = self.serving else { return Ok(()) };
        let (kind, message) = match end {
            End::Quiescent => (WishEnd::Done, String::new()),
            End::Stopped(pause) => why(&pause.error),
        };
        let cost = self.cost_since(before);
        let now = self.clock.now();
        let mut tx = self.write().await?;
        tx.end_wishes(run, (kind, &message), cost, now).await?;
        tx.finish_run(run, "{}", now).await?;
        tx.commit().await?;
        self.serving = None;
        self.run = own;
        Ok(())
    }

    fn cost_since(&self, before: WishCost) -> WishCost {
        let after = self.cost();
        WishCost {
            crm_requests: after.crm_requests.saturating_sub(before.crm_requests),
            crm_tokens: after.crm_tokens.saturating_sub(before.crm_tokens),
            erp_requests: after.erp_requests.saturating_sub(before.erp_requests),
        }
    }

    fn cost(&self) -> WishCost {
        let spent = self.crm.spent();
        WishCost { crm_requests: spent.requests, crm_tokens: spent.tokens, erp_requests: self.erp.requests() }
    }
}

/// What a failure means for those who wait.
fn why(error: &CallError) -> (WishEnd, String) {
    match error.kind {
        ErrorKind::Exhausted { until } => {
            (WishEnd::Budget, format!("the budget is used up; it is filled again at {until}"))
        }
        ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::Transient { .. }
        | ErrorKind::Rejected
        | ErrorKind::UnknownField
        | ErrorKind::Missing
        | ErrorKind::Unreadable => (WishEnd::Remote, error.to_string()),
    }
}
