//! Who may be the same company: keys that both sides share, kept beside the staged records, and what comparing the
//! companies behind them gives.
//!
//! A customer without an organization is compared with the free organizations that share a key with it, and these with
//! the other free customers that share a key with them: it is bound only where it is the one for both.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sync_core::{
    answers::Answers,
    budget::Class,
    fields::{Field, Values},
    ids::{OrgId, PartyId},
    matching::{Candidate, Company, PartyCandidate, PartyVerdict, Profile, Rarest, judge, judge_parties},
    model::{CrmOrg, ErpCustomer, ErpParty},
    policy::Policy,
    situation::{ErpSide, Likeness, Situation},
    value::Value,
};
use sync_store::{Changed, MatchKeys, MatchSide, StagedKind, StagedRecord, StagedRow, Tx};

use crate::{Engine, EngineError, staging};

/// Raised when the rules by which keys are made change: all of them are made anew then.
const KEYS: u32 = 3;

/// Name of the row that says which keys there are.
const INDEX: &str = "match_keys";

/// Records whose keys are made in one step.
const PAGE: u32 = 500;

/// More rivals of one organization tell nothing new.
const MOST_RIVALS: usize = 50;

/// More candidates of one customer are compared by nobody, person or program: those that share most keys are.
const MOST_CANDIDATES: usize = 200;

/// How far the keys of what was staged earlier are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Index {
    keys: u32,
    /// Whether organizations are the ones being worked on; parties come first.
    orgs: bool,
    /// The last id done; none when everything is.
    after: Option<i64>,
}

