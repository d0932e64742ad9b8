//! What changes something: answers and wishes. Each takes an `Idempotency-Key`.

use axum::{Extension, Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync_core::{ids::WishId, poll::Again};
use sync_engine::{CUSTOMERS, HANDOVERS, documents::DOCUMENTS};
use sync_store::Counts;
use utoipa::ToSchema;

use super::{
    asked::{At, Body, connection},
    documents::key,
};
use crate::{
    act::{self, Belongs, MOST_ANSWERS},
    door::Door,
    problem::Problem,
    told,
    who::Who,
};

/// The most bytes of a body.
pub(crate) const MOST_BYTES: usize = 64 << 10;

/// It is remembered.
#[derive(Serialize, ToSchema)]
pub(crate) struct Taken {
    /// What follows.
    message: &'static str,
}

const LOOKED_AT: Taken = Taken { message: "remembered; it is looked at with the next step" };

/// An answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldAnswer {
    /// One of the question's `answers`.
    answer: String,
    /// The organization, where the answer is about one.
    organization: Option<i64>,
}

/// Answer a question about a customer
#[utoipa::path(post, path = "/api/v1/connections/{connection}/holds/{party}/answer", tag = "holds", request_body = HoldAnswer,
    params(("connection" = String, Path, description = "Its name"), ("party" = i64, Path, description = "The party's id in the ERP")),
    responses((status = 200, body = Taken)))]
pub(crate) async fn answer_hold(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At((name, party)): At<(String, i64)>,
    Body(HoldAnswer { answer, organization }): Body<HoldAnswer>,
) -> Result<Json<Taken>, Problem> {
    let connection = connection(&door, &name).await?;
    act::answer_hold((&door, &who), &connection, party, (&answer, organization)).await?;
    Ok(Json(LOOKED_AT))
}

/// One answer to many questions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkAnswer {
    /// An answer that needs no organization.
    answer: String,
    /// The parties, at most 1,000.
    parties: Vec<i64>,
}

/// What became of an answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// The party.
    party: i64,
    /// Whether the answer was taken.
    taken: bool,
    /// Why not.
    message: Option<String>,
}

/// Answer many questions about customers alike
///
/// With the answer `go`, writes that the mass guard holds are approved. Each is answered by itself: some may be refused.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/holds/answers", tag = "holds", request_body = BulkAnswer,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = Vec<BulkResult>)))]
pub(crate) async fn answer_holds(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(BulkAnswer { answer, parties }): Body<BulkAnswer>,
) -> Result<Json<Vec<BulkResult>>, Problem> {
    let connection = connection(&door, &name).await?;
    if parties.len() > MOST_ANSWERS {
        let message = format!("parties: there are more than {MOST_ANSWERS}");
        return Err(Problem::bad(message, "send them in several requests"));
    }
    let mut results = Vec::new();
    for party in parties {
        let answered = act::answer_hold((&door, &who), &connection, party, (&answer, None)).await;
        match answered {
            Ok(()) => results.push(BulkResult { party, taken: true, message: None }),
            Err(problem) if problem.status >= 500 => return Err(problem),
            Err(problem) => results.push(BulkResult { party, taken: false, message: Some(problem.title) }),
        }
    }
    Ok(Json(results))
}

/// An answer about a handover.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandoverAnswerBody {
    /// One of the question's `answers`.
    answer: String,
    /// The party, where the answer is about one.
    party: Option<i64>,
    /// The account, where the answer is about one.
    account: Option<i64>,
}

/// Answer a question about a handover
#[utoipa::path(post, path = "/api/v1/connections/{connection}/handovers/{kind}/{id}/answer", tag = "handovers", request_body = HandoverAnswerBody,
    params(("connection" = String, Path, description = "Its name"), ("kind" = String, Path, description = "`organization` or `deal`"),
        ("id" = i64, Path, description = "Its id in the CRM")),
    responses((status = 200, body = Taken)))]
pub(crate) async fn answer_handover(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At((name, kind, id)): At<(String, String, i64)>,
    Body(HandoverAnswerBody { answer, party, account }): Body<HandoverAnswerBody>,
) -> Result<Json<Taken>, Problem> {
    let connection = connection(&door, &name).await?;
    let subject = told::subject(&kind, id).ok_or_else(|| {
        Problem::not_found(format!("{kind} is no kind of handover"), "it is organization or deal")
    })?;
    act::answer_handover((&door, &who), &connection, subject, (&answer, party, account)).await?;
    Ok(Json(LOOKED_AT))
}

