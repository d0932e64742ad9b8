//! `holds list`, `holds show`, `holds answer` and `holds retry`

use std::collections::BTreeMap;

use serde::Serialize;
use sync_core::hold::HoldReason;
use sync_core::ids::{OrgId, PartyId};
use sync_core::ports::Clock as _;
use sync_core::{answers::Answer, matching::Judged};
use sync_store::{Answered, ConnectionRow, HoldRow, Store};

use super::Context;
use super::answering::{PossibleAnswer, by, possible};
use super::pairs::chosen;
use crate::cli::{AnswererArgs, HoldsAnswerArgs, HoldsCommand, HoldsListArgs, HoldsRetryArgs, HoldsShowArgs};
use crate::exit::{ExitCode, Failed};
use crate::output::{table, talk};
use crate::wire::{SystemClock, open_store};

#[derive(Serialize)]
struct Cause {
    connection: String,
    reason: String,
    holds: u64,
    since: String,
    answers: Vec<PossibleAnswer>,
    examples: Vec<Hold>,
}

#[derive(Serialize)]
struct Hold {
    connection: String,
    id: i64,
    party: i64,
    reason: &'static str,
    since: String,
    explanation: String,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    hold: Hold,
    evidence: HoldReason,
    answers: Vec<PossibleAnswer>,
    before: Vec<Earlier>,
}

#[derive(Serialize)]
struct Earlier {
    reason: &'static str,
    since: String,
    until: String,
    answer: Option<Answer>,
    answered_by: Option<String>,
}

#[derive(Serialize)]
struct Result {
    connection: String,
    party: i64,
    taken: bool,
    message: String,
}

/// Holds shown of each cause where many have it.
const EXAMPLES: u32 = 5;

/// Most holds answered by one command.
const MOST: u32 = 100_000;

pub(super) async fn run(context: &Context<'_>, command: &HoldsCommand) -> anyhow::Result<ExitCode> {
    let config = context.file()?;
    let store = open_store(&config.store).await?;
    let code = match command {
        HoldsCommand::List(args) => list(context, &store, args).await?,
        HoldsCommand::Show(args) => show(context, &store, args).await?,
        HoldsCommand::Answer(args) => answer(context, &store, args).await?,
        HoldsCommand::Retry(args) => retry(context, &store, args).await?,
    };
    store.close().await;
    Ok(code)
}

async fn list(context: &Context<'_>, store: &Store, args: &HoldsListArgs) -> anyhow::Result<ExitCode> {
    let connections = chosen(store, args.connection.as_deref()).await?;
    if let Some(reason) = &args.reason {
        return of_one_cause(context, store, connections, reason, args).await;
    }
    let mut causes = Vec::new();
    for connection in connections {
        let mut tx = store.read(connection.id).await?;
        for cause in tx.hold_causes().await? {
            let rows = tx.list_holds(Some(&cause.reason), None, EXAMPLES).await?;
            causes.push(Cause {
                connection: connection.name.clone(),
                holds: cause.holds,
                since: format!("{:.0}", cause.since),
                answers: possible(rows.first().into_iter().flat_map(|row| row.reason.answers())),
                examples: rows.into_iter().map(|row| told(&connection, row)).collect(),
                reason: cause.reason,
            });
        }
    }
    context.output.data(&causes, |causes| {
        if causes.is_empty() {
            return "Nothing waits for a person.".to_owned();
        }
        causes.iter().map(in_words).collect::<Vec<_>>().join("\n")
    })?;
    Ok(ExitCode::Ok)
}

fn in_words(cause: &Cause) -> String {
    let Cause { connection, reason, holds, since, answers, examples } = cause;
    let mut text = format!("{connection}: {reason}, {holds} since {since}\n");
    for Hold { party, explanation, .. } in examples {
        text.push_str(&format!("  {party}  {explanation}\n"));
    }
    let more = holds.saturating_sub(examples.len() as u64);
    if more > 0 {
        text.push_str(&format!("  and {more} more: ml-connector holds list --reason {reason}\n"));
    }
    let keys: Vec<&str> = answers.iter().map(|answer| answer.answer).collect();
    text.push_str(&format!("  answers: {}\n", keys.join(", ")));
    text
}

