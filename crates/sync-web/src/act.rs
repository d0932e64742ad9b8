//! What people and programs can do: one way for API and console. Who did it is written down before it is answered.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use sync_core::{
    answers::Answer,
    documents::{AttachAnswer, DocumentKey},
    handover::{Asked, HandoverAnswer, Subject},
    hold::HoldReason,
    ids::{AccountId, DealId, OrgId, PartyId, WishId},
    poll::Again,
};
use sync_store::{Answered, ConnectionRow, DocumentId, Errand, Store};

use crate::{
    door::Door,
    problem::Problem,
    setup::{Change, Look, NotMade},
    told::{MOST, at, handovers_named},
    who::Who,
};

/// The most questions answered at a time.
pub(crate) const MOST_ANSWERS: usize = 1_000;

fn store(door: &Door) -> &Store {
    &door.parts.store
}

/// Answers what is asked about a customer.
pub(crate) async fn answer_hold(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    party: i64,
    (answer, organization): (&str, Option<i64>),
) -> Result<(), Problem> {
    let answer = Answer::parse(answer, organization.map(OrgId))
        .map_err(|why| Problem::bad(why, "the question's `answers` lists what can be answered"))?;
    let now = door.parts.clock.now();
    let answered = store(door).answer_hold(connection.id, PartyId(party), &answer, &who.name, now).await?;
    taken(answered, &format!("party {party}"))?;
    let detail = match organization {
        Some(org) => format!("{}: organization {org}", answer.key()),
        None => answer.key().to_owned(),
    };
    who.did(door, "answered", format!("party {party}"), (Some(connection.id), detail)).await?;
    Ok(())
}

fn taken(answered: Answered, about: &str) -> Result<(), Problem> {
    match answered {
        Answered::Taken => Ok(()),
        Answered::NotAsked => Err(Problem::conflict(
            format!("nothing is asked about {about} any more"),
            "somebody answered, or it was solved by itself; look at it again",
        )),
        Answered::Refused(why) => {
            Err(Problem::bad(why, "the question's `answers` lists what can be answered"))
        }
    }
}