/// A wish for a customer of the ERP.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskBody {
    /// The organization in the CRM.
    #[schema(minimum = 1)]
    organization: i64,
    /// The deal that it is for.
    #[schema(minimum = 1)]
    deal: Option<i64>,
}

/// Ask for a customer of the ERP
///
/// For an organization, as if its deal had just been won. Nothing is made twice: what exists is found.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/handovers", tag = "handovers", request_body = AskBody,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = Taken)))]
pub(crate) async fn ask_for_handover(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(AskBody { organization, deal }): Body<AskBody>,
) -> Result<Json<Taken>, Problem> {
    let connection = connection(&door, &name).await?;
    act::ask_for_handover((&door, &who), &connection, organization, deal).await?;
    Ok(Json(LOOKED_AT))
}

/// Where a document belongs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignBody {
    /// `deal`, `none` (to no deal), or `as_decided` (what was said before is taken back).
    to: To,
    /// The deal, for `deal`.
    deal: Option<i64>,
    /// Makes a rule of it, for all documents that are like it: one of the document's `likenesses`.
    always: Option<String>,
}

/// Where a document belongs.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum To {
    /// To a deal.
    Deal,
    /// To none.
    None,
    /// As decided by rules.
    AsDecided,
}

/// Say where a document belongs
#[utoipa::path(post, path = "/api/v1/connections/{connection}/documents/{document}/assign", tag = "documents", request_body = AssignBody,
    params(("connection" = String, Path, description = "Its name"), ("document" = String, Path, description = "Its kind and id, such as `invoice:300100123`")),
    responses((status = 200, body = Taken)))]
pub(crate) async fn assign(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At((name, document)): At<(String, String)>,
    Body(AssignBody { to, deal, always }): Body<AssignBody>,
) -> Result<Json<Taken>, Problem> {
    let connection = connection(&door, &name).await?;
    let belongs = match (to, deal) {
        (To::Deal, Some(deal)) => Belongs::Deal(deal),
        (To::Deal, None) => {
            return Err(Problem::bad("deal: it is missing", "name the deal, or send to: none"));
        }
        (To::None, _) => Belongs::Nowhere,
        (To::AsDecided, _) => Belongs::AsDecided,
    };
    act::assign((&door, &who), &connection, key(&document)?, (belongs, always.as_deref())).await?;
    Ok(Json(LOOKED_AT))
}

/// Remove a rule about documents
///
/// What it moved is looked at again.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/document-rules/{rule}/remove", tag = "documents",
    params(("connection" = String, Path, description = "Its name"), ("rule" = i64, Path, description = "Its number")),
    responses((status = 200, body = Taken)))]
pub(crate) async fn remove_document_rule(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At((name, rule)): At<(String, i64)>,
) -> Result<Json<Taken>, Problem> {
    let connection = connection(&door, &name).await?;
    act::remove_rule((&door, &who), &connection, rule).await?;
    Ok(Json(LOOKED_AT))
}

/// A wish that was taken down.
#[derive(Serialize, ToSchema)]
pub(crate) struct Wished {
    /// Its number: `GET .../wishes/{wish}` tells what became of it.
    wish: i64,
}

/// What is wished for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncBody {
    /// The party of one customer; without it, everything that is due.
    party: Option<i64>,
}

/// Sync now
///
/// Both systems are polled at once and what is due is done; or one customer is read and brought up to date.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/sync", tag = "site", request_body = SyncBody,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 202, body = Wished)))]
pub(crate) async fn sync(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(SyncBody { party }): Body<SyncBody>,
) -> Result<(StatusCode, Json<Wished>), Problem> {
    let connection = connection(&door, &name).await?;
    let wish = act::sync((&door, &who), &connection, party).await?;
    Ok((StatusCode::ACCEPTED, Json(Wished { wish: wish.0 })))
}

/// What is read and looked at again, changed or not.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResyncBody {
    /// What the ERP changed since then.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Everything, on both sides.
    everything: Option<bool>,
}