impl Engine {
    /// Makes the keys of what was staged before there were any, or by other rules. Tells whether it did something.
    pub(crate) async fn index_likeness(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if self.likeness_indexed {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        let found: Option<Index> = tx.cursor(INDEX).await?;
        let begin = Index { keys: KEYS, orgs: false, after: Some(i64::MIN) };
        let mut index = found.filter(|index| index.keys == KEYS).unwrap_or(begin);
        let Some(after) = index.after else {
            self.likeness_indexed = true;
            return Ok(false);
        };
        let kind = if index.orgs { StagedKind::Org } else { StagedKind::Party };
        let page = tx.staged_page(kind, after, PAGE).await?;
        drop(tx);
        let rows: Vec<&StagedRow> = page.iter().map(|record| &record.row).collect();
        let mut tx = self.write().await?;
        put_keys(&mut tx, kind, &rows).await?;
        match (page.last(), index.orgs) {
            (Some(last), _) => index.after = Some(last.row.id),
            (None, false) => index = Index { orgs: true, ..begin },
            (None, true) => index.after = None,
        }
        tx.put_cursor(INDEX, &index, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Compares the customers among these situations that have no organization with those that exist.
pub(crate) async fn compare_customers(
    tx: &mut Tx,
    policy: &Policy,
    situations: &mut BTreeMap<PartyId, Situation>,
) -> Result<(), EngineError> {
    let subjects: BTreeMap<PartyId, Profile> = situations
        .values()
        .filter_map(|situation| Some((situation.party, subject(policy, situation)?)))
        .collect();
    if subjects.is_empty() {
        return Ok(());
    }
    let keys: BTreeMap<PartyId, BTreeSet<i64>> =
        subjects.iter().map(|(party, profile)| (*party, digests(profile))).collect();
    let all: BTreeSet<i64> = keys.values().flatten().copied().collect();
    let orgs_by_key = tx.free_by_key(MatchSide::Crm, &all).await?;
    let ids: BTreeSet<i64> = orgs_by_key.values().flatten().copied().collect();
    if ids.is_empty() {
        tell(situations, &subjects, &BTreeMap::new(), &BTreeMap::new());
        return Ok(());
    }
    let orgs = profiles_of_orgs(tx, &ids).await?;
    let org_keys: BTreeMap<i64, BTreeSet<i64>> =
        orgs.iter().map(|(id, profile)| (*id, digests(profile))).collect();
    let shared: BTreeSet<i64> = org_keys.values().flatten().copied().collect();
    let parties_by_key = tx.free_by_key(MatchSide::Erp, &shared).await?;
    let rivals = rivals_of(tx, policy, &parties_by_key, &subjects).await?;
    let bearers = tx.bearers(&subjects.values().flat_map(words).collect()).await?;

    let mut candidates: BTreeMap<PartyId, Vec<Candidate<'_>>> = BTreeMap::new();
    for (party, keys) in &keys {
        let apart = situations.get(party).map(|situation| &situation.answers.apart);
        let allowed = |org: &i64| apart.is_none_or(|apart| !apart.contains(&OrgId(*org)));
        for org in nearest(keys, &orgs_by_key).into_iter().filter(allowed).take(MOST_CANDIDATES) {
            let Some(profile) = orgs.get(&org) else { continue };
            let others = org_keys.get(&org).map(|keys| nearest(keys, &parties_by_key)).unwrap_or_default();
            let others = others.into_iter().map(PartyId).filter(|other| other != party);
            let others = others.filter_map(|other| {
                let (profile, answers) = rivals.get(&other)?;
                wants(answers, OrgId(org)).then_some((other, profile))
            });
            let rivals = others.take(MOST_RIVALS).collect();
            candidates.entry(*party).or_default().push(Candidate { org: OrgId(org), profile, rivals });
        }
    }
    tell(situations, &subjects, &candidates, &bearers);
    Ok(())
}

/// The other customers without an organization that share a key with a candidate.
async fn rivals_of(
    tx: &mut Tx,
    policy: &Policy,
    parties_by_key: &BTreeMap<i64, BTreeSet<i64>>,
    known: &BTreeMap<PartyId, Profile>,
) -> Result<BTreeMap<PartyId, (Profile, Answers)>, EngineError> {
    let ids: BTreeSet<i64> = parties_by_key.values().flatten().copied().collect();
    let parties: Vec<PartyId> = ids.iter().copied().map(PartyId).collect();
    let mut answers = tx.answers(&parties).await?;
    let mut rivals = BTreeMap::new();
    for (party, profile) in known {
        rivals.insert(*party, (profile.clone(), answers.remove(party).unwrap_or_default()));
    }
    let unknown: Vec<i64> = ids.into_iter().filter(|id| !known.contains_key(&PartyId(*id))).collect();
    let accounts = tx.staged_of_parties(StagedKind::Account, &unknown).await?;
    let owners: BTreeSet<i64> = accounts.iter().filter_map(|record| record.row.party).collect();
    for (id, record) in tx.staged(StagedKind::Party, &unknown).await? {
        let Some(party) = readable::<ErpParty>("party", &record)? else { continue };
        let usage = party.usage.as_ref().is_some_and(|u| policy.customers.usages.contains(u));
        if usage || owners.contains(&id) {
            let said = answers.remove(&PartyId(id)).unwrap_or_default();
            rivals.insert(PartyId(id), (Profile::of(&party_company(&party)), said));
        }
    }
    Ok(rivals)
}

/// Whether a party may still be this organization after what people said about it.
fn wants(answers: &Answers, org: OrgId) -> bool {
    let elsewhere = answers.same.is_some_and(|same| same != org);
    !(answers.new || answers.alias_of.is_some() || elsewhere || answers.apart.contains(&org))
}

/// Records that share keys with one, those that share most first.
fn nearest(keys: &BTreeSet<i64>, by_key: &BTreeMap<i64, BTreeSet<i64>>) -> Vec<i64> {
    let mut shared: BTreeMap<i64, usize> = BTreeMap::new();
    for id in keys.iter().filter_map(|key| by_key.get(key)).flatten() {
        *shared.entry(*id).or_default() += 1;
    }
    let mut near: Vec<(std::cmp::Reverse<usize>, i64)> =
        shared.into_iter().map(|(id, shared)| (std::cmp::Reverse(shared), id)).collect();
    near.sort_unstable();
    near.into_iter().map(|(_, id)| id).collect()
}

/// The profile of a customer whose decision depends on likeness.
fn subject(policy: &Policy, situation: &Situation) -> Option<Profile> {
    let Situation { pair, carriers, doubt, answers, erp, .. } = situation;
    let carried = carriers.iter().any(|carrier| !answers.apart.contains(&carrier.org));
    let decided = answers.same.is_some() || answers.new || answers.alias_of.is_some();
    if pair.is_some() || carried || doubt.is_some() || decided {
        return None;
    }
    let ErpSide::Present(customer) = erp else { return None };
    policy.customers.covers(customer).then(|| Profile::of(&customer_company(customer)))
}

fn tell(
    situations: &mut BTreeMap<PartyId, Situation>,
    subjects: &BTreeMap<PartyId, Profile>,
    candidates: &BTreeMap<PartyId, Vec<Candidate<'_>>>,
    bearers: &BTreeMap<i64, i64>,
) {
    let known = |word: &str| bearers.get(&digest(word)).and_then(|bearers| usize::try_from(*bearers).ok());
    for (party, profile) in subjects {
        let near = candidates.get(party).map(Vec::as_slice).unwrap_or_default();
        let rarest =
            profile.words().into_iter().filter_map(|word| Some(Rarest { bearers: known(word)?, word })).min();
        if let Some(situation) = situations.get_mut(party) {
            situation.likeness = Likeness::Compared(judge(profile, rarest, near));
        }
    }
}

async fn profiles_of_orgs(tx: &mut Tx, ids: &BTreeSet<i64>) -> Result<BTreeMap<i64, Profile>, EngineError> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let mut profiles = BTreeMap::new();
    for (id, record) in tx.staged(StagedKind::Org, &ids).await? {
        // One that carries another party's id is that party's.
        if record.row.party.is_none()
            && let Some(org) = readable::<CrmOrg>("organization", &record)?
        {
            profiles.insert(id, Profile::of(&org_company(&org)));
        }
    }
    Ok(profiles)
}

fn readable<T: serde::de::DeserializeOwned>(
    what: &'static str,
    record: &StagedRecord,
) -> Result<Option<T>, EngineError> {
    if record.missing > 0 || record.row.malformed.is_some() {
        return Ok(None);
    }
    staging::read(what, &record.row).map(Some)
}

/// Stages records and makes the keys of those that are new or changed: whatever is staged can be found by its likeness. The party
/// whose id an organization carried until now hears of it: it may be asked about that organization.
pub(crate) async fn stage(
    tx: &mut Tx,
    kind: StagedKind,
    rows: &[StagedRow],
    read_at: Timestamp,
    sweep: i64,
) -> Result<Vec<Changed>, EngineError> {
    let changed = tx.stage(kind, rows, read_at, sweep).await?;
    note_changed(tx, kind, rows, &changed).await?;
    if kind == StagedKind::Org {
        let left = changed.iter().filter_map(|row| row.was_party.filter(|was| Some(*was) != row.party));
        let left: Vec<PartyId> = left.map(PartyId).collect();
        tx.enqueue(&left, Class::Edit, read_at, "an organization carries its id no more").await?;
    }
    Ok(changed)
}

/// Makes the keys of records that are new or changed.
pub(crate) async fn note_changed(
    tx: &mut Tx,
    kind: StagedKind,
    rows: &[StagedRow],
    changed: &[Changed],
) -> Result<(), EngineError> {
    let changed: BTreeSet<i64> = changed.iter().map(|row| row.id).collect();
    let rows: Vec<&StagedRow> = rows.iter().filter(|row| changed.contains(&row.id)).collect();
    put_keys(tx, kind, &rows).await
}

async fn put_keys(tx: &mut Tx, kind: StagedKind, rows: &[&StagedRow]) -> Result<(), EngineError> {
    let mut keys = BTreeMap::new();
    for row in rows {
        let profile = match kind {
            StagedKind::Party if row.malformed.is_none() => {
                Some(Profile::of(&party_company(&staging::read("party", row)?)))
            }
            StagedKind::Org if row.malformed.is_none() => {
                Some(Profile::of(&org_company(&staging::read("organization", row)?)))
            }
            StagedKind::Party | StagedKind::Org => None,
            StagedKind::Account
            | StagedKind::Relation
            | StagedKind::Terms
            | StagedKind::Deal
            | StagedKind::CreditMemo
            | StagedKind::Invoice
            | StagedKind::PurchaseOrder
            | StagedKind::SalesOrder
            | StagedKind::Installments => return Ok(()),
        };
        let made = |profile: &Profile| MatchKeys { keys: digests(profile), words: words(profile) };
        keys.insert(row.id, profile.as_ref().map(made).unwrap_or_default());
    }
    let side = if kind == StagedKind::Org { MatchSide::Crm } else { MatchSide::Erp };
    Ok(tx.put_match_keys(side, &keys).await?)
}

/// Customers without an organization that share a key with one of these organizations: what is new, changed, gone or
/// bound may be theirs, or may be theirs no longer.
pub(crate) async fn parties_near(tx: &mut Tx, orgs: &[OrgId]) -> Result<Vec<PartyId>, EngineError> {
    let ids: Vec<i64> = orgs.iter().map(|org| org.0).collect();
    let keys = tx.match_keys_of(MatchSide::Crm, &ids).await?;
    let near = tx.free_by_key(MatchSide::Erp, &keys).await?;
    let parties: BTreeSet<i64> = near.into_values().flatten().collect();
    Ok(parties.into_iter().map(PartyId).collect())
}

fn digests(profile: &Profile) -> BTreeSet<i64> {
    profile.keys().iter().map(|key| digest(key)).collect()
}

fn words(profile: &Profile) -> BTreeSet<i64> {
    profile.words().into_iter().map(digest).collect()
}

/// A text by which records find each other, as it is stored.
pub(crate) fn word_of(text: &str) -> i64 {
    digest(text)
}

/// The first eight bytes of a hash: two keys that fall together only make a comparison more.
fn digest(key: &str) -> i64 {
    let hash = Sha256::digest(key.as_bytes());
    hash.iter().take(8).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte))
}

fn customer_company(customer: &ErpCustomer) -> Company {
    party_company(&customer.party)
}

fn party_company(party: &ErpParty) -> Company {
    let all = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
    Company {
        names: vec![party.name.clone()],
        tax_ids: all(&party.tax_id),
        duns: party.duns.clone(),
        websites: all(&party.url),
        emails: all(&party.email),
        phones: all(&party.phone),
        country: party.address.as_ref().and_then(|address| address.country.clone()),
        address: party.address.clone(),
    }
}

fn org_company(org: &CrmOrg) -> Company {
    let CrmOrg { values, .. } = org;
    let address = values.get(&Field::Address).and_then(|value| match value {
        Value::Address(address) => Some(address.clone()),
        Value::Text(_) | Value::Number(_) | Value::Date(_) | Value::Money(_) | Value::Labels(_) => None,
    });
    Company {
        names: texts(values, Field::Name),
        tax_ids: texts(values, Field::TaxId),
        duns: texts(values, Field::Duns).pop(),
        websites: texts(values, Field::Website),
        emails: texts(values, Field::Email),
        phones: texts(values, Field::Phone),
        country: address.as_ref().and_then(|address| address.country.clone()),
        address,
    }
}

fn texts(values: &Values, field: Field) -> Vec<String> {
    values.get(&field).map(|value| value.text().to_owned()).into_iter().collect()
}

/// Which party of the ERP an organization is, by what was polled and what the ERP itself found (`found`). Parties of every
/// usage count, those that belong to other organizations too: a supplier is no other company.
pub(crate) async fn judge_organization(
    tx: &mut Tx,
    policy: &Policy,
    org: &CrmOrg,
    found: Vec<ErpParty>,
    apart: &BTreeSet<PartyId>,
) -> Result<PartyVerdict, EngineError> {
    let subject = Profile::of(&org_company(org));
    let keys = digests(&subject);
    let by_key = tx.all_by_key(MatchSide::Erp, &keys).await?;
    let near: Vec<i64> = nearest(&keys, &by_key).into_iter().take(MOST_CANDIDATES).collect();
    let mut parties: BTreeMap<PartyId, ErpParty> = BTreeMap::new();
    for (id, record) in tx.staged(StagedKind::Party, &near).await? {
        if let Some(party) = readable::<ErpParty>("party", &record)? {
            parties.insert(PartyId(id), party);
        }
    }
    // What the ERP says now is newer than what was polled.
    parties.extend(found.into_iter().map(|party| (party.id, party)));
    parties.retain(|party, _| !apart.contains(party));
    let ids: Vec<PartyId> = parties.keys().copied().collect();
    let raw: Vec<i64> = ids.iter().map(|party| party.0).collect();
    let accounts = tx.staged_of_parties(StagedKind::Account, &raw).await?;
    let owners: BTreeSet<i64> = accounts.iter().filter_map(|record| record.row.party).collect();
    let pairs = tx.pairs_by_party(&ids).await?;
    let profiles: BTreeMap<PartyId, Profile> =
        parties.iter().map(|(id, party)| (*id, Profile::of(&party_company(party)))).collect();
    let candidates: Vec<PartyCandidate<'_>> = profiles
        .iter()
        .map(|(id, profile)| {
            let usage = parties.get(id).and_then(|party| party.usage.clone());
            let by_usage = usage.as_ref().is_some_and(|usage| policy.customers.usages.contains(usage));
            PartyCandidate {
                party: *id,
                profile,
                customer: by_usage || owners.contains(&id.0),
                usage,
                paired_with: pairs.get(id).map(|pair| pair.org).filter(|other| *other != org.id),
            }
        })
        .collect();
    let bearers = tx.bearers(&words(&subject)).await?;
    let known = |word: &str| bearers.get(&digest(word)).and_then(|bearers| usize::try_from(*bearers).ok());
    let rarest =
        subject.words().into_iter().filter_map(|word| Some(Rarest { bearers: known(word)?, word })).min();
    Ok(judge_parties(&subject, rarest, &candidates))
}

/// An organization as the ERP can search for it.
pub(crate) fn company_of(org: &CrmOrg) -> Company {
    org_company(org)
}
