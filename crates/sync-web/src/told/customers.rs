//! Customers: pairs of a party of the ERP and an organization of the CRM, and everything known about one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sync_core::{
    fields::{Field, Values},
    ids::PartyId,
    model::{CrmOrg, ErpParty},
    value::Value,
};
use sync_store::{PairRow, StagedKind, Tx};
use utoipa::ToSchema;

use super::{Paged, TellError, Written, at, journal};

/// Writes shown of one customer.
const WRITES: u32 = 100;

/// A customer that has an organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerRow {
    /// Its party in the ERP.
    pub(crate) party: i64,
    /// Its organization in the CRM.
    pub(crate) organization: i64,
    /// Its name, as the CRM has it.
    pub(crate) name: String,
    /// Since when it has the organization.
    pub(crate) paired_at: String,
    /// When either side changed last.
    pub(crate) updated_at: String,
}

impl From<PairRow> for CustomerRow {
    fn from(row: PairRow) -> Self {
        Self {
            party: row.pair.party.0,
            organization: row.pair.org.0,
            name: row.pair.crm_mirror.get(&Field::Name).map(Value::text).unwrap_or_default().to_owned(),
            paired_at: at(row.created_at),
            updated_at: at(row.updated_at),
        }
    }
}

/// Everything known about a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Customer {
    /// Its party in the ERP.
    pub(crate) party: i64,
    /// The number that people of the ERP use.
    pub(crate) number: Option<String>,
    /// Its name.
    pub(crate) name: Option<String>,
    /// Its organization in the CRM, if it has one.
    pub(crate) organization: Option<i64>,
    /// Field by field.
    pub(crate) fields: Vec<FieldTold>,
    /// What is asked about it.
    pub(crate) hold: Option<String>,
    /// Whether it is in the queue, and who asked for that.
    pub(crate) queued: Option<Queued>,
    /// What was written about it, newest first.
    pub(crate) journal: Vec<Written>,
}

/// A field on both sides.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldTold {
    /// The field's key.
    pub(crate) field: String,
    /// What people call it.
    pub(crate) label: String,
    /// What the ERP said when both were compared last, in the form in which it is written to the CRM.
    pub(crate) erp: Option<String>,
    /// What the CRM said in the last answer that we had from it.
    pub(crate) mirror: Option<String>,
    /// What the CRM says as it was read last.
    pub(crate) crm: Option<String>,
    /// The last write of ours that changed it.
    pub(crate) written: Option<Provenance>,
}

impl FieldTold {
    /// Whether the sides say something else, as far as is known. What the CRM says was not read for the mirror alone.
    pub(crate) fn differs(&self) -> bool {
        self.erp != self.mirror || (self.crm.is_some() && self.crm != self.mirror)
    }
}

/// Why a field says what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Provenance {
    /// The write's number in the journal.
    pub(crate) journal: i64,
    /// When.
    pub(crate) at: String,
    /// Why, in words.
    pub(crate) reason: String,
    /// The rule behind it.
    pub(crate) rule: String,
    /// The event that asked for it.
    pub(crate) origin: String,
}

/// A customer in the queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queued {
    /// When it is looked at.
    pub(crate) due: String,
    /// How often the last looks failed.
    pub(crate) failures: u32,
    /// Who asked for the look.
    pub(crate) origin: String,
}

/// So many customers are looked through for a text at a time, however many there are.
pub(crate) const LOOKED_THROUGH: u32 = 50_000;

/// A page of customers by party, or those in which a text is found.
pub(crate) async fn customers(
    tx: &mut Tx,
    search: Option<&str>,
    after: Option<i64>,
    limit: u32,
) -> Result<Paged<CustomerRow>, TellError> {
    let after = after.map(PartyId);
    let rows = match search.map(str::trim).filter(|search| !search.is_empty()) {
        None => tx.list_pairs(after, limit + 1).await?,
        Some(search) => {
            let found = tx.find_pairs(search, after, (limit, LOOKED_THROUGH)).await?;
            let next_cursor = found.next.map(|party| party.to_string());
            return Ok(Paged { items: found.rows.into_iter().map(CustomerRow::from).collect(), next_cursor });
        }
    };
    Ok(Paged::of(rows.into_iter().map(CustomerRow::from).collect(), limit, |row| row.party))
}

/// Everything known about a party; none if nothing is.
pub(crate) async fn customer(tx: &mut Tx, party: i64) -> Result<Option<Customer>, TellError> {
    let party = PartyId(party);
    let pair = tx.pairs_by_party(&[party]).await?.remove(&party);
    let hold = tx.holds(&[party]).await?.remove(&party);
    let journal = journal(tx, Some(party.0), None, WRITES).await?.items;
    let staged = tx.staged(StagedKind::Party, &[party.0]).await?.remove(&party.0);
    let queued = tx.jobs(&[party]).await?.into_iter().next();
    if pair.is_none() && hold.is_none() && journal.is_empty() && staged.is_none() {
        return Ok(None);
    }
    let read = staged.filter(|record| record.row.malformed.is_none());
    let read: Option<ErpParty> = read.map(|record| serde_json::from_str(&record.row.body)).transpose()?;
    let now = match &pair {
        Some(pair) => tx.staged(StagedKind::Org, &[pair.org.0]).await?.remove(&pair.org.0),
        None => None,
    };
    let now = now.filter(|record| record.row.malformed.is_none() && record.missing == 0);
    let now: Option<CrmOrg> = now.map(|record| serde_json::from_str(&record.row.body)).transpose()?;
    let none = Values::new();
    let (erp, mirror) = pair.as_ref().map_or((&none, &none), |pair| (&pair.erp_mirror, &pair.crm_mirror));
    let crm = now.as_ref().map_or(&none, |org| &org.values);
    Ok(Some(Customer {
        party: party.0,
        number: read.as_ref().map(|party| party.number.clone()),
        name: read
            .map(|party| party.name)
            .or_else(|| mirror.get(&Field::Name).map(|name| name.text().to_owned())),
        organization: pair.as_ref().map(|pair| pair.org.0),
        fields: fields(erp, mirror, crm, &journal),
        hold: hold.map(|hold| hold.explain()),
        queued: queued.map(|job| Queued { due: at(job.due), failures: job.attempts, origin: job.origin }),
        journal,
    }))
}

fn fields(erp: &Values, mirror: &Values, crm: &Values, journal: &[Written]) -> Vec<FieldTold> {
    let mut last: BTreeMap<&str, &Written> = BTreeMap::new();
    for write in journal {
        for change in &write.changes {
            last.entry(&change.field).or_insert(write);
        }
    }
    let text = |value: Option<&Value>| value.map(|value| value.text().to_owned());
    let all: BTreeSet<&Field> = erp.keys().chain(mirror.keys()).chain(crm.keys()).collect();
    all.into_iter()
        .map(|field| FieldTold {
            field: field.key().to_owned(),
            label: field.label().to_owned(),
            erp: text(erp.get(field)),
            mirror: text(mirror.get(field)),
            crm: text(crm.get(field)),
            written: last.get(field.key()).map(|write| Provenance {
                journal: write.id,
                at: write.at.clone(),
                reason: write.reason.clone(),
                rule: write.rule.clone(),
                origin: write.origin.clone(),
            }),
        })
        .collect()
}
