//! The door for webhooks of a life. Whoever lives it brings the door: the one of the product, with bytes and headers, or one that
//! knows who sends.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sync_core::{
    hooks::{Check, HookEntity, HookEvent, Merged},
    ids::{ConnectionId, DealId, SubscriptionId},
    laws::{Unproven, law_6_kept_before_answered, law_9_unproven_is_nothing},
    ports::Clock,
};
use sync_store::{HookRow, HookSeen, Store, StoreError};

use super::{hooks::Hooks, life::Life, trial::Failure};
use crate::Bell;

/// Something that is sent to the door of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it is the same by when it comes again.
    pub id: u64,
    /// The kind of record that it tells of.
    pub entity: HookEntity,
    /// The record.
    pub record: i64,
    /// The merger that it tells of.
    pub merged: Option<Merged>,
    /// How it shows who sends it.
    pub proof: Proof,
}

/// How a letter shows who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// By the password.
    Password,
    /// By a digest of its bytes.
    Digest,
    /// By both.
    Both,
    /// Not at all.
    Nothing,
    /// By a password that is not ours.
    WrongPassword,
    /// By a digest of other bytes.
    OtherBytes,
    /// By a digest that is made with another key.
    OtherKey,
    /// By the password, beside a digest of other bytes.
    PasswordAndOtherBytes,
    /// By a digest, beside a password that is not ours.
    DigestAndWrongPassword,
    /// By the password, at a place that is not ours.
    OtherPlace,
}

impl Proof {
    /// Those that prove something.
    pub(crate) const GOOD: [Self; 3] = [Self::Password, Self::Digest, Self::Both];
    /// Those that prove nothing.
    pub(crate) const BAD: [Self; 7] = [
        Self::Nothing,
        Self::WrongPassword,
        Self::OtherBytes,
        Self::OtherKey,
        Self::PasswordAndOtherBytes,
        Self::DigestAndWrongPassword,
        Self::OtherPlace,
    ];

    /// Whether the sender is who it should be.
    #[must_use]
    pub fn is_good(self) -> bool {
        Self::GOOD.contains(&self)
    }
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handled {
    /// The sender was told that it was taken.
    pub answered: bool,
    /// Its body was looked into.
    pub parsed: bool,
}

/// Whom letters are for.
pub struct House {
    /// Where they are kept.
    pub store: Store,
    /// The connection.
    pub connection: ConnectionId,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Wakes whoever works on the connection.
    pub bell: Arc<Bell>,
}

/// The door.
#[async_trait]
pub trait Letterbox: Send + Sync {
    /// Takes letters in that come at one time, and says of each what became of it. What is not done when this returns is never
    /// done: a process may die as soon as it has answered.
    async fn post(&self, house: &House, letters: &[Letter]) -> Vec<Handled>;
}

/// A door that knows who sends; it has no bytes and no headers.
pub(super) struct Doorman;

#[async_trait]
impl Letterbox for Doorman {
    async fn post(&self, house: &House, letters: &[Letter]) -> Vec<Handled> {
        let known: Vec<&Letter> = letters.iter().filter(|letter| letter.proof.is_good()).collect();
        let rows: Vec<HookRow> = known.into_iter().map(Letter::row).collect();
        let kept = rows.is_empty()
            || house.store.put_hooks(house.connection, &rows, house.clock.now()).await.is_ok();
        house.bell.ring();
        let handled = |letter: &Letter| {
            let good = letter.proof.is_good();
            Handled { answered: good && kept, parsed: good }
        };
        letters.iter().map(handled).collect()
    }
}

impl Letter {
    /// A letter about a deal as it is since then.
    pub(super) fn about_deal(deal: DealId, since: Timestamp) -> Self {
        let id = u64::try_from(since.as_second()).unwrap_or_default() << 20
            | u64::try_from(deal.0).unwrap_or_default();
        Self { id, entity: HookEntity::Deal, record: deal.0, merged: None, proof: Proof::Password }
    }

    /// What the store keeps of it where nobody reads any bytes.
    pub(super) fn row(&self) -> HookRow {
        let event = HookEvent {
            key: self.id.to_string(),
            subscription: Some(SubscriptionId(1)),
            entity: self.entity,
            record: self.record,
            action: "change".to_owned(),
            at: None,
            urgent: true,
            merged: self.merged,
        };
        HookRow { event, vouched: vec![Check::Basic], body: "{}".to_owned() }
    }

