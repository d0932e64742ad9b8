//! `handovers list`, `handovers show`, `handovers answer` and `handovers ask`

use serde::Serialize;
use sync_core::handover::{
    Activity, Asked, ContactEnd, HandoverAnswer, HandoverAnswers, Made, OnRecord, Question, Subject,
};
use sync_core::ids::{AccountId, DealId, OrgId, PartyId};
use sync_core::ports::Clock as _;
use sync_store::{Answered, ConnectionRow, FailedHandover, HandoverFailure, QuestionRow, StagedKind, Store};

use super::Context;
use super::answering::{PossibleAnswer, by, possible};
use super::pairs::chosen;
use crate::cli::SyncArgs;
use crate::cli::{
    HandoversAnswerArgs, HandoversAskArgs, HandoversCommand, HandoversListArgs, HandoversShowArgs,
    SubjectArgs,
};
use crate::exit::{ExitCode, Failed};
use crate::output::{table, talk};
use crate::wire::{SystemClock, open_store};

/// What `--reason` calls those whose last try failed.
const FAILED: &str = "failed";

#[derive(Serialize)]
struct Row {
    connection: String,
    #[serde(flatten)]
    subject: Subject,
    /// The question's key, or `failed`: it is tried again by itself.
    reason: &'static str,
    /// Since when it is asked; none of a try that failed.
    since: Option<String>,
    explanation: String,
    /// The last try, if it failed.
    failed: Option<LastTry>,
}

/// A try that failed.
#[derive(Serialize)]
struct LastTry {
    attempts: u32,
    error: String,
    again_at: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    connection: String,
    #[serde(flatten)]
    subject: Subject,
    made: Made,
    answers_given: HandoverAnswers,
    question: Option<Question>,
    since: Option<String>,
    answers: Vec<PossibleAnswer>,
    /// The last try, if it failed.
    failed: Option<LastTry>,
}

#[derive(Serialize)]
struct Taken {
    connection: String,
    #[serde(flatten)]
    subject: Subject,
    taken: bool,
    message: String,
}

pub(super) async fn run(context: &Context<'_>, command: &HandoversCommand) -> anyhow::Result<ExitCode> {
    let config = context.file()?;
    let store = open_store(&config.store).await?;
    let code = match command {
        HandoversCommand::List(args) => list(context, &store, args).await?,
        HandoversCommand::Show(args) => show(context, &store, args).await?,
        HandoversCommand::Answer(args) => answer(context, &store, args).await?,
        HandoversCommand::Ask(args) => ask(context, &store, args).await?,
    };
    store.close().await;
    Ok(code)
}

fn subject(args: &SubjectArgs) -> Subject {
    match (args.organization, args.deal) {
        (Some(org), _) => Subject::Org(OrgId(org)),
        (None, deal) => Subject::Deal(DealId(deal.unwrap_or_default())),
    }
}

async fn list(context: &Context<'_>, store: &Store, args: &HandoversListArgs) -> anyhow::Result<ExitCode> {
    let mut rows = Vec::new();
    for connection in chosen(store, args.connection.as_deref()).await? {
        let mut tx = store.read(connection.id).await?;
        for QuestionRow { subject, question, asked_at } in
            tx.questions(args.reason.as_deref(), None, args.limit).await?
        {
            rows.push(Row {
                connection: connection.name.clone(),
                subject,
                reason: question.key(),
                since: Some(format!("{asked_at:.0}")),
                explanation: question.explain(),
                failed: None,
            });
        }
        if args.reason.as_deref().is_none_or(|reason| reason == FAILED) {
            let failed = tx.failed_handovers(args.limit).await?;
            rows.extend(failed.into_iter().map(|failed| not_done(&connection, failed)));
        }
    }
    context.output.data(&rows, |rows| {
        if rows.is_empty() {
            return "No handover waits for a person, and none failed.".to_owned();
        }
        let cells = rows.iter().map(|row| {
            let Row { connection, subject, reason, since, explanation, failed: _ } = row;
            [
                connection.clone(),
                subject.to_string(),
                (*reason).to_owned(),
                since.clone().unwrap_or_default(),
                explanation.clone(),
            ]
        });
        table(["connection", "about", "reason", "since", "what is asked"], &[], cells).to_string()
    })?;
    Ok(ExitCode::Ok)
}

/// A handover whose last try failed.
fn not_done(connection: &ConnectionRow, failed: FailedHandover) -> Row {
    let FailedHandover { subject, failure } = failed;
    let failed = LastTry::of(failure);
    Row {
        connection: connection.name.clone(),
        subject,
        reason: FAILED,
        since: None,
        explanation: failed.in_words(),
        failed: Some(failed),
    }
}

