//! Wishes of others: a CLI command beside the daemon asks for a sync now, the daemon does it and reports.

use std::sync::atomic::{AtomicBool, Ordering};

use sync_core::{error::ErrorKind, ids::RunId};
use sync_store::{WishCost, WishEnd};
use tokio::sync::Notify;

use crate::{Engine, EngineError, daemon::End};

/// Tells a sleeping daemon that there is something new for one connection. Ringing twice is ringing once.
#[derive(Debug, Default)]
pub struct Bell {
    rung: AtomicBool,
    waker: Notify,
}

impl Bell {
    /// Rings.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::SeqCst);
        self.waker.notify_one();
    }

    /// Whether it rang since this was asked last.
    #[must_use]
    pub fn rang(&self) -> bool {
        self.rung.swap(false, Ordering::SeqCst)
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
        if tx.open_wishes().await? == 0 {
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
        self.poll_now();
        Ok(true)
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
            End::Stopped(pause) => match pause.error.kind {
                ErrorKind::Exhausted { until } => {
                    (WishEnd::Budget, format!("the budget is used up; it is filled again at {until}"))
                }
                ErrorKind::Unauthorized
                | ErrorKind::Forbidden
                | ErrorKind::Transient { .. }
                | ErrorKind::Rejected
                | ErrorKind::UnknownField
                | ErrorKind::Missing
                | ErrorKind::Unreadable => (WishEnd::Remote, pause.error.to_string()),
            },
        };
        let after = self.cost();
        let cost = WishCost {
            crm_requests: after.crm_requests.saturating_sub(before.crm_requests),
            crm_tokens: after.crm_tokens.saturating_sub(before.crm_tokens),
            erp_requests: after.erp_requests.saturating_sub(before.erp_requests),
        };
        let now = self.clock.now();
        let mut tx = self.write().await?;
        tx.end_wishes(run, (kind, &message), cost, now).await?;
        tx.finish_run(run, "{}", now).await?;
        tx.commit().await?;
        self.serving = None;
        self.run = own;
        Ok(())
    }

    fn cost(&self) -> WishCost {
        let spent = self.crm.spent();
        WishCost { crm_requests: spent.requests, crm_tokens: spent.tokens, erp_requests: self.erp.requests() }
    }
}
