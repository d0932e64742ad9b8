//! `documents list`, `documents assign`, `deals list` and `explain`

use anyhow::Context as _;
use serde::Serialize;
use sync_core::deals::{CrmDeal, DealStatus};
use sync_core::documents::{AttachAnswer, Attachment, Document, DocumentKey, DocumentQuestion, Reason};
use sync_core::ids::DealId;
use sync_core::ports::Clock as _;
use sync_store::{DecisionKey, DocumentId, StagedKind, Store};
use sync_web::reading::{amount, explained, key_of, likeness, means, read, read_deal};

use super::Context;
use super::answering::by;
use super::pairs::chosen;
use crate::cli::{
    DealChoice, DealsCommand, DealsListArgs, DocumentsAssignArgs, DocumentsCommand, DocumentsListArgs,
    DocumentsRulesArgs, ExplainArgs,
};
use crate::exit::{ExitCode, Failed};
use crate::output::{table, talk};
use crate::wire::{SystemClock, open_store};

/// A document and what was decided about it.
#[derive(Serialize)]
struct Row {
    connection: String,
    document: DocumentKey,
    number: String,
    /// As it was last read; none where the ERP has it no more, or it cannot be read.
    amount: Option<String>,
    date: Option<String>,
    decision: &'static str,
    deal: Option<DealId>,
    explanation: String,
}

/// Everything about one document.
#[derive(Serialize)]
struct Explained {
    connection: String,
    document: DocumentKey,
    /// As it was last read.
    read: Option<Document>,
    deal: Option<DealId>,
    deal_title: Option<String>,
    explanation: String,
    /// The decision as it is stored.
    decision: Option<Attachment>,
    decided_at: Option<String>,
    /// What a person said.
    answer: Option<AttachAnswer>,
    answered_by: Option<String>,
    answered_at: Option<String>,
}

/// A deal to work through.
#[derive(Serialize)]
struct DealRow {
    connection: String,
    deal: DealId,
    title: String,
    value: Option<String>,
    won_at: Option<String>,
    organization: Option<i64>,
    /// What is asked about it.
    question: Option<String>,
}

#[derive(Serialize)]
struct Taken {
    connection: String,
    document: DocumentKey,
    message: &'static str,
}

pub(super) async fn run(context: &Context<'_>, command: &DocumentsCommand) -> anyhow::Result<ExitCode> {
    let store = open(context).await?;
    match command {
        DocumentsCommand::List(args) => list(context, &store, args).await?,
        DocumentsCommand::Assign(args) => assign(context, &store, args).await?,
        DocumentsCommand::Rules(args) => rules(context, &store, args).await?,
    }
    store.close().await;
    Ok(ExitCode::Ok)
}

pub(super) async fn deals(context: &Context<'_>, command: &DealsCommand) -> anyhow::Result<ExitCode> {
    let store = open(context).await?;
    match command {
        DealsCommand::List(args) => list_deals(context, &store, args).await?,
    }
    store.close().await;
    Ok(ExitCode::Ok)
}

async fn open(context: &Context<'_>) -> anyhow::Result<Store> {
    open_store(&context.file()?.store).await
}

