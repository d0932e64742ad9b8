//! From keys to situations: everything the store knows about them, in a handful of statements.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    fields::Field,
    hierarchy::Family,
    ids::{OrgId, PartyId},
    model::{CrmOrg, ErpAccount, ErpCustomer, ErpParty},
    pair::Pair,
    policy::Policy,
    situation::{Carrier, CrmSide, Doubt, ErpSide, Likeness, Situation},
    text,
};
use sync_store::{StagedKind, StagedRecord, Tx};

use crate::{
    EngineError, estranged::estranged, family::families, handover::party_named, likeness::compare_customers,
    staging,
};

/// How often a party is looked at that may be one that we create.
const UNBORN: SignedDuration = SignedDuration::from_secs(10);

/// Loads the situations of `parties`, with their families if the policy wants the hierarchy, and compared with organizations
/// where that may matter.
pub(crate) async fn observe(
    tx: &mut Tx,
    policy: &Policy,
    parties: &[PartyId],
    now: Timestamp,
) -> Result<BTreeMap<PartyId, Situation>, EngineError> {
    let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
    let staged = tx.staged(StagedKind::Party, &ids).await?;
    let accounts = by_party(tx.staged_of_parties(StagedKind::Account, &ids).await?);
    let carried = by_party(tx.staged_of_parties(StagedKind::Org, &ids).await?);
    let mut pairs = tx.pairs_by_party(parties).await?;
    let mut holds = tx.holds(parties).await?;
    let mut answers = tx.answers(parties).await?;
    let mut also = accounts_of_aliases(tx, parties).await?;
    let terms = if policy.fields.wants_terms() {
        by_party(tx.staged_of_parties(StagedKind::Terms, &ids).await?)
    } else {
        BTreeMap::new()
    };
    let mut families = match policy.hierarchy {
        Some(_) => families(tx, parties).await?,
        None => BTreeMap::new(),
    };
    let mut names = if policy.fields.has(Field::Parent) {
        names_of_parents(tx, &families).await?
    } else {
        BTreeMap::new()
    };
    let doubts: BTreeMap<PartyId, Timestamp> =
        tx.intents().await?.into_iter().map(|i| (i.party, i.settled_at.unwrap_or(now))).collect();

    // Parties that we may have created ourselves: nobody knows yet whose they are.
    let unborn: BTreeMap<String, Timestamp> = tx
        .erp_intents()
        .await?
        .into_iter()
        .filter_map(|intent| Some((party_named(&intent.new.piece)?, intent.settled_at.unwrap_or(now))))
        .collect();

    let estranged = estranged(tx).await?;
    let carriers: Vec<OrgId> = carried.values().flatten().map(|record| OrgId(record.row.id)).collect();
    let paired_with = tx.pairs_by_org(&carriers).await?;
    let orgs: Vec<i64> = pairs.values().map(|pair| pair.org.0).collect();
    let orgs = tx.staged(StagedKind::Org, &orgs).await?;

    let mut situations = BTreeMap::new();
    for party in parties {
        let pair = pairs.remove(party);
        let erp = erp_side(
            staged.get(&party.0),
            accounts.get(&party.0),
            Beside {
                also: also.remove(party).unwrap_or_default(),
                terms: terms.get(&party.0).map_or(&[], Vec::as_slice),
                parents: names.remove(party).unwrap_or_default(),
            },
        )?;
        let doubt = match (&pair, &erp) {
            (None, ErpSide::Present(customer)) => {
                let name = text::squeeze(&customer.party.name).to_lowercase();
                unborn.get(&name).map(|settled_at| (*settled_at).max(now + UNBORN))
            }
            (None | Some(_), _) => None,
        };
        let doubt = doubts.get(party).copied().or(doubt);
        let situation = Situation {
            party: *party,
            now,
            erp,
            crm: crm_side(pair.as_ref(), &orgs)?,
            carriers: carried
                .get(&party.0)
                .into_iter()
                .flatten()
                .map(|record| OrgId(record.row.id))
                .map(|org| Carrier { org, paired_with: paired_with.get(&org).copied() })
                .collect(),
            made_for: estranged.get(party).copied(),
            likeness: Likeness::NotCompared,
            doubt: doubt.map(|settled_at| Doubt { settled_at }),
            hold: holds.remove(party),
            try_again: false,
            answers: answers.remove(party).unwrap_or_default(),
            family: families.remove(party).unwrap_or_default(),
            pair,
        };
        situations.insert(*party, situation);
    }
    compare_customers(tx, policy, &mut situations).await?;
    Ok(situations)
}

/// Accounts of the parties that are aliases of these; what cannot be read of them is shown once it can.
async fn accounts_of_aliases(
    tx: &mut Tx,
    parties: &[PartyId],
) -> Result<BTreeMap<PartyId, Vec<ErpAccount>>, EngineError> {
    let mut also: BTreeMap<PartyId, Vec<ErpAccount>> = BTreeMap::new();
    let aliases = tx.aliases_of(parties).await?;
    if aliases.is_empty() {
        return Ok(also);
    }
    let ids: Vec<i64> = aliases.iter().map(|(alias, _)| alias.0).collect();
    let mut accounts = by_party(tx.staged_of_parties(StagedKind::Account, &ids).await?);
    for (alias, of) in aliases {
        for record in accounts.remove(&alias.0).into_iter().flatten() {
            if record.missing < 2 && record.row.malformed.is_none() {
                also.entry(of).or_default().push(staging::read("account", &record.row)?);
            }
        }
    }
    for accounts in also.values_mut() {
        accounts.sort_by_key(|account| account.id);
    }
    Ok(also)
}