/// Gives all of them one answer; tells who took it.
pub(crate) async fn answer_all(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    parties: &[i64],
    answer: &str,
) -> Result<Vec<i64>, Problem> {
    let mut took = Vec::new();
    for party in parties {
        match answer_hold((door, who), connection, *party, (answer, None)).await {
            Ok(()) => took.push(*party),
            // Solved meanwhile: nobody waits for the answer any more.
            Err(problem) if problem.status == StatusCode::CONFLICT.as_u16() => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(took)
}

/// What became of an approval.
pub(crate) struct Approval {
    /// Parties that pass the guard now.
    pub(crate) approved: Vec<i64>,
    /// Parties that were named and that it does not hold.
    pub(crate) not_held: Vec<i64>,
    /// How many it still holds.
    pub(crate) left: usize,
}

/// Lets these parties pass the mass guard that holds them; without parties the first [`MOST`] of all that it holds.
pub(crate) async fn approve(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    parties: Option<Vec<i64>>,
) -> Result<Approval, Problem> {
    let mut tx = store(door).read(connection.id).await?;
    let held = tx.held_parties(HoldReason::MASS_CHANGE).await?;
    drop(tx);
    let held: BTreeSet<i64> = held.into_iter().map(|party| party.0).collect();
    let (chosen, not_held) = match parties {
        Some(parties) => parties.into_iter().partition(|party| held.contains(party)),
        None => (held.iter().copied().take(MOST as usize).collect::<Vec<_>>(), Vec::new()),
    };
    let approved = answer_all((door, who), connection, &chosen, "go").await?;
    let left = held.len().saturating_sub(approved.len());
    Ok(Approval { approved, not_held, left })
}

/// Answers what is asked about a handover.
pub(crate) async fn answer_handover(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    subject: Subject,
    (answer, party, account): (&str, Option<i64>, Option<i64>),
) -> Result<(), Problem> {
    let parsed = HandoverAnswer::parse(answer, party.map(PartyId), account.map(AccountId))
        .map_err(|why| Problem::bad(why, "the question's `answers` lists what can be answered"))?;
    let now = door.parts.clock.now();
    let answered = store(door).answer_handover(connection.id, subject, parsed, &who.name, now).await?;
    let (kind, id) = handovers_named(subject);
    taken(answered, &format!("{kind} {id}"))?;
    who.did(door, "answered", format!("handover of {kind} {id}"), (Some(connection.id), answer.to_owned()))
        .await?;
    Ok(())
}

/// Asks for a customer of the ERP for an organization, as if the deal had just been won.
pub(crate) async fn ask_for_handover(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    organization: i64,
    deal: Option<i64>,
) -> Result<(), Problem> {
    if organization < 1 || deal.is_some_and(|deal| deal < 1) {
        let message = format!("there is no organization or deal {}", organization.min(deal.unwrap_or(1)));
        return Err(Problem::bad(message, "ids of the CRM are whole numbers from 1"));
    }
    let asked = deal.map_or(Asked::Org, |deal| Asked::Deal(DealId(deal)));
    let now = door.parts.clock.now();
    store(door).ask_for_handover(connection.id, OrgId(organization), asked, &who.name, now).await?;
    let about = format!("handover of organization {organization}");
    let detail = deal.map(|deal| format!("deal {deal}")).unwrap_or_default();
    who.did(door, "asked", about, (Some(connection.id), detail)).await?;
    Ok(())
}

/// Where a document belongs, in the words of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// To this deal.
    Deal(i64),
    /// To none.
    Nowhere,
    /// What was said before is taken back.
    AsDecided,
}

/// Says where a document belongs; `always` makes it a rule for all that are like it.
pub(crate) async fn assign(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    document: DocumentKey,
    (belongs, always): (Belongs, Option<&str>),
) -> Result<(), Problem> {
    let id = DocumentId::from(document);
    let rule = match (always, belongs) {
        (None, _) => None,
        (Some(always), Belongs::Deal(deal)) => {
            let mut tx = store(door).read(connection.id).await?;
            let read = crate::told::reading::read(&mut tx, id).await?;
            let likeness = crate::told::reading::likeness(read.as_ref(), always).map_err(|why| {
                Problem::bad(format!("always: {why}"), "the document's `likenesses` lists them")
            })?;
            Some((likeness, DealId(deal)))
        }
        (Some(_), Belongs::Nowhere | Belongs::AsDecided) => {
            let why = "always: a rule names the deal that documents belong to";
            return Err(Problem::bad(why, "leave it out, or name a deal"));
        }
    };
    let (answer, detail) = match belongs {
        Belongs::Deal(deal) => (Some(AttachAnswer::Deal(DealId(deal))), format!("deal {deal}")),
        Belongs::Nowhere => (Some(AttachAnswer::NoDeal), "no deal".to_owned()),
        Belongs::AsDecided => (None, "as decided by rules".to_owned()),
    };
    let answer = answer.map(|answer| serde_json::to_string(&answer)).transpose();
    let answer = answer.map_err(|error| Problem::from(crate::told::TellError::from(error)))?;
    let now = door.parts.clock.now();
    if !store(door).answer_document(connection.id, id, answer.as_deref(), &who.name, now).await? {
        return Err(Problem::not_found(
            format!("there is no document {}:{}", document.kind.key(), document.id),
            "documents older than `since` are not read",
        ));
    }
    if let Some((likeness, deal)) = &rule {
        store(door).put_document_rule(connection.id, (likeness, *deal), &who.name, now).await?;
    }
    let detail = always.map_or(detail.clone(), |always| format!("{detail}, always by {always}"));
    who.did(door, "assigned", document.to_string(), (Some(connection.id), detail)).await?;
    Ok(())
}

/// Takes back a rule about documents.
pub(crate) async fn remove_rule(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    rule: i64,
) -> Result<(), Problem> {
    let now = door.parts.clock.now();
    let Some(removed) = store(door).remove_document_rule(connection.id, rule, &who.name, now).await? else {
        return Err(Problem::not_found(format!("there is no rule {rule}"), "begin at the list of rules"));
    };
    let about = crate::told::reading::means(&removed)?;
    let detail = format!("{about}: deal {}", removed.deal);
    who.did(door, "removed", format!("rule {rule} about documents"), (Some(connection.id), detail)).await?;
    Ok(())
}

/// Asks for a sync now: of everything that is due, or of one customer.
pub(crate) async fn sync(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    party: Option<i64>,
) -> Result<WishId, Problem> {
    let errand = party.map_or(Errand::Sync, |party| Errand::Customer(party.to_string()));
    let now = door.parts.clock.now();
    let wish = store(door).wish_for(connection.id, &who.name, &errand, now).await?;
    let about = party.map_or_else(|| "everything".to_owned(), |party| format!("party {party}"));
    who.did(door, "asked for a sync", about, (Some(connection.id), String::new())).await?;
    Ok(wish)
}

/// Asks that what the ERP changed since a time, or everything on both sides, is read and looked at again.
pub(crate) async fn resync(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    again: Again,
) -> Result<WishId, Problem> {
    let now = door.parts.clock.now();
    let wish = store(door).wish_for(connection.id, &who.name, &Errand::Again(again), now).await?;
    let about = match again {
        Again::All => "everything".to_owned(),
        Again::From(since) => format!("what the ERP changed since {}", at(since)),
    };
    who.did(door, "asked for a resync", about, (Some(connection.id), String::new())).await?;
    Ok(wish)
}

/// Asks for a look at both systems; its end is told by [`crate::setup::Looks::state`].
pub(crate) async fn look(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
    look: Look,
) -> Result<(), Problem> {
    if !door.parts.looks.ask(&connection.name, look, door.parts.clock.now()) {
        return Err(nobody_makes());
    }
    let what = match look {
        Look::Access => "tested",
        Look::Fit => "measured",
    };
    who.did(door, what, "both systems".to_owned(), (Some(connection.id), String::new())).await?;
    Ok(())
}

/// Makes a connection of this name, of which nothing else is said yet; inside, why it was not made.
pub(crate) async fn make((door, who): (&Door, &Who), name: &str) -> Result<Result<(), NotMade>, Problem> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !(1..=64).contains(&name.len()) || !name.chars().all(allowed) {
        let refused = NotMade::new("This is no name for a connection", "write 1 to 64 of a-z, 0-9, - and _");
        return Ok(Err(refused));
    }
    if crate::told::connection(store(door), name).await?.is_some() {
        let refused = NotMade::as_things_stand("There is a connection of this name", "take another name");
        return Ok(Err(refused));
    }
    change((door, who), Change::of(name, 0, &who.name, "made")).await
}

/// Changes a connection that was made in the console; inside, why it was not changed.
pub(crate) async fn change(
    (door, who): (&Door, &Who),
    change: Change,
) -> Result<Result<(), NotMade>, Problem> {
    let Some(maker) = &door.parts.maker else { return Err(nobody_makes()) };
    let (name, detail) = (change.name.clone(), change.why.clone());
    if let Err(refused) = maker.change(change).await {
        return Ok(Err(refused));
    }
    let connection = crate::told::connection(store(door), &name).await?.map(|row| row.id);
    who.did(door, "set up", "connection".to_owned(), (connection, detail)).await?;
    Ok(Ok(()))
}

/// Somebody was shown where access is given.
pub(crate) async fn did_consent(
    (door, who): (&Door, &Who),
    connection: &ConnectionRow,
) -> Result<(), Problem> {
    who.did(door, "asked for access", "the CRM".to_owned(), (Some(connection.id), String::new())).await?;
    Ok(())
}

/// This process serves pages and nothing else.
pub(crate) fn nobody_makes() -> Problem {
    Problem::conflict("this process only shows pages", "start `ml-connector run`")
}
