//! Webhooks of a simulation: most changes are told of, some late, twice, out of order or never, and some that never were.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    hooks::{Check, HookEntity, HookEvent, Merged},
    ids::{DealId, OrgId, SubscriptionId},
};
use sync_store::HookRow;

use super::{deals::Deal, world::Org};

/// What was told of so far.
pub(crate) struct Hooks {
    come: bool,
    rng: fastrand::Rng,
    told: BTreeMap<OrgId, (Timestamp, bool)>,
    told_deals: BTreeMap<DealId, Timestamp>,
    next: u64,
}

impl Hooks {
    /// Whether a life has webhooks.
    pub(crate) fn come(seed: u64) -> bool {
        seed % 3 == 1
    }

    pub(crate) fn of(seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed ^ 0x686f_6f6b);
        Self { come: Self::come(seed), rng, told: BTreeMap::new(), told_deals: BTreeMap::new(), next: 0 }
    }

    /// What comes in now.
    pub(crate) fn come_in(&mut self, orgs: &BTreeMap<OrgId, Org>) -> Vec<HookRow> {
        if !self.come {
            return Vec::new();
        }
        let mut rows = Vec::new();
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
                    let row = self.row(HookEntity::Organization, id.0);
                    rows.extend([row.clone(), row]);
                }
                _ => rows.push(self.row(HookEntity::Organization, id.0)),
            }
            self.told.insert(*id, now);
        }
        if self.rng.u32(..20) == 0 {
            let nobody = OrgId(self.rng.i64(1..60));
            rows.push(self.row(HookEntity::Organization, nobody.0));
        }
        self.rng.shuffle(&mut rows);
        rows
    }

    /// What comes in about deals while the engine works.
    pub(crate) fn come_in_meanwhile(&mut self, deals: &BTreeMap<DealId, Deal>) -> Vec<HookRow> {
        if !self.come {
            return Vec::new();
        }
        let mut rows = Vec::new();
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
                _ => rows.push(self.row(HookEntity::Deal, id.0)),
            }
            self.told_deals.insert(*id, now);
        }
        rows
    }

    /// Tells of a merger of deals, if this life has webhooks.
    pub(crate) fn tell_merger(&mut self, gone: DealId, into: DealId) -> Option<HookRow> {
        if !self.come {
            return None;
        }
        let mut row = self.row(HookEntity::Deal, gone.0);
        row.event.merged = Some(Merged { gone: gone.0, into: into.0 });
        Some(row)
    }

    fn row(&mut self, entity: HookEntity, record: i64) -> HookRow {
        self.next += 1;
        let event = HookEvent {
            key: self.next.to_string(),
            subscription: Some(SubscriptionId(1)),
            entity,
            record,
            action: "change".to_owned(),
            at: None,
            urgent: true,
            merged: None,
        };
        HookRow { event, vouched: vec![Check::Basic], body: "{}".to_owned() }
    }
}