async fn list(context: &Context<'_>, store: &Store, args: &DocumentsListArgs) -> anyhow::Result<()> {
    let keys: &[DecisionKey] = if args.unmatched {
        &[DecisionKey::Ambiguous, DecisionKey::Unmatched, DecisionKey::Customer]
    } else {
        &DecisionKey::ALL
    };
    let mut rows = Vec::new();
    for connection in chosen(store, args.connection.as_deref()).await? {
        let mut tx = store.read(connection.id).await?;
        let mut found = Vec::new();
        match args.deal {
            Some(deal) => found.extend(tx.documents_of(&[DealId(deal)]).await?),
            None => {
                for key in keys {
                    let left = args.limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
                    if left > 0 {
                        found.extend(tx.decided_documents(*key, None, left).await?);
                    }
                }
            }
        }
        found.truncate(args.limit as usize);
        for row in found {
            let read = read(&mut tx, row.id).await?;
            let (explanation, _) = explained(&row)?;
            rows.push(Row {
                connection: connection.name.clone(),
                document: key_of(row.id).with_context(|| format!("{} is no document", row.id.id))?,
                number: read.as_ref().map(Document::name).unwrap_or_default(),
                amount: read.as_ref().and_then(amount),
                date: read.and_then(|read| read.date).map(|day| day.to_string()),
                decision: row.decided.as_ref().map_or("not looked at", |(decided, _)| decided.key.key()),
                deal: row.decided.as_ref().and_then(|(decided, _)| decided.deal),
                explanation,
            });
        }
    }
    context.output.data(&rows, |rows| {
        if rows.is_empty() {
            return "There is no such document.".to_owned();
        }
        let cells = rows.iter().map(|row| {
            let Row { connection, document, number, amount, date, decision: _, deal, explanation } = row;
            [
                connection.clone(),
                format!("{}:{}", document.kind.key(), document.id),
                number.clone(),
                amount.clone().unwrap_or_default(),
                date.clone().unwrap_or_default(),
                deal.map(|deal| deal.to_string()).unwrap_or_default(),
                explanation.clone(),
            ]
        });
        table(["connection", "document", "number", "amount", "date", "deal", "why"], &["amount"], cells)
            .to_string()
    })?;
    Ok(())
}

async fn assign(context: &Context<'_>, store: &Store, args: &DocumentsAssignArgs) -> anyhow::Result<()> {
    let answer = args.deal.map(|choice| match choice {
        DealChoice::Deal(deal) => AttachAnswer::Deal(DealId(deal)),
        DealChoice::None => AttachAnswer::NoDeal,
    });
    let always = args.always.as_deref();
    let rule = match (always, &answer) {
        (None, _) => None,
        (Some(always), Some(AttachAnswer::Deal(deal))) => Some((always, *deal)),
        (Some(_), _) => {
            let why = "a rule names the deal that documents belong to";
            return Err(Failed::new(ExitCode::Usage, why).help("leave out --always").into());
        }
    };
    let answer = answer.map(|answer| serde_json::to_string(&answer)).transpose()?;
    let (id, by) = (DocumentId::from(args.document), by(context, args.by.as_deref()));
    let mut taken = Vec::new();
    for connection in chosen(store, args.connection.as_deref()).await? {
        let now = SystemClock::start().now();
        let mut tx = store.read(connection.id).await?;
        let found = tx.documents(&[id]).await?.contains_key(&id);
        let read = if rule.is_some() && found { read(&mut tx, id).await? } else { None };
        drop(tx);
        // What cannot be made a rule is not answered either.
        let rule = match (rule, found) {
            (Some((always, deal)), true) => {
                let likeness = likeness(read.as_ref(), always)
                    .map_err(|why| Failed::new(ExitCode::Usage, why).help("`explain` shows what it says"))?;
                Some((likeness, deal))
            }
            (Some(_), false) | (None, _) => None,
        };
        if store.answer_document(connection.id, id, answer.as_deref(), &by, now).await? {
            let message = match (&answer, rule) {
                (Some(_), Some((likeness, deal))) => {
                    store.put_document_rule(connection.id, (&likeness, deal), &by, now).await?;
                    "remembered, and made a rule"
                }
                (Some(_), None) => "remembered",
                (None, _) => "taken back",
            };
            taken.push(Taken { connection: connection.name.clone(), document: args.document, message });
        }
    }
    if taken.is_empty() {
        return Err(unknown(args.document).into());
    }
    talk("whoever works on the connection looks at it soon; without `run`, run `ml-connector sync`");
    context.output.data(&taken, |taken| {
        let lines = taken
            .iter()
            .map(|Taken { connection, document, message }| format!("{connection}: {document}: {message}"));
        lines.collect::<Vec<_>>().join("\n")
    })?;
    Ok(())
}

