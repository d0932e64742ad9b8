//! What settings make of a customer: read from the ERP now, mapped as it is and as a text would have it; and what a mapping would
//! write of all customers that were read.

use std::collections::BTreeMap;

use sync_core::fields::{Field, FieldTable, Owner, Values};
use sync_core::ids::{ConnectionId, PartyId};
use sync_core::mapping::{Desired, desired};
use sync_core::model::{ErpCustomer, ErpParty, Seen};
use sync_core::ports::{Erp as _, PartyKey};
use sync_core::value::Value;
use sync_engine::{EngineError, Foreseen};
use sync_web::plan::Entry;
use sync_web::setup::mapping::Foresight;
use sync_web::setup::{NotMade, Tried};

use crate::clients::{Clients, erp_transport, system_seed};
use crate::config::{Connection, StoredText};
use crate::made;
use crate::wire::{Process, policy};

/// What a connection makes of a customer.
struct Mapped {
    party: PartyId,
    fields: FieldTable,
    desired: Desired,
}

/// Tries a text on a customer; nothing is kept.
pub(super) async fn try_out(
    process: &Process<'_>,
    name: &str,
    text: &str,
    customer: &str,
) -> Result<Vec<Tried>, NotMade> {
    let (trial, id) = trial(process, name, text).await?;
    let Some(then) = mapped(process, &trial, customer).await.map_err(wrong)? else {
        return Err(NotMade::new(
            format!("the ERP shows no party {customer:?}"),
            "write the PartyId or the PartyNumber of a customer",
        ));
    };
    let now = match process.config.connections.iter().find(|connection| connection.name == name) {
        Some(connection) => mapped(process, connection, customer).await.map_err(wrong)?,
        None => None,
    };
    let pairs = async { process.store.read(id).await?.pairs_by_party(&[then.party]).await };
    let pairs = pairs.await.map_err(|error| wrong(error.into()))?;
    let crm = pairs.into_iter().next().map(|(_, pair)| pair.crm_mirror).unwrap_or_default();
    Ok(lines(&then, now.as_ref(), &crm))
}

fn wrong(error: anyhow::Error) -> NotMade {
    NotMade::new(format!("{error:#}"), "put it right and try again")
}

/// The connection as a text would have it.
async fn trial(process: &Process<'_>, name: &str, text: &str) -> Result<(Connection, ConnectionId), NotMade> {
    let trial = StoredText::read(text).and_then(|text| text.connection(name));
    let trial = trial.map_err(|error| made::unusable(&error))?;
    let id = process.store.ensure_connection(name, "{}", process.clock.now()).await;
    let id = id.map_err(|error| wrong(error.into()))?;
    made::fill(&trial, &process.store, id, process.env).await.map_err(wrong)?;
    Ok((trial, id))
}

/// Customers that are looked at: more would keep whoever asks waiting.
const LOOKED_AT: u64 = 2_000;

/// Customers of a page.
const PAGE: u32 = 200;

/// Records that are shown.
const SHOWN: usize = 20;

/// What a mapping would write that is not written anyway.
pub(super) async fn foresee(process: &Process<'_>, name: &str, text: &str) -> Result<Foresight, NotMade> {
    let (trial, id) = trial(process, name, text).await?;
    let now = process.config.connections.iter().find(|connection| connection.name == name);
    let Some(now) = now else {
        return Err(NotMade::new(
            "nothing was read yet",
            "switch the connection on first, or try the mapping on one customer",
        ));
    };
    let then = process.planner_beside(&trial, id).map_err(wrong)?;
    let now = process.planner_beside(now, id).map_err(wrong)?;
    let store = |error: EngineError| wrong(error.into());
    if !now.is_loaded().await.map_err(store)? {
        return Err(NotMade::new(
            "both systems were not read completely yet",
            "wait for the first sync to come to its end, or try the mapping on one customer",
        ));
    }
    let mut foresight =
        Foresight { unread: unread(&now.policy.fields, &then.policy.fields), ..Foresight::default() };
    let mut after = None;
    while let Some((last, customers)) = then.page_of_all(after, PAGE).await.map_err(store)? {
        if foresight.looked_at >= LOOKED_AT {
            foresight.more = true;
            break;
        }
        let before = now.page_of_all(after, PAGE).await.map_err(store)?.map_or(Vec::new(), |(_, page)| page);
        let before: BTreeMap<PartyId, Foreseen> = before.into_iter().map(|one| (one.party, one)).collect();
        foresight.looked_at += customers.len() as u64;
        for one in customers {
            let same = |was: &Foreseen| was.plans == one.plans && was.rest == one.rest;
            if before.get(&one.party).is_some_and(same) {
                continue;
            }
            foresight.totals.count(&one);
            let entry = Entry::of(&one, |step| then.crm.price(step));
            foresight.tokens += entry.tokens;
            if foresight.entries.len() < SHOWN && !entry.is_quiet() {
                foresight.entries.push(entry);
            }
        }
        after = Some(last);
    }
    Ok(foresight)
}

/// What people call a field; those of one's own by their names in the CRM.
fn called(then: &FieldTable, now: Option<&FieldTable>, field: Field) -> String {
    let own = then.own(field).or_else(|| now?.own(field));
    own.map_or_else(|| field.label().to_owned(), |own| own.name.clone())
}