impl LastTry {
    fn of(failure: HandoverFailure) -> Self {
        let HandoverFailure { attempts, error, due } = failure;
        Self { attempts, error, again_at: due.map(|due| format!("{due:.0}")) }
    }

    fn in_words(&self) -> String {
        let Self { attempts, error, again_at } = self;
        let times = if *attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
        let again = again_at.as_ref().map(|at| format!("; it is tried again at {at}")).unwrap_or_default();
        format!("Failed {times}, the last time with: {error}{again}")
    }
}

async fn show(context: &Context<'_>, store: &Store, args: &HandoversShowArgs) -> anyhow::Result<ExitCode> {
    let subject = subject(&args.subject);
    let mut shown = Vec::new();
    for connection in chosen(store, args.connection.as_deref()).await? {
        let mut tx = store.read(connection.id).await?;
        let Some(row) = tx.handover(subject).await? else { continue };
        let (question, since) = row.question.unzip();
        shown.push(Shown {
            connection: connection.name.clone(),
            subject,
            made: row.made,
            answers_given: row.answers,
            answers: possible(question.iter().flat_map(Question::answers)),
            since: since.map(|at| format!("{at:.0}")),
            question,
            failed: row.failure.map(LastTry::of),
        });
    }
    if shown.is_empty() {
        let failed = Failed::new(ExitCode::Usage, format!("nothing is known of a handover of {subject}"));
        return Err(failed.help("`handovers list` shows what is asked; `handovers ask` begins one").into());
    }
    context.output.data(&shown, |shown| shown.iter().map(in_words).collect::<Vec<_>>().join("\n"))?;
    Ok(ExitCode::Ok)
}

fn in_words(shown: &Shown) -> String {
    let Shown { connection, subject, made, question, since, answers, failed, answers_given: _ } = shown;
    let mut text = format!("{connection}: {subject}\n");
    let Made { began, party, address: _, account, sites, profile, contacts, told: _, shown } = made;
    if let Some(began) = began {
        text.push_str(&format!("  begun   {:.0}: {}\n", began.at, began.cause));
    }
    let ours = |ours: bool| if ours { "created here" } else { "was there" };
    if let Some(party) = party {
        text.push_str(&format!("  party   {} (number {}), {}\n", party.id, party.number, ours(party.ours)));
    }
    if let Some(account) = account {
        text.push_str(&format!("  account {} ({}), {}\n", account.number, account.id, ours(account.ours)));
    }
    for (set, site_use) in sites {
        text.push_str(&format!("  billed  in set {set} (site use {site_use})\n"));
    }
    if *profile {
        text.push_str("  profile there\n");
    }
    for (person, contact) in contacts {
        let how = match (contact.end, contact.relationship) {
            (Some(ContactEnd::Made), _) => "bills go there",
            (Some(ContactEnd::Gone), _) => "gone from the CRM",
            (Some(ContactEnd::Left), _) => "left out",
            (None, Some(_)) => "a contact of the customer, not yet of its account",
            (None, None) => "not yet a contact of the customer",
        };
        text.push_str(&format!("  contact person {person}: {how}\n"));
    }
    let on_deals = shown.deals.iter().map(|(deal, on)| (format!("deal {deal}"), on));
    let on_org = std::iter::once(("organization".to_owned(), &shown.org));
    for (record, on) in on_deals.chain(on_org) {
        text.push_str(&said_on(&record, on));
    }
    if let Some(activity) = &shown.activity {
        let Activity { deal, what, id, sending: _, dropped } = activity;
        let asked = match (id, dropped) {
            (Some(id), _) => format!("activity {id}"),
            (None, Some(why)) => format!("no activity: {why}"),
            (None, None) => "an activity that got no answer yet".to_owned(),
        };
        text.push_str(&format!("  asked   the owner of deal {deal} for {}: {asked}\n", what.join(", ")));
    }
    if let Some(question) = question {
        let since = since.as_deref().unwrap_or_default();
        text.push_str(&format!("  asked since {since}: {}\n", question.explain()));
        for PossibleAnswer { answer, does } in answers {
            text.push_str(&format!("    {answer:8} {does}\n"));
        }
    }
    if let Some(failed) = failed {
        text.push_str(&format!("  {}\n", failed.in_words()));
    }
    text
}

/// What a deal or an organization was told of its handover, and what it could not be told.
fn said_on(record: &str, on: &OnRecord) -> String {
    let OnRecord { written, again: _, sending, refused } = on;
    let parts: Vec<String> = written
        .iter()
        .filter_map(|(field, said)| Some(format!("{} \"{}\"", field.label(), said.as_ref()?)))
        .collect();
    let mut text = String::new();
    if !parts.is_empty() {
        text.push_str(&format!("  shown   on {record}: {}\n", parts.join(", ")));
    }
    if sending.is_some() {
        text.push_str(&format!(
            "  shown   on {record}: a write got no answer yet; it is read before the next\n"
        ));
    }
    if let Some(refused) = refused {
        text.push_str(&format!("  shown   on {record}: not the last time: {refused}\n"));
    }
    text
}