/// A rule that was made of an answer.
#[derive(Serialize)]
struct RuleRow {
    connection: String,
    rule: i64,
    documents: String,
    deal: DealId,
    made_by: String,
    made_at: String,
}

async fn rules(context: &Context<'_>, store: &Store, args: &DocumentsRulesArgs) -> anyhow::Result<()> {
    let connections = chosen(store, args.connection.as_deref()).await?;
    if let Some(id) = args.remove {
        let [connection] = connections.as_slice() else {
            let why = "rules are numbered within a connection, and there are several";
            return Err(Failed::new(ExitCode::Usage, why).help("say which one with --connection").into());
        };
        let (by, now) = (by(context, args.by.as_deref()), SystemClock::start().now());
        if store.remove_document_rule(connection.id, id, &by, now).await?.is_none() {
            return Err(Failed::new(ExitCode::Usage, format!("{} has no rule {id}", connection.name))
                .help("`documents rules` lists them")
                .into());
        }
        talk("it was removed; whoever works on the connection looks at its documents soon");
    }
    let mut rows = Vec::new();
    for connection in connections {
        let mut tx = store.read(connection.id).await?;
        for rule in tx.document_rules().await? {
            rows.push(RuleRow {
                connection: connection.name.clone(),
                rule: rule.id,
                documents: means(&rule)?,
                deal: rule.deal,
                made_by: rule.by,
                made_at: format!("{:.0}", rule.at),
            });
        }
    }
    context.output.data(&rows, |rows| {
        if rows.is_empty() {
            return "No rule was made of an answer.".to_owned();
        }
        let cells = rows.iter().map(|row| {
            let RuleRow { connection, rule, documents, deal, made_by, made_at } = row;
            [
                connection.clone(),
                rule.to_string(),
                documents.clone(),
                deal.to_string(),
                made_by.clone(),
                made_at.clone(),
            ]
        });
        let header = ["connection", "rule", "documents of which", "deal", "made by", "made"];
        table(header, &["rule"], cells).to_string()
    })?;
    Ok(())
}

async fn list_deals(context: &Context<'_>, store: &Store, args: &DealsListArgs) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for connection in chosen(store, args.connection.as_deref()).await? {
        let mut tx = store.read(connection.id).await?;
        let row = |deal: DealId, read: Option<CrmDeal>, question: Option<String>| DealRow {
            connection: connection.name.clone(),
            deal,
            title: read.as_ref().map(|deal| deal.title.clone()).unwrap_or_default(),
            value: read.as_ref().and_then(|deal| {
                deal.value.as_ref().map(|value| format!("{} {}", value.amount, value.currency))
            }),
            won_at: read.as_ref().and_then(|deal| deal.won_at).map(|at| format!("{at:.0}")),
            organization: read.and_then(|deal| deal.org).map(|org| org.0),
            question,
        };
        if args.which.asked {
            for asked in tx.page_questions(None, None, args.limit).await? {
                let record = tx.staged(StagedKind::Deal, &[asked.deal.0]).await?.remove(&asked.deal.0);
                let question: DocumentQuestion = serde_json::from_str(&asked.question.body)?;
                rows.push(row(asked.deal, read_deal(record.as_ref())?, Some(question.explain())));
            }
            continue;
        }
        let (mut after, mut left) = (DealId(args.after.unwrap_or(i64::MIN)), args.limit as usize);
        while left > 0 {
            let page = tx.deals_without_documents(after, 500).await?;
            let Some(last) = page.last() else { break };
            after = DealId(last.row.id);
            for record in &page {
                let Some(deal) = read_deal(Some(record))?.filter(|deal| deal.status == DealStatus::Won)
                else {
                    continue;
                };
                if left > 0 {
                    left -= 1;
                    rows.push(row(deal.id, Some(deal), None));
                }
            }
        }
    }
    context.output.data(&rows, |rows| {
        if rows.is_empty() {
            return "There is no such deal.".to_owned();
        }
        let cells = rows.iter().map(|row| {
            let DealRow { connection, deal, title, value, won_at, organization, question } = row;
            [
                connection.clone(),
                deal.to_string(),
                title.clone(),
                value.clone().unwrap_or_default(),
                won_at.clone().unwrap_or_default(),
                organization.map(|org| org.to_string()).unwrap_or_default(),
                question.clone().unwrap_or_default(),
            ]
        });
        let header = ["connection", "deal", "title", "value", "won", "organization", "what is asked"];
        table(header, &["value"], cells).to_string()
    })?;
    Ok(())
}

