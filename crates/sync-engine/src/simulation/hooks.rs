//! Webhooks of a simulation: most changes are told of, some late, twice, out of order or never, and some that never were.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    hooks::{HookEntity, Merged},
    ids::{DealId, OrgId},
};

use super::{
    deals::Deal,
    letterbox::{Letter, Proof},
    world::Org,
};

/// What was told of so far.
pub(crate) struct Hooks {
    pub(super) come: bool,
    rng: fastrand::Rng,
    told: BTreeMap<OrgId, (Timestamp, bool)>,
    told_deals: BTreeMap<DealId, Timestamp>,
    next: u64,
    /// Of those who are not the CRM.
    pub(super) forger: fastrand::Rng,
    /// How letters show who sends them.
    proofs: fastrand::Rng,
}

impl Hooks {
    /// Whether a life has webhooks.
    pub(crate) fn come(seed: u64) -> bool {
        seed % 3 == 1
    }

    pub(crate) fn of(seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed ^ 0x686f_6f6b);
        let dice = |salt| fastrand::Rng::with_seed(seed ^ salt);
        Self {
            come: Self::come(seed),
            rng,
            told: BTreeMap::new(),
            told_deals: BTreeMap::new(),
            next: 0,
            forger: dice(0x666f_7267),
            proofs: dice(0x7072_6f6f),
        }
    }

    /// What comes in now.
    pub(crate) fn come_in(&mut self, orgs: &BTreeMap<OrgId, Org>) -> Vec<Letter> {
        if !self.come {
            return Vec::new();
        }
        let mut letters = Vec::new();
        for (id, org) in orgs {
            let now = (org.updated_at, org.deleted);
            if self.told.get(id) == Some(&now) {
                continue;
            }
            match self.rng.u32(..10) {
                // Late.
                0 | 1 => continue,
                // Never.
                2 => {}
                3 => {
                    let letter = self.letter(HookEntity::Organization, id.0);
                    letters.extend([letter.clone(), letter]);
                }
                _ => letters.push(self.letter(HookEntity::Organization, id.0)),
            }
            self.told.insert(*id, now);
        }
        if self.rng.u32(..20) == 0 {
            let nobody = OrgId(self.rng.i64(1..60));
            letters.push(self.letter(HookEntity::Organization, nobody.0));
        }
        self.rng.shuffle(&mut letters);
        letters
    }

    /// What comes in about deals while the engine works.
    pub(crate) fn come_in_meanwhile(&mut self, deals: &BTreeMap<DealId, Deal>) -> Vec<Letter> {
        if !self.come {
            return Vec::new();
        }
        let mut letters = Vec::new();
        for (id, deal) in deals {
            let now = deal.now.updated_at;
            if self.told_deals.get(id) == Some(&now) {
                continue;
            }
            match self.rng.u32(..6) {
                // Late.
                0 | 1 => continue,
                // Never.
                2 => {}
                _ => letters.push(self.letter(HookEntity::Deal, id.0)),
            }
            self.told_deals.insert(*id, now);
        }
        letters
    }

    /// Tells of a merger of deals, if this life has webhooks.
    pub(crate) fn tell_merger(&mut self, gone: DealId, into: DealId) -> Option<Letter> {
        if !self.come {
            return None;
        }
        let letter = self.letter(HookEntity::Deal, gone.0);
        Some(Letter { merged: Some(Merged { gone: gone.0, into: into.0 }), ..letter })
    }

    fn letter(&mut self, entity: HookEntity, record: i64) -> Letter {
        self.next += 1;
        let proof = Proof::GOOD[self.proofs.usize(..Proof::GOOD.len())];
        Letter { id: self.next, entity, record, merged: None, proof }
    }
}