    fn story(&self) -> String {
        let Self { id, entity, record, proof, .. } = self;
        format!("webhook {id} about {} {record} ({proof:?})", entity.key())
    }
}

/// So many of the newest events are compared: no life has more at one time.
const NEWEST: u32 = 1_000;

impl Life {
    /// Webhooks come to the door. `false`: the process died.
    pub(super) async fn post(&mut self, letters: Vec<Letter>) -> Result<bool, Failure> {
        if letters.is_empty() {
            return Ok(true);
        }
        let (house, door, since) = (self.house(Arc::default()), self.door.clone(), self.world.now());
        match self.world.gate.drive(door.post(&house, &letters)).await {
            None => Ok(false),
            Some(handled) => self.acknowledged(&letters, &handled, since).await.map(|()| true),
        }
    }

    /// Somebody who is not the CRM tries to tell something. `false`: the process died.
    pub(super) async fn forge(&mut self) -> Result<bool, Failure> {
        let Some(letter) = self.hooks.forged() else { return Ok(true) };
        let (house, door) = (self.house(Arc::default()), self.door.clone());
        let posting = async {
            let before = seen(&house).await?;
            let handled = door.post(&house, std::slice::from_ref(&letter)).await;
            Ok::<_, StoreError>((handled, seen(&house).await? != before))
        };
        match self.world.gate.drive(posting).await {
            None => return Ok(false),
            Some(Err(error)) => return Err(self.failed(&error)),
            Some(Ok((handled, changed))) => {
                let mut worlds = self.world.lock();
                worlds.meet("webhook", "forged");
                let broken = handled.into_iter().filter_map(|Handled { answered, parsed }| {
                    law_9_unproven_is_nothing(&letter.story(), Unproven { answered, parsed, changed })
                });
                worlds.violations.extend(broken);
            }
        }
        self.check().await.map(|()| true)
    }

    /// What was acknowledged since then is there: whatever comes after it, nobody sends it again.
    pub(super) async fn acknowledged(
        &mut self,
        letters: &[Letter],
        handled: &[Handled],
        since: Timestamp,
    ) -> Result<(), Failure> {
        let kept = match seen(&self.house(Arc::default())).await {
            Ok(kept) => kept,
            Err(error) => return Err(self.failed(&error)),
        };
        let is_kept = |letter: &Letter| {
            let record = (letter.entity.key().to_owned(), letter.record);
            kept.iter().any(|seen| seen.record == record && seen.received_at >= since)
        };
        {
            let mut worlds = self.world.lock();
            for (letter, Handled { answered, .. }) in letters.iter().zip(handled) {
                worlds.meet("webhook", if *answered { "answered" } else { "not answered" });
                let broken = law_6_kept_before_answered(&letter.story(), *answered, is_kept(letter));
                worlds.violations.extend(broken);
            }
        }
        self.check().await
    }

    /// Whom letters are for; `bell` rings when they are kept.
    pub(super) fn house(&self, bell: Arc<Bell>) -> House {
        let clock: Arc<dyn Clock> = Arc::new(self.world.clock.clone());
        House { store: self.store.clone(), connection: self.connection, clock, bell }
    }
}

async fn seen(house: &House) -> Result<Vec<HookSeen>, StoreError> {
    house.store.read(house.connection).await?.hook_events(NEWEST).await
}

impl Hooks {
    /// A letter of somebody else, now and then.
    fn forged(&mut self) -> Option<Letter> {
        let rng = &mut self.forger;
        (self.come && rng.u32(..8) == 0).then(|| {
            let proof = Proof::BAD[rng.usize(..Proof::BAD.len())];
            let entity = if rng.bool() { HookEntity::Organization } else { HookEntity::Deal };
            let record = rng.i64(1..100);
            // What a poll could not correct.
            let merged = rng.bool().then(|| Merged { gone: record, into: rng.i64(100..200) });
            Letter { id: 1 << 40 | u64::from(rng.u32(..)), entity, record, merged, proof }
        })
    }
}