/// Read and look again
///
/// At what the ERP changed since a time, or at everything on both sides: one of the two has to be said. Nothing that is under way
/// is broken off.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/resync", tag = "site", request_body = ResyncBody,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 202, body = Wished)))]
pub(crate) async fn resync(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(ResyncBody { since, everything }): Body<ResyncBody>,
) -> Result<(StatusCode, Json<Wished>), Problem> {
    let connection = connection(&door, &name).await?;
    let again = match (since, everything) {
        (Some(since), None | Some(false)) => {
            let now = door.parts.clock.now();
            let since = since.parse().ok().filter(|since| (Timestamp::UNIX_EPOCH..=now).contains(since));
            let wrong = || {
                Problem::bad(
                    "since: this is no time that is over",
                    "write a time with its zone, as 2026-11-01T08:00:00Z",
                )
            };
            Again::From(since.ok_or_else(wrong)?)
        }
        (None, Some(true)) => Again::All,
        (None, None | Some(false)) | (Some(_), Some(true)) => {
            return Err(Problem::bad(
                "it is not said what is read again",
                "send `since`, or `everything`: true",
            ));
        }
    };
    let wish = act::resync((&door, &who), &connection, again).await?;
    Ok((StatusCode::ACCEPTED, Json(Wished { wish: wish.0 })))
}

/// What became of a wish.
#[derive(Serialize, ToSchema)]
pub(crate) struct WishTold {
    /// Its number.
    wish: i64,
    /// Who asked.
    asked_by: String,
    /// When.
    asked_at: String,
    /// Whether somebody works on it.
    begun: bool,
    /// `done`, `budget` or `remote`; none while it is worked on.
    ended: Option<&'static str>,
    /// What there is to say about that.
    message: Option<String>,
    /// Customers by what became of them, so far.
    customers: Option<Outcomes>,
    /// Handovers by what became of them, so far.
    customers_from_crm: Option<Outcomes>,
    /// Deals by what became of showing their documents, so far.
    documents: Option<Outcomes>,
    /// What became of the one customer that was asked for: records, as the plan tells of them.
    #[schema(value_type = Option<serde_json::Value>)]
    report: Option<serde_json::Value>,
}

/// Records by what became of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Outcomes {
    created: u64,
    updated: u64,
    unchanged: u64,
    held: u64,
    failed: u64,
}

impl From<Counts> for Outcomes {
    fn from(Counts { created, updated, unchanged, held, failed }: Counts) -> Self {
        Self { created, updated, unchanged, held, failed }
    }
}

/// What became of a wish
#[utoipa::path(get, path = "/api/v1/connections/{connection}/wishes/{wish}", tag = "site",
    params(("connection" = String, Path, description = "Its name"), ("wish" = i64, Path, description = "Its number")),
    responses((status = 200, body = WishTold)))]
pub(crate) async fn wish(
    State(door): State<Door>,
    At((name, wish)): At<(String, i64)>,
) -> Result<Json<WishTold>, Problem> {
    let connection = connection(&door, &name).await?;
    let Some(row) = door.parts.store.wish_look(connection.id, WishId(wish)).await? else {
        return Err(Problem::not_found(
            format!("there is no wish {wish}"),
            "POST .../sync and POST .../resync make one",
        ));
    };
    let mut outcomes = [None, None, None];
    if let Some(run) = row.run {
        let mut tx = door.parts.store.read(connection.id).await?;
        for (place, flow) in outcomes.iter_mut().zip([CUSTOMERS, HANDOVERS, DOCUMENTS]) {
            *place = Some(Outcomes::from(tx.outcomes(run, flow).await?));
        }
    }
    let [customers, customers_from_crm, documents] = outcomes;
    let (ended, message) = row.ended.unzip();
    let report = row.report.as_deref().map(serde_json::from_str).transpose();
    Ok(Json(WishTold {
        wish: row.id.0,
        asked_by: row.asked_by,
        asked_at: told::at(row.asked_at),
        begun: row.run.is_some(),
        ended: ended.map(sync_store::WishEnd::key),
        message: message.filter(|message| !message.is_empty()),
        customers,
        customers_from_crm,
        documents,
        report: report.map_err(told::TellError::from)?,
    }))
}