/// The names of everybody's parents, as far as they are known.
async fn names_of_parents(
    tx: &mut Tx,
    families: &BTreeMap<PartyId, Family>,
) -> Result<BTreeMap<PartyId, Vec<String>>, EngineError> {
    let parents: BTreeSet<i64> =
        families.values().flat_map(|family| &family.parents).map(|parent| parent.party.0).collect();
    let ids: Vec<i64> = parents.into_iter().collect();
    let mut names: BTreeMap<i64, String> = BTreeMap::new();
    for (id, record) in tx.staged(StagedKind::Party, &ids).await? {
        if record.missing < 2 && record.row.malformed.is_none() {
            let party: ErpParty = staging::read("party", &record.row)?;
            names.insert(id, party.name);
        }
    }
    let named = |family: &Family| {
        family.parents.iter().filter_map(|parent| names.get(&parent.party.0).cloned()).collect()
    };
    Ok(families.iter().map(|(party, family)| (*party, named(family))).collect())
}

fn by_party(records: Vec<StagedRecord>) -> BTreeMap<i64, Vec<StagedRecord>> {
    let mut by_party: BTreeMap<i64, Vec<StagedRecord>> = BTreeMap::new();
    for record in records {
        if let Some(party) = record.row.party {
            by_party.entry(party).or_default().push(record);
        }
    }
    by_party
}

/// What is known of a customer beside its party and accounts.
#[derive(Default)]
struct Beside<'a> {
    also: Vec<ErpAccount>,
    terms: &'a [StagedRecord],
    parents: Vec<String>,
}

fn erp_side(
    party: Option<&StagedRecord>,
    accounts: Option<&Vec<StagedRecord>>,
    beside: Beside<'_>,
) -> Result<ErpSide, EngineError> {
    let Some(record) = party else { return Ok(ErpSide::Unseen) };
    if let Some(reason) = &record.row.malformed {
        return Ok(ErpSide::Malformed(reason.clone()));
    }
    if record.missing >= 2 {
        return Ok(ErpSide::Missing);
    }
    let party: ErpParty = staging::read("party", &record.row)?;
    let mut known: Vec<ErpAccount> = Vec::new();
    for record in accounts.into_iter().flatten().filter(|record| record.missing < 2) {
        if let Some(reason) = &record.row.malformed {
            return Ok(ErpSide::Malformed(format!("its account {}: {reason}", record.row.id)));
        }
        known.push(staging::read("account", &record.row)?);
    }
    let Beside { also, terms: staged, parents } = beside;
    let mut terms = Vec::new();
    for StagedRecord { row, .. } in staged {
        if known.iter().all(|account| account.id.0 != row.id) {
            continue;
        }
        if let Some(reason) = &row.malformed {
            return Ok(ErpSide::Malformed(format!("class or terms of its account {}: {reason}", row.id)));
        }
        terms.push(staging::read("terms", row)?);
    }
    Ok(ErpSide::Present(ErpCustomer { party, accounts: known, also, terms, parents }))
}

fn crm_side(pair: Option<&Pair>, orgs: &BTreeMap<i64, StagedRecord>) -> Result<CrmSide, EngineError> {
    let Some(pair) = pair else { return Ok(CrmSide::NoPair) };
    let Some(record) = orgs.get(&pair.org.0) else { return Ok(CrmSide::Unknown) };
    if let (0, Some(reason)) = (record.missing, &record.row.malformed) {
        return Ok(CrmSide::Malformed(reason.clone()));
    }
    match record.missing {
        0 => {
            let org: CrmOrg = staging::read("organization", &record.row)?;
            Ok(CrmSide::Present { org, read_at: record.read_at })
        }
        1 => Ok(CrmSide::Unknown),
        _ => Ok(CrmSide::Absent { last_seen: record.read_at }),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use sync_core::{
        ids::{AccountId, PartyId},
        model::{Malformed, PartyStatus, Seen},
    };

    use super::*;

    fn staged(row: sync_store::StagedRow) -> StagedRecord {
        StagedRecord { row, read_at: Timestamp::UNIX_EPOCH, missing: 0, sweep: 0 }
    }

    /// A customer must not be written without the account that could not be read (law 10).
    #[test]
    fn an_unreadable_account_holds_its_party_and_no_other() {
        let at = Timestamp::UNIX_EPOCH;
        let id = PartyId(1);
        let party = ErpParty {
            id,
            number: "1".into(),
            name: "Acme".into(),
            usage: None,
            status: PartyStatus::Active,
            tax_id: None,
            url: None,
            phone: None,
            duns: None,
            email: None,
            currency: None,
            address: None,
            attributes: Default::default(),
            updated_at: at,
        };
        let good = ErpAccount { id: AccountId(7), party: id, number: "7".into(), updated_at: at };
        let reason = "AccountNumber is missing".to_owned();
        let bad: Seen<ErpAccount> =
            Seen::Malformed(Malformed { id: Some(8), owner: Some(id), updated_at: None, reason });
        let (rows, lost) = staging::rows(vec![Seen::Record(good), bad], staging::account);
        assert!(lost.is_empty());
        let party = staged(staging::party(&party));
        let accounts: Vec<StagedRecord> = rows.into_iter().map(staged).collect();
        assert!(matches!(
            erp_side(Some(&party), Some(&accounts[..1].to_vec()), Beside::default()).unwrap(),
            ErpSide::Present(customer) if customer.accounts.len() == 1
        ));
        assert_eq!(
            erp_side(Some(&party), Some(&accounts), Beside::default()).unwrap(),
            ErpSide::Malformed("its account 8: AccountNumber is missing".into())
        );
        assert_eq!(by_party(accounts).keys().collect::<Vec<_>>(), [&1], "the held party is known");
    }
}
