//! `handovers`

use clap::{Args, Subcommand};

use super::answerer::AnswererArgs;

/// `handovers`
#[derive(Debug, Subcommand)]
pub enum HandoversCommand {
    /// List the questions about handovers that wait for a person, and handovers whose last try failed
    List(HandoversListArgs),
    /// Show one handover: what was made so far, what is asked, and what can be answered
    Show(HandoversShowArgs),
    /// Answer a question; the answer is remembered
    Answer(HandoversAnswerArgs),
    /// Ask for a customer of the ERP by hand, whenever the deal was won; it needs no approval
    Ask(HandoversAskArgs),
}

/// `handovers list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector handovers list
  ml-connector handovers list --reason data_missing --json")]
pub struct HandoversListArgs {
    /// List only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// List only questions of this cause; `failed` for those whose last try failed
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// List this many questions of each connection at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// What a handover is about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct SubjectArgs {
    /// The organization in Pipedrive
    #[arg(long, value_name = "ID")]
    pub organization: Option<i64>,
    /// The won deal in Pipedrive
    #[arg(long, value_name = "ID")]
    pub deal: Option<i64>,
}

/// `handovers show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector handovers show --organization 4711")]
pub struct HandoversShowArgs {
    /// What it is about
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Look only into this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

/// `handovers answer`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector handovers answer approve --organization 4711
  ml-connector handovers answer same --organization 4711 --party 300000001234567
  ml-connector handovers answer retry --deal 81")]
pub struct HandoversAnswerArgs {
    /// The answer: `handovers show` lists the possible ones
    #[arg(value_name = "ANSWER")]
    pub answer: String,
    /// What it is about
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// The party of the ERP that the answer speaks about
    #[arg(long, value_name = "PARTY_ID")]
    pub party: Option<i64>,
    /// The account of the ERP that the answer speaks about
    #[arg(long, value_name = "ACCOUNT_ID")]
    pub account: Option<i64>,
    /// Where it counts, and who gives it
    #[command(flatten)]
    pub answerer: AnswererArgs,
}

/// `handovers ask`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector handovers ask --organization 4711              a customer, whether a deal was won or not
  ml-connector handovers ask --organization 4711 --deal 81    for this deal, whenever it was won

Whoever works on the connection does it at once; without `run` the next `sync` does.")]
pub struct HandoversAskArgs {
    /// The organization in Pipedrive
    #[arg(long, value_name = "ID")]
    pub organization: i64,
    /// One of its won deals: decides which business unit the customer belongs to
    #[arg(long, value_name = "ID")]
    pub deal: Option<i64>,
    /// The connection; needed if there are several
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Remember this name with the wish instead of the user's
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