async fn answer(
    context: &Context<'_>,
    store: &Store,
    args: &HandoversAnswerArgs,
) -> anyhow::Result<ExitCode> {
    let (party, account) = (args.party.map(PartyId), args.account.map(AccountId));
    let answer = HandoverAnswer::parse(&args.answer, party, account).map_err(|why| {
        Failed::new(ExitCode::Usage, why).help("`handovers show` lists the possible answers")
    })?;
    let (subject, by) = (subject(&args.subject), by(context, args.answerer.by.as_deref()));
    let mut results = Vec::new();
    for connection in chosen(store, args.answerer.connection.as_deref()).await? {
        let now = SystemClock::start().now();
        let answered = store.answer_handover(connection.id, subject, answer, &by, now).await?;
        let (taken, message) = match answered {
            Answered::Taken => (true, "remembered; it is looked at again".to_owned()),
            Answered::NotAsked => continue,
            Answered::Refused(why) => (false, why),
        };
        results.push(Taken { connection: connection.name.clone(), subject, taken, message });
    }
    if results.is_empty() {
        let failed = Failed::new(ExitCode::Usage, format!("nothing is asked about {subject}"));
        return Err(failed.help("`handovers list` shows what is asked").into());
    }
    told(context, &results)
}

async fn ask(context: &Context<'_>, store: &Store, args: &HandoversAskArgs) -> anyhow::Result<ExitCode> {
    let connections = chosen(store, args.connection.as_deref()).await?;
    let [ConnectionRow { id, name, .. }] = connections.as_slice() else {
        let failed = Failed::new(ExitCode::Usage, "there are several connections, or none");
        return Err(failed.help("name one with --connection").into());
    };
    let (org, by) = (OrgId(args.organization), by(context, args.by.as_deref()));
    let asked = args.deal.map_or(Asked::Org, |deal| Asked::Deal(DealId(deal)));
    store.ask_for_handover(*id, org, asked, &by, SystemClock::start().now()).await?;
    talk("whoever works on the connection does it at once; without `run`, run `ml-connector sync`");
    let message = "asked for".to_owned();
    told(context, &[Taken { connection: name.clone(), subject: Subject::Org(org), taken: true, message }])
}

/// What `sync` is asked for beside: a customer of the ERP for an organization, or for that of a deal.
pub(super) async fn wish(context: &Context<'_>, args: &SyncArgs) -> anyhow::Result<()> {
    let SyncArgs { connection, organization, deal, customer: _ } = args;
    if organization.is_none() && deal.is_none() {
        return Ok(());
    }
    let config = context.config().await?;
    let connections = super::sync::chosen(&config, connection.as_deref())?;
    let [connection] = connections.as_slice() else {
        let failed = Failed::new(ExitCode::Usage, "there are several connections");
        return Err(failed.help("name one with --connection").into());
    };
    if connection.customers_from_crm.is_none() {
        let message = format!("{} creates no customers in the ERP", connection.name);
        let failed = Failed::new(ExitCode::Usage, message);
        return Err(failed
            .help("configure [connection.customers_from_crm]: docs/customers-from-crm.md")
            .into());
    }
    let store = open_store(&config.store).await?;
    let now = SystemClock::start().now();
    let id = store.ensure_connection(&connection.name, "{}", now).await?;
    let org = match (organization, deal) {
        (Some(org), _) => OrgId(*org),
        (None, deal) => {
            let deal = deal.unwrap_or_default();
            let staged = store.read(id).await?.staged(StagedKind::Deal, &[deal]).await?;
            let org = staged.get(&deal).and_then(|record| record.row.parent);
            OrgId(org.ok_or_else(|| {
                Failed::new(
                    ExitCode::Usage,
                    format!("deal {deal} is not known as a won deal of an organization"),
                )
                .help("run `ml-connector sync` first if it was won just now, or name its --organization too")
            })?)
        }
    };
    let asked = deal.map_or(Asked::Org, |deal| Asked::Deal(DealId(deal)));
    store.ask_for_handover(id, org, asked, &by(context, None), now).await?;
    store.close().await;
    Ok(())
}

fn told(context: &Context<'_>, results: &[Taken]) -> anyhow::Result<ExitCode> {
    context.output.data(&results, |results| {
        let words = |one: &Taken| format!("{}: {}: {}", one.connection, one.subject, one.message);
        results.iter().map(words).collect::<Vec<_>>().join("\n")
    })?;
    let all = results.iter().all(|result| result.taken);
    Ok(if all { ExitCode::Ok } else { ExitCode::Usage })
}
