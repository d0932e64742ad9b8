//! The laws over what the worlds show and the store keeps, while a life goes on and at its end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    hierarchy::{Family, Parent, cycle},
    ids::{OrgId, PartyId},
    laws::{
        Committed, Violation, law_1_one_relation, law_1_one_to_one, law_3_no_idle_write,
        law_3_no_third_relation, law_6_staged_before_passed, law_8_agreement, law_8_relations,
    },
    model::ErpCustomer,
    poll::ErpCursor,
};
use sync_store::StagedKind;

use super::{
    erp::newest_visible,
    life::{Failure, Life},
    world::{OVERLAP, Version},
};
use crate::{
    EngineError,
    streams::{ErpStream, Stream},
};

impl Life {
    /// Laws 1, 3 and 6, and what the worlds saw broken themselves, as far as they can be seen now.
    pub(super) async fn check(&mut self) -> Result<(), Failure> {
        let now = self.world.now();
        let gate = self.world.gate.clone();
        let looked = gate.drive(self.stored()).await;
        let stored = match looked {
            Some(Ok(stored)) => stored,
            Some(Err(error)) => return Err(self.failure(&error.to_string())),
            None => return Ok(()),
        };
        let mut found = {
            let mut worlds = self.world.lock();
            worlds.paired = stored.pairs.iter().map(|(_, org)| *org).collect();
            let mut found = worlds.violations.clone();
            found.extend(law_1_one_to_one(worlds.created.iter().copied(), stored.pairs));
            found.extend(law_3_no_idle_write(&worlds.writes));
            found.extend(worlds.doubled_customers());
            found.extend(law_1_one_relation(worlds.family.ours()));
            found.extend(law_3_no_third_relation(&worlds.family.writes));
            found.extend(passed("party", &worlds.parties, |p| p.id.0, stored.parties, now));
            found.extend(passed("account", &worlds.accounts, |a| a.id.0, stored.accounts, now));
            found
        };
        if found.is_empty() {
            return Ok(());
        }
        found.truncate(5);
        Err(self.broken(found))
    }

    async fn stored(&self) -> Result<Stored, EngineError> {
        let (parties, accounts): (Vec<i64>, Vec<i64>) = {
            let worlds = self.world.lock();
            (worlds.parties.keys().copied().collect(), worlds.accounts.keys().copied().collect())
        };
        let mut tx = self.store.read(self.connection).await?;
        let pairs = tx.pair_ids().await?;
        let mut stream = async |stream: Stream,
                                kind: StagedKind,
                                ids: &[i64]|
               -> Result<StoredStream, EngineError> {
            let state: Option<ErpStream> = tx.cursor(stream.name()).await?;
            let idle = state.is_some_and(|state| matches!(state.cursor, ErpCursor::Idle { .. }));
            let staged = tx.staged(kind, if idle { ids } else { &[] }).await?;
            Ok(StoredStream { state, staged: staged.into_iter().map(|(id, r)| (id, r.row.stamp)).collect() })
        };
        let parties = stream(Stream::Parties, StagedKind::Party, &parties).await?;
        let accounts = stream(Stream::Accounts, StagedKind::Account, &accounts).await?;
        Ok(Stored { pairs, parties, accounts })
    }

    /// Law 8: whoever has no hold agrees.
    pub(super) async fn check_agreement(&mut self) -> Result<(), Failure> {
        let now = self.world.now();
        let customers: Vec<ErpCustomer> = {
            let worlds = self.world.lock();
            let mut customers = Vec::new();
            for versions in worlds.parties.values() {
                let Some(party) = newest_visible(versions, now) else { continue };
                let accounts = worlds.accounts.values().filter_map(|versions| newest_visible(versions, now));
                let accounts =
                    accounts.map(|v| v.record.clone()).filter(|a| a.party == party.record.id).collect();
                customers.push(ErpCustomer::of(party.record.clone(), accounts));
            }
            customers
        };
        let parties: Vec<PartyId> = customers.iter().map(|customer| customer.party.id).collect();
        let gate = self.world.gate.clone();
        let looking = async {
            let mut tx = self.store.read(self.connection).await?;
            let (pairs, holds) = (tx.pairs_by_party(&parties).await?, tx.holds(&parties).await?);
            Ok::<_, sync_store::StoreError>((pairs, holds, tx.relations(&parties).await?))
        };
        let (pairs, holds, mut made) = match gate.drive(looking).await {
            Some(Ok(found)) => found,
            Some(Err(error)) => return Err(self.failure(&error.to_string())),
            None => return Ok(()),
        };
        self.report.held = holds.len() as u64;
        let mut found = Vec::new();
        {
            let worlds = self.world.lock();
            let (parents, relations) = (worlds.family.parents(), worlds.true_relations());
            self.report.relations = worlds.family.writes.len() as u64;
            for customer in &customers {
                let party = customer.party.id;
                let pair = pairs.get(&party);
                let org = pair.and_then(|pair| worlds.orgs.get(&pair.org)).filter(|org| !org.deleted);
                let values = org.map(|org| &org.values);
                let held = holds.contains_key(&party);
                found.extend(law_8_agreement(&self.settings.policy, customer, pair, values, held));
                if let (Some(pair), Some(_), false) = (pair, org, held) {
                    let above = parents.get(&party).into_iter().flatten();
                    let org_of = |parent: &PartyId| pairs.get(parent).map(|pair| pair.org);
                    let family = Family {
                        parents: above.map(|parent| Parent { party: *parent, org: org_of(parent) }).collect(),
                        made: made.remove(&party).unwrap_or_default(),
                        cycle: cycle(party, &parents),
                        unreadable: None,
                    };
                    found.extend(law_8_relations(party, pair.org, &family, &relations));
                }
            }
        }
        if found.is_empty() { Ok(()) } else { Err(self.broken(found)) }
    }
}

struct Stored {
    pairs: Vec<(PartyId, OrgId)>,
    parties: StoredStream,
    accounts: StoredStream,
}

struct StoredStream {
    state: Option<ErpStream>,
    staged: BTreeMap<i64, Timestamp>,
}

/// Law 6 for one stream, when its last window is complete.
fn passed<T>(
    name: &str,
    records: &BTreeMap<i64, Vec<Version<T>>>,
    id: impl Fn(&T) -> i64,
    stored: StoredStream,
    now: Timestamp,
) -> Vec<Violation> {
    let Some(ErpStream { cursor: ErpCursor::Idle { watermark }, rhythm, again: _, repeating: _ }) =
        stored.state
    else {
        return Vec::new();
    };
    let Some(began) = rhythm.began else { return Vec::new() };
    // An older version that was overtaken while the window was read is not lost: the newer one is read next time.
    let newest = records.values().filter_map(|versions| newest_visible(versions, now));
    let committed = newest.map(|version| Committed {
        id: id(&version.record),
        stamp: version.stamp,
        visible_at: version.visible_at,
    });
    law_6_staged_before_passed(name, committed, &stored.staged, watermark, began, OVERLAP)
}
