//! The gate of a system with a daily budget and burst windows (pipedrive.md 3).

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    ports::{Called, Clock, Permit, Spend, SpendError},
};

use crate::{Gate, Need, Pacer, Pass, Slot};

/// Pays every request from the ledger and takes a place in the windows, in the opposite order: a place can be
/// given back, tokens cannot.
pub struct Metered {
    pacer: Pacer,
    spend: Arc<dyn Spend>,
    clock: Arc<dyn Clock>,
    most_permits: usize,
}

impl Metered {
    /// `burst` is the number of requests a window; permits are given for at most one second's worth of it.
    pub fn new(pacer: Pacer, burst: u32, spend: Arc<dyn Spend>, clock: Arc<dyn Clock>) -> Self {
        let most_permits = usize::try_from(burst / 2).unwrap_or(usize::MAX).max(1);
        Self { pacer, spend, clock, most_permits }
    }

    /// Up to `wanted` permits of `each` tokens; at least one, unless the budget is used up.
    ///
    /// # Errors
    /// [`ErrorKind::Exhausted`] when the class may spend nothing now; transient when the ledger cannot be used.
    pub async fn permits(
        &self,
        call: &'static str,
        class: Class,
        each: u32,
        wanted: usize,
    ) -> Called<Vec<Permit>> {
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let places = self.pacer.promise(class, wanted.min(self.most_permits)).await;
        let paid = self.pay(call, class, each, places).await;
        let granted = paid.as_ref().copied().unwrap_or(0).min(places);
        self.pacer.withdraw(places - granted);
        paid?;
        Ok((0..granted).map(|_| Permit::paid(class, each)).collect())
    }

    /// Pays for up to `count` calls; at least one or an error.
    async fn pay(&self, call: &'static str, class: Class, each: u32, count: usize) -> Called<usize> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let grant = self.spend.reserve(class, each, count, self.clock.now()).await;
        let grant = grant.map_err(|error| unusable(call, &error))?;
        if grant.granted == 0 {
            let kind = ErrorKind::Exhausted { until: grant.retry_at };
            return Err(CallError::without_effect(call, kind, "today's token budget is used up"));
        }
        Ok(usize::try_from(grant.granted).unwrap_or(usize::MAX))
    }
}

#[async_trait]
impl Gate for Metered {
    async fn admit(&self, need: Need, pass: Pass) -> Called<Slot> {
        let held = match pass {
            Pass::Permit(permit) => self.pacer.redeem(permit.class()).await,
            Pass::Class(class) => {
                let held = self.pacer.slot(class, need.search).await;
                if need.tokens > 0 {
                    self.pay(need.call, class, need.tokens, 1).await?;
                }
                held
            }
        };
        Ok(Slot::Paced(held))
    }

    async fn left(&self, remaining: u64) {
        if let Err(error) = self.spend.correct(remaining, self.clock.now()).await {
            tracing::warn!(%error, "what is left of the budget could not be noted");
        }
    }

    async fn exhausted(&self, until: Timestamp) {
        if let Err(error) = self.spend.exhausted(until, self.clock.now()).await {
            tracing::warn!(%error, "that the budget is used up could not be noted");
        }
    }
}

fn unusable(call: &'static str, error: &SpendError) -> CallError {
    CallError::without_effect(call, ErrorKind::Transient { after: None }, error.to_string())
}