/// What the new table has and the old one has not: of it nothing was read yet.
fn unread(now: &FieldTable, then: &FieldTable) -> Vec<String> {
    let known = now.attributes();
    let reads = |field: &Field| match then.own(*field) {
        Some(own) => own.expression.names().iter().any(|name| !known.contains(name)) || !now.has(*field),
        None => !now.has(*field),
    };
    then.fields().filter(reads).map(|field| called(then, None, field)).collect()
}

async fn mapped(
    process: &Process<'_>,
    connection: &Connection,
    customer: &str,
) -> anyhow::Result<Option<Mapped>> {
    let clients = Clients { env: process.env, clock: process.clock.clone(), seed: &system_seed };
    let fusion = clients.fusion(connection, erp_transport(&connection.oracle)?)?;
    fusion.prepare().await?;
    let mut found = None;
    if let Ok(id) = customer.parse() {
        found = fusion.party(&PartyKey::Id(PartyId(id))).await?;
    }
    if found.is_none() {
        found = fusion.party(&PartyKey::Number(customer.to_owned())).await?;
    }
    let party: ErpParty = match found {
        None => return Ok(None),
        Some(Seen::Malformed(record)) => anyhow::bail!("the party cannot be understood: {}", record.reason),
        Some(Seen::Record(party)) => party,
    };
    let fields = policy(connection).fields;
    let (mut accounts, mut terms) = (Vec::new(), Vec::new());
    for account in fusion.accounts_of(party.id).await? {
        let Seen::Record(account) = account else { continue };
        if fields.wants_terms()
            && let Seen::Record(known) = fusion.terms(account.id, party.id).await?
        {
            terms.push(known);
        }
        accounts.push(account);
    }
    accounts.sort_by_key(|account| account.id);
    let id = party.id;
    let customer = ErpCustomer { party, accounts, also: Vec::new(), terms, parents: Vec::new() };
    Ok(Some(Mapped { party: id, desired: desired(&fields, &customer), fields }))
}

/// Field by field, those of the text first. Parents are read with everybody's relationships, and are not tried.
fn lines(then: &Mapped, now: Option<&Mapped>, crm: &Values) -> Vec<Tried> {
    let of = |values: &Values, field: Field| values.get(&field).map(|value| Value::text(value).to_owned());
    let owners: BTreeMap<Field, Owner> = then.fields.rules().collect();
    let mut fields: Vec<Field> = then.fields.fields().collect();
    let before = now.iter().flat_map(|now| now.fields.fields());
    fields.extend(before.filter(|field| !owners.contains_key(field)).collect::<Vec<_>>());
    fields.retain(|field| *field != Field::Parent);
    let line = |field: Field| Tried {
        field: called(&then.fields, now.map(|now| &now.fields), field),
        owner: owners.get(&field).map_or("not mapped any more", |owner| told(*owner)).to_owned(),
        crm: of(crm, field),
        now: now.and_then(|now| of(&now.desired.values, field)),
        then: of(&then.desired.values, field),
        failed: then.desired.failed.iter().find(|(failed, _)| *failed == field).map(|(_, why)| why.clone()),
    };
    fields.into_iter().map(line).collect()
}

fn told(owner: Owner) -> &'static str {
    match owner {
        Owner::Erp => "the ERP's",
        Owner::Crm => "the CRM's",
        Owner::Latest => "the latest",
        Owner::Ask => "the ERP's; a person is asked where the CRM was changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(table: FieldTable, values: &[(Field, &str)], failed: &[(Field, &str)]) -> Mapped {
        let values = values.iter().map(|(field, text)| (*field, Value::Text((*text).to_owned())));
        let failed = failed.iter().map(|(field, why)| (*field, (*why).to_owned()));
        let desired = Desired { values: values.collect(), cut: Vec::new(), failed: failed.collect() };
        Mapped { party: PartyId(1), fields: table, desired }
    }

    #[test]
    fn each_field_tells_what_it_is_what_it_would_be_and_what_the_crm_says() {
        let table = FieldTable::default();
        let now = mapped(
            table.clone().with(Field::Currency, Owner::Erp),
            &[(Field::Name, "Acme"), (Field::Currency, "USD")],
            &[],
        );
        let then =
            mapped(table.with(Field::Name, Owner::Ask), &[(Field::Name, "ACME")], &[(Field::Phone, "no")]);
        let crm = Values::from([(Field::Name, Value::Text("Acme Ltd".to_owned()))]);
        let told = lines(&then, Some(&now), &crm);
        let name = told.iter().find(|line| line.field == "Name").expect("a name");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!((&name.crm, &name.now, &name.then), (&text("Acme Ltd"), &text("Acme"), &text("ACME")));
        assert!(name.owner.contains("a person is asked"));
        let phone = told.iter().find(|line| line.field == "Phone").expect("a telephone number");
        assert_eq!(phone.failed, text("no"));
        let last = told.last().expect("what is not mapped any more");
        assert_eq!(
            (last.field.as_str(), last.now.clone(), last.then.clone()),
            ("Currency", text("USD"), None)
        );
        assert_eq!(last.owner, "not mapped any more");
    }
}
