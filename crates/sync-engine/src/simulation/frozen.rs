//! Two processes on one store: one freezes in the middle of a step, and thaws when another one has long taken over.

use std::pin::Pin;

use sync_store::StoreError;

use super::{
    access,
    gate::{Driven, Freeze, Frozen},
    life::Life,
    papers,
    trial::Failure,
};
use crate::{Engine, EngineError, Step, lease::Lease};

/// A process that is frozen in the middle of a step.
pub(super) struct Sleeper {
    step: Pin<Box<dyn Future<Output = Result<Step, EngineError>>>>,
    waiting: Frozen,
    /// Turns until it thaws.
    turns: u32,
    fresh: bool,
}

impl Sleeper {
    /// Whether nobody has taken over yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }
}

/// Whether processes freeze in this life.
pub(super) fn freezes(seed: u64) -> bool {
    // Lives with documents, and those that need access, are few, and hardly any of them among every ninth.
    seed % 9 == 6 || papers::shows(seed) && seed / 252 % 3 == 1 || access::needed(seed) && seed / 13 % 4 == 1
}

impl Life {
    /// A step in the middle of which the process freezes, if it comes so far; it is over for it either way.
    pub(super) async fn freeze(&mut self, mut engine: Engine, lease: &Lease) -> Result<(), Failure> {
        match self.world.gate.drive(lease.renew()).await {
            None => return Ok(()),
            Some(Err(error)) => return Err(self.failed(&error)),
            Some(Ok(())) => {}
        }
        #[cfg(feature = "planted")]
        if self.has(crate::plants::Plant::NoFencing) {
            lease.never_ends();
        }
        let now = self.world.now();
        let mut step: Pin<Box<dyn Future<Output = _>>> = Box::pin(async move { engine.step(now).await });
        // Steps of documents pass many gates. The worst moment: it is decided what to write, and nothing says so yet.
        let after = self.rng.u32(..if papers::shows(self.trial.seed) { 40 } else { 8 });
        let freeze = if self.rng.bool() { Freeze::At("crm.permits") } else { Freeze::After(after) };
        match self.world.gate.drive_until(&mut step.as_mut(), Some(freeze)).await {
            Driven::Died => {}
            Driven::Done(Ok(_)) => self.check().await?,
            Driven::Done(Err(error)) => return Err(self.failed(&error)),
            Driven::Froze(waiting) => {
                self.world.lock().meet("process", "freezes");
                self.sleeper = Some(Sleeper { step, waiting, turns: self.rng.u32(3..20), fresh: true });
            }
        }
        Ok(())
    }

    /// The frozen process thaws if it is time, and goes on as if nothing had happened: whatever it wants to store is refused.
    /// `false`: the process that took over died meanwhile.
    pub(super) async fn thaw(&mut self) -> Result<bool, Failure> {
        let Some(Sleeper { mut step, waiting, turns, .. }) = self.sleeper.take() else { return Ok(true) };
        if turns > 0 {
            self.sleeper = Some(Sleeper { step, waiting, turns: turns - 1, fresh: false });
            return Ok(true);
        }
        self.world.lock().tell(self.world.now(), "the frozen process thaws".to_owned());
        self.world.gate.thaw(waiting);
        self.world.lock().thaws = true;
        let driven = self.world.gate.drive_until(&mut step.as_mut(), None).await;
        self.world.lock().thaws = false;
        match driven {
            Driven::Died | Driven::Froze(_) => return Ok(false),
            Driven::Done(Ok(_) | Err(EngineError::LeaseLost | EngineError::Store(StoreError::Fenced))) => {}
            Driven::Done(Err(error)) => return Err(self.failed(&error)),
        }
        self.check().await.map(|()| true)
    }
}