pub(super) async fn explain(context: &Context<'_>, args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let store = open(context).await?;
    let id = DocumentId::from(args.document);
    let mut found = Vec::new();
    for connection in chosen(&store, args.connection.as_deref()).await? {
        let mut tx = store.read(connection.id).await?;
        let Some(row) = tx.documents(&[id]).await?.remove(&id) else { continue };
        let (explanation, decision) = explained(&row)?;
        let deal = row.decided.as_ref().and_then(|(decided, _)| decided.deal);
        let deal_title = match deal {
            Some(deal) => {
                let record = tx.staged(StagedKind::Deal, &[deal.0]).await?.remove(&deal.0);
                read_deal(record.as_ref())?.map(|deal| deal.title)
            }
            None => None,
        };
        let answer = row.answer.as_ref();
        found.push(Explained {
            connection: connection.name.clone(),
            document: args.document,
            read: read(&mut tx, id).await?,
            deal,
            deal_title,
            explanation,
            decision,
            decided_at: row.decided.as_ref().map(|(_, at)| format!("{at:.0}")),
            answer: answer.map(|answer| serde_json::from_str(&answer.body)).transpose()?,
            answered_by: answer.map(|answer| answer.by.clone()),
            answered_at: answer.map(|answer| format!("{:.0}", answer.at)),
        });
    }
    if found.is_empty() {
        return Err(unknown(args.document).into());
    }
    context.output.data(&found, |found| found.iter().map(told).collect::<Vec<_>>().join("\n"))?;
    store.close().await;
    Ok(ExitCode::Ok)
}

fn unknown(document: DocumentKey) -> Failed {
    let id = format!("{}:{}", document.kind.key(), document.id);
    Failed::new(ExitCode::Usage, format!("no connection knows {id}"))
        .help("`documents list` shows documents with their ids; older ones than `since` are not read")
}

/// The document in words.
fn told(explained: &Explained) -> String {
    let Explained {
        connection,
        document,
        read,
        deal,
        deal_title,
        explanation,
        decision,
        decided_at,
        answer: _,
        answered_by,
        answered_at,
    } = explained;
    let mut lines = vec![format!("{connection}: {document}")];
    let mut tell = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("  {name}: {value}")));
    };
    match read {
        Some(read) => {
            tell("number", Some(read.name()));
            tell("amount", amount(read));
            tell("open", read.balance.map(|open| open.to_string()));
            tell("status", read.status.clone());
            tell("date", read.date.map(|day| day.to_string()));
            let said = read.references.iter().map(|(field, value)| format!("{field} \"{value}\""));
            let said: Vec<String> = said.collect();
            tell("says", (!said.is_empty()).then(|| said.join(", ")));
        }
        None => tell("as last read", Some("it cannot be read, or the ERP has it no more".to_owned())),
    }
    let title = deal_title.as_ref().map(|title| format!(" \"{title}\"")).unwrap_or_default();
    tell("deal", deal.map(|deal| format!("{deal}{title}")));
    tell("why", Some(explanation.clone()));
    if let Some(Attachment::Ambiguous { candidates, .. }) = decision {
        for one in candidates {
            let reasons = Reason::list(&one.reasons);
            let text = format!("{} \"{}\", {} points: {reasons}", one.deal, one.title, one.score);
            tell("candidate", Some(text));
        }
    }
    tell("decided", decided_at.clone());
    tell(
        "said by",
        answered_by.as_ref().map(|by| format!("{by}, {}", answered_at.clone().unwrap_or_default())),
    );
    lines.join("\n")
}