async fn of_one_cause(
    context: &Context<'_>,
    store: &Store,
    connections: Vec<ConnectionRow>,
    reason: &str,
    args: &HoldsListArgs,
) -> anyhow::Result<ExitCode> {
    let mut holds = Vec::new();
    for connection in connections {
        let mut tx = store.read(connection.id).await?;
        let rows = tx.list_holds(Some(reason), args.after, args.limit).await?;
        holds.extend(rows.into_iter().map(|row| told(&connection, row)));
    }
    context.output.data(&holds, |holds| {
        let rows = holds.iter().map(|hold| {
            [
                hold.connection.clone(),
                hold.id.to_string(),
                hold.party.to_string(),
                hold.since.clone(),
                hold.explanation.clone(),
            ]
        });
        table(["connection", "hold", "party", "since", "what to do"], &["hold", "party"], rows)
    })?;
    Ok(ExitCode::Ok)
}

fn told(connection: &ConnectionRow, row: HoldRow) -> Hold {
    Hold {
        connection: connection.name.clone(),
        id: row.id,
        party: row.party.0,
        reason: row.reason.key(),
        since: format!("{:.0}", row.opened_at),
        explanation: row.reason.explain(),
    }
}

/// The open hold of a party, wherever it is asked.
async fn of_party(
    store: &Store,
    connections: &[ConnectionRow],
    party: PartyId,
) -> anyhow::Result<Vec<(ConnectionRow, HoldRow)>> {
    let mut found = Vec::new();
    for connection in connections {
        let mut tx = store.read(connection.id).await?;
        found.extend(tx.open_hold_of(party).await?.map(|row| (connection.clone(), row)));
    }
    Ok(found)
}

async fn show(context: &Context<'_>, store: &Store, args: &HoldsShowArgs) -> anyhow::Result<ExitCode> {
    let party = PartyId(args.party);
    let connections = chosen(store, args.connection.as_deref()).await?;
    let mut shown = Vec::new();
    for (connection, row) in of_party(store, &connections, party).await? {
        let mut tx = store.read(connection.id).await?;
        let before = tx.closed_holds(party, 20).await?;
        let evidence = row.reason.clone();
        shown.push(Shown {
            answers: possible(evidence.answers()),
            evidence,
            before: before
                .into_iter()
                .map(|closed| {
                    let (answer, answered_by) = closed.answered.unzip();
                    Earlier {
                        reason: closed.hold.reason.key(),
                        since: format!("{:.0}", closed.hold.opened_at),
                        until: format!("{:.0}", closed.closed_at),
                        answer,
                        answered_by,
                    }
                })
                .collect(),
            hold: told(&connection, row),
        });
    }
    if shown.is_empty() {
        return Err(not_asked(party));
    }
    context.output.data(&shown, |shown| shown.iter().map(whole).collect::<Vec<_>>().join("\n"))?;
    Ok(ExitCode::Ok)
}

fn whole(shown: &Shown) -> String {
    let Shown { hold, evidence, answers, before } = shown;
    let Hold { connection, id, party, reason, since, explanation } = hold;
    let mut text =
        format!("{connection}: party {party}, hold {id} ({reason}) since {since}\n{explanation}\n");
    if let HoldReason::Refused { exchange: Some(exchange), .. } = evidence {
        text.push_str(&format!("\nrequest:\n{}\n\nanswer:\n{}\n", exchange.request, exchange.answer));
    }
    if let HoldReason::Ambiguous { candidates, .. } = evidence {
        candidates.iter().for_each(|candidate| text.push_str(&likeness(candidate)));
    }
    text.push_str("\nanswers:\n");
    for PossibleAnswer { answer, does } in answers {
        let org = if Answer::parse(answer, None).is_err() { " --org ORG" } else { "" };
        text.push_str(&format!("  ml-connector holds answer {answer} {party}{org}   {does}\n"));
    }
    if !before.is_empty() {
        let rows = before.iter().map(|earlier| {
            let answer = earlier.answer.as_ref().map_or("solved by itself", Answer::key);
            let by = earlier.answered_by.clone().unwrap_or_default();
            [earlier.since.clone(), earlier.until.clone(), earlier.reason.to_owned(), answer.to_owned(), by]
        });
        text.push_str(&format!("\n{}\n", table(["asked", "until", "reason", "answer", "by"], &[], rows)));
    }
    text
}

