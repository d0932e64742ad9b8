//! The ERP of a simulation: versions with stamps in microseconds, some of them committed late.

use async_trait::async_trait;
use jiff::Timestamp;
use sync_core::{
    hierarchy::ErpLink,
    ids::{AccountId, PartyId},
    model::{AccountTerms, ErpAccount, ErpParty, Page, Seen},
    poll::{ErpRead, floor_ms},
    ports::{Called, Erp, LinkPage, PartyKey},
};

use super::world::{Fate, Version, World, not_sent};

#[async_trait]
impl Erp for World {
    async fn parties(&self, read: ErpRead) -> Called<Page<ErpParty>> {
        self.reading("erp.parties").await?;
        #[cfg_attr(
            not(feature = "planted"),
            expect(unused_mut, reason = "a planted client counts its pages")
        )]
        let mut worlds = self.lock();
        let rows = visible(worlds.parties.values(), self.now());
        let rows = rows.map(|v| {
            (v.record.id.0, v.stamp, ErpParty { updated_at: floor_ms(v.stamp), ..v.record.clone() })
        });
        let rows: Vec<_> = rows.collect();
        #[cfg(feature = "planted")]
        let (rows, read) = worlds.mispaged(0, rows, read);
        Ok(page(rows, read, worlds.page_size, self.now()))
    }

    async fn accounts(&self, read: ErpRead) -> Called<Page<ErpAccount>> {
        self.reading("erp.accounts").await?;
        #[cfg_attr(
            not(feature = "planted"),
            expect(unused_mut, reason = "a planted client counts its pages")
        )]
        let mut worlds = self.lock();
        let rows = visible(worlds.accounts.values(), self.now());
        let rows = rows.map(|v| {
            (v.record.id.0, v.stamp, ErpAccount { updated_at: floor_ms(v.stamp), ..v.record.clone() })
        });
        let rows: Vec<_> = rows.collect();
        #[cfg(feature = "planted")]
        let (rows, read) = worlds.mispaged(1, rows, read);
        Ok(page(rows, read, worlds.page_size, self.now()))
    }

    async fn party(&self, key: &PartyKey) -> Called<Option<Seen<ErpParty>>> {
        self.reading("erp.party").await?;
        let worlds = self.lock();
        let found = visible(worlds.parties.values(), self.now()).find(|v| match key {
            PartyKey::Id(id) => v.record.id == *id,
            PartyKey::Number(number) => v.record.number == *number,
        });
        Ok(found.map(|v| Seen::Record(ErpParty { updated_at: floor_ms(v.stamp), ..v.record.clone() })))
    }

    async fn accounts_of(&self, party: PartyId) -> Called<Vec<Seen<ErpAccount>>> {
        self.reading("erp.accounts_of").await?;
        let worlds = self.lock();
        let found = visible(worlds.accounts.values(), self.now()).filter(|v| v.record.party == party);
        Ok(found
            .map(|v| Seen::Record(ErpAccount { updated_at: floor_ms(v.stamp), ..v.record.clone() }))
            .collect())
    }

    async fn terms(&self, account: AccountId, party: PartyId) -> Called<Seen<AccountTerms>> {
        self.reading("erp.terms").await?;
        let class = Some(format!("CLASS_{}", account.0 % 3));
        Ok(Seen::Record(AccountTerms { account, party, class, payment_terms: None }))
    }

    async fn links(&self, after: PartyId) -> Called<LinkPage> {
        self.reading("erp.links").await?;
        let (worlds, now) = (self.lock(), self.now());
        let mut parties =
            visible(worlds.parties.values(), now).map(|version| version.record.id).collect::<Vec<_>>();
        parties.retain(|party| *party > after);
        parties.sort_unstable();
        let more = parties.len() > worlds.page_size;
        parties.truncate(worlds.page_size);
        let rows =
            parties.iter().flat_map(|party| worlds.family.links_of(*party)).map(Seen::Record).collect();
        Ok(LinkPage { rows, last: parties.last().copied(), more, server_now: now })
    }

    async fn links_of(&self, party: &ErpParty) -> Called<Vec<Seen<ErpLink>>> {
        self.reading("erp.links_of").await?;
        Ok(self.lock().family.links_of(party.id).into_iter().map(Seen::Record).collect())
    }

    fn requests(&self) -> u64 {
        self.lock().reads
    }
}

impl World {
    /// A read passes the gate and may fail.
    pub(crate) async fn reading(&self, call: &'static str) -> Called<()> {
        self.gate.enter(call).await;
        let mut worlds = self.lock();
        worlds.reads += 1;
        worlds.calls.push(call);
        let now = self.now();
        worlds.meanwhile(call, now);
        let fate = worlds.fate();
        worlds.meet(call, if fate == Fate::Answered { "answered" } else { "not sent" });
        match fate {
            Fate::Answered => Ok(()),
            Fate::NotSent | Fate::LostBefore | Fate::LostAfter | Fate::Late | Fate::ServerError => {
                Err(not_sent(call))
            }
        }
    }
}

fn visible<'a, T: 'a>(
    records: impl Iterator<Item = &'a Vec<Version<T>>>,
    now: Timestamp,
) -> impl Iterator<Item = &'a Version<T>> {
    records.filter_map(move |versions| newest_visible(versions, now))
}

/// The version that readers see: the newest by stamp of those that are committed.
pub(crate) fn newest_visible<T>(versions: &[Version<T>], now: Timestamp) -> Option<&Version<T>> {
    versions.iter().filter(|version| version.visible_at <= now).max_by_key(|version| version.stamp)
}

pub(crate) fn page<T>(
    mut rows: Vec<(i64, Timestamp, T)>,
    read: ErpRead,
    size: usize,
    server_now: Timestamp,
) -> Page<T> {
    match read {
        ErpRead::ById { after } => {
            rows.retain(|(id, ..)| *id > after);
            rows.sort_by_key(|(id, ..)| *id);
        }
        ErpRead::Window { from, to } => {
            rows.retain(|(_, stamp, _)| *stamp >= from && to.is_none_or(|to| *stamp < to));
            rows.sort_by_key(|(id, stamp, _)| (*stamp, *id));
        }
        ErpRead::Tie { from, to, after } => {
            rows.retain(|(id, stamp, _)| *id > after && *stamp >= from && *stamp < to);
            rows.sort_by_key(|(id, ..)| *id);
        }
    }
    let more = rows.len() > size;
    rows.truncate(size);
    let rows = rows.into_iter().map(|(.., record)| Seen::Record(record)).collect();
    Page { rows, more, next: None, server_now }
}
