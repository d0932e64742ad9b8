//! The laws over what the worlds show and the store keeps, while a life goes on and at its end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sync_core::{
    handover::Subject,
    hierarchy::{Family, Parent, cycle},
    ids::{OrgId, PartyId},
    laws::{
        Committed, Violation, law_1_no_other_home, law_1_one_relation, law_1_one_to_one, law_3_no_idle_write,
        law_3_no_third_relation, law_6_staged_before_passed, law_8_agreement, law_8_relations,
        law_10_no_wave,
    },
    model::ErpCustomer,
    poll::ErpCursor,
};
use sync_store::StagedKind;

use super::{
    erp::newest_visible,
    life::Life,
    trial::Failure,
    world::{OVERLAP, Version},
};
use crate::{
    EngineError,
    doubt::FOUND_AFTERWARDS,
    estranged::estranged,
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
            Some(Err(error)) => return Err(self.failed(&error)),
            None => return Ok(()),
        };
        let found = {
            let mut worlds = self.world.lock();
            worlds.paired = stored.pairs.iter().map(|(_, org)| *org).collect();
            let mut found = worlds.violations.clone();
            let lives = |org: &OrgId| worlds.orgs.get(org).is_some_and(|org| !org.deleted);
            let created: Vec<_> = worlds.created.iter().copied().filter(|(org, _)| lives(org)).collect();
            let homes = stored.pairs.iter().copied().filter(|(_, org)| lives(org)).collect();
            found.extend(law_1_no_other_home(&created, &homes));
            found.extend(law_1_one_to_one(worlds.created.iter().copied(), stored.pairs));
            // Each write was judged with all that came before it.
            if worlds.writes.len() > self.judged_writes {
                found.extend(law_3_no_idle_write(&worlds.writes));
                self.judged_writes = worlds.writes.len();
            }
            found.extend(worlds.doubled_customers());
            found.extend(law_1_one_relation(worlds.family.ours()));
            found.extend(law_3_no_third_relation(&worlds.family.writes));
            self.judged = [stored.parties.state, stored.accounts.state];
            found.extend(passed("party", &worlds.parties, |p| p.id.0, stored.parties, now));
            found.extend(passed("account", &worlds.accounts, |a| a.id.0, stored.accounts, now));
            found
        };
        self.judge(found)
    }

    async fn stored(&self) -> Result<Stored, EngineError> {
        let (parties, accounts): (Vec<i64>, Vec<i64>) = {
            let worlds = self.world.lock();
            (worlds.parties.keys().copied().collect(), worlds.accounts.keys().copied().collect())
        };
        let mut tx = self.store.read(self.connection).await?;
        let pairs = tx.pair_ids().await?;
        let known = self.judged;
        let mut stream = async |stream: Stream,
                                known: Option<ErpStream>,
                                kind: StagedKind,
                                ids: &[i64]|
               -> Result<StoredStream, EngineError> {
            let state: Option<ErpStream> = tx.cursor(stream.name()).await?;
            // A cursor that did not move passes nothing.
            let moved = state.filter(|state| Some(*state) != known);
            let idle = moved.filter(|state| matches!(state.cursor, ErpCursor::Idle { .. }));
            let staged = tx.staged(kind, if idle.is_some() { ids } else { &[] }).await?;
            let staged = staged.into_iter().map(|(id, r)| (id, r.row.stamp)).collect();
            Ok(StoredStream { state, idle, staged })
        };
        let parties = stream(Stream::Parties, known[0], StagedKind::Party, &parties).await?;
        let accounts = stream(Stream::Accounts, known[1], StagedKind::Account, &accounts).await?;
        Ok(Stored { pairs, parties, accounts })
    }

    /// Law 10: nobody lets waves pass in these lives, so none passes. What was found after doubt was counted too late for that.
    pub(super) async fn check_waves(&mut self) -> Result<(), Failure> {
        let Some(guard) = self.settings.guard.clone() else { return Ok(()) };
        let Some(limit) = guard.creates else { return Ok(()) };
        let reading = async { self.store.read(self.connection).await?.journal(None, None, 10_000).await };
        let journal = match self.world.gate.drive(reading).await {
            Some(Ok(journal)) => journal,
            Some(Err(error)) => return Err(self.failed(&error)),
            None => return Ok(()),
        };
        let created = journal.iter().map(|row| &row.entry).filter(|entry| entry.op == "create");
        let at = created.filter(|entry| !entry.reason.ends_with(FOUND_AFTERWARDS)).map(|entry| entry.at);
        self.judge(law_10_no_wave("new organizations", at, limit, guard.window).into_iter().collect())
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
            // Whoever a handover created stands beside the customer of its organization, or a person is asked about it.
            let answers = tx.answers(&parties).await?.into_iter();
            let aliases = answers.filter(|(_, answers)| answers.alias_of.is_some());
            let mut beside: BTreeSet<PartyId> = aliases.map(|(party, _)| party).collect();
            for (party, org) in estranged(&mut tx).await? {
                let row = tx.handover(Subject::Org(org)).await?;
                beside.extend(row.filter(|row| row.question.is_some()).map(|_| party));
            }
            Ok::<_, EngineError>((pairs, holds, beside, tx.relations(&parties).await?))
        };
        let (pairs, holds, beside, mut made) = match gate.drive(looking).await {
            Some(Ok(found)) => found,
            Some(Err(error)) => return Err(self.failed(&error)),
            None => return Ok(()),
        };
        self.report.held = holds.len() as u64;
        let mut found = Vec::new();
        {
            let worlds = self.world.lock();
            let (parents, relations) = (worlds.family.parents(), worlds.true_relations());
            for customer in &customers {
                let party = customer.party.id;
                let pair = pairs.get(&party);
                let org = pair.and_then(|pair| worlds.orgs.get(&pair.org)).filter(|org| !org.deleted);
                let values = org.map(|org| &org.values);
                let held = holds.contains_key(&party) || beside.contains(&party);
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
        self.judge(found)
    }
}

struct Stored {
    pairs: Vec<(PartyId, OrgId)>,
    parties: StoredStream,
    accounts: StoredStream,
}

struct StoredStream {
    state: Option<ErpStream>,
    /// The same, if its last window is complete and was not judged yet.
    idle: Option<ErpStream>,
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
        stored.idle
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