/// A candidate with what speaks for and against it, and who else it may be.
fn likeness(candidate: &Judged) -> String {
    let Judged { org, name, comparison, rivals } = candidate;
    let mut text = format!("\norganization {org} \"{name}\", {} points\n", comparison.points);
    for line in comparison.explain().lines() {
        text.push_str(&format!("  {line}\n"));
    }
    if !rivals.is_empty() {
        let rivals: Vec<String> = rivals.iter().map(ToString::to_string).collect();
        text.push_str(&format!("  it may be customer {} as well\n", rivals.join(", ")));
    }
    text
}

fn not_asked(party: PartyId) -> anyhow::Error {
    Failed::new(ExitCode::Usage, format!("nothing is asked about party {party}"))
        .help("`ml-connector holds list` lists what waits for a person")
        .into()
}

async fn answer(context: &Context<'_>, store: &Store, args: &HoldsAnswerArgs) -> anyhow::Result<ExitCode> {
    let answer = Answer::parse(&args.answer, args.org.map(OrgId)).map_err(|why| {
        Failed::new(ExitCode::Usage, why).help("`ml-connector holds show PARTY_ID` lists the answers")
    })?;
    let parties: Vec<PartyId> = args.parties.iter().copied().map(PartyId).collect();
    let reason = args.reason.as_deref();
    give(context, store, &args.answerer, &Which { parties, reason }, &answer).await
}

async fn retry(context: &Context<'_>, store: &Store, args: &HoldsRetryArgs) -> anyhow::Result<ExitCode> {
    let parties: Vec<PartyId> = args.parties.iter().copied().map(PartyId).collect();
    let reason = args.reason.as_deref().or_else(|| args.all.then_some(""));
    give(context, store, &args.answerer, &Which { parties, reason }, &Answer::Retry).await
}

/// Which holds are answered: those of these parties, and those of this cause (all of them for an empty one).
struct Which<'a> {
    parties: Vec<PartyId>,
    reason: Option<&'a str>,
}

async fn give(
    context: &Context<'_>,
    store: &Store,
    AnswererArgs { connection, by }: &AnswererArgs,
    which: &Which<'_>,
    answer: &Answer,
) -> anyhow::Result<ExitCode> {
    let connections = chosen(store, connection.as_deref()).await?;
    let mut asked: BTreeMap<(i64, PartyId), ConnectionRow> = BTreeMap::new();
    for party in &which.parties {
        let found = of_party(store, &connections, *party).await?;
        if found.is_empty() {
            return Err(not_asked(*party));
        }
        asked.extend(found.into_iter().map(|(connection, _)| ((connection.id.0, *party), connection)));
    }
    if let Some(reason) = which.reason {
        for connection in &connections {
            let mut tx = store.read(connection.id).await?;
            let reason = Some(reason).filter(|reason| !reason.is_empty());
            let rows = tx.list_holds(reason, None, MOST).await?;
            asked.extend(rows.into_iter().map(|row| ((connection.id.0, row.party), connection.clone())));
        }
    }
    let by = self::by(context, by.as_deref());
    let clock = SystemClock::start();
    let mut results = Vec::new();
    for ((_, party), connection) in asked {
        let answered = store.answer_hold(connection.id, party, answer, &by, clock.now()).await?;
        let (taken, message) = match answered {
            Answered::Taken => (true, "answered; it is looked at with the next step".to_owned()),
            Answered::NotAsked => (false, "nothing is asked about it any more".to_owned()),
            Answered::Refused(why) => (false, why),
        };
        results.push(Result { connection: connection.name, party: party.0, taken, message });
    }
    context.output.data(&results, |results| {
        let rows = results
            .iter()
            .map(|result| [result.connection.clone(), result.party.to_string(), result.message.clone()]);
        table(["connection", "party", "result"], &["party"], rows)
    })?;
    let refused = results.iter().filter(|result| !result.taken).count();
    if results.is_empty() {
        talk("nothing to answer");
    } else if refused < results.len() {
        talk(
            "the process that keeps the connection in sync looks within half a minute; else run `ml-connector sync`",
        );
    }
    Ok(if refused == 0 { ExitCode::Ok } else { ExitCode::Usage })
}
