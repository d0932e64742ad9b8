//! `holds`

use clap::{Args, Subcommand};

use super::answerer::AnswererArgs;

/// `holds`
#[derive(Debug, Subcommand)]
pub enum HoldsCommand {
    /// List the questions that wait for a person, grouped by their cause
    List(HoldsListArgs),
    /// Show what is asked about one party, the evidence, and what can be answered
    Show(HoldsShowArgs),
    /// Answer questions; the answer is remembered
    Answer(HoldsAnswerArgs),
    /// Have parties looked at again without deciding anything
    Retry(HoldsRetryArgs),
}

/// `holds list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector holds list
  ml-connector holds list --reason organization_gone --limit 500 --json")]
pub struct HoldsListArgs {
    /// List only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// List every question of this cause
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// List this many questions at most
    #[arg(long, value_name = "N", default_value_t = 50, requires = "reason")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Begin after this hold: the last one of the page before
    #[arg(long, value_name = "HOLD_ID", requires = "reason")]
    pub after: Option<i64>,
}

/// `holds show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector holds show 300000001234567")]
pub struct HoldsShowArgs {
    /// The PartyId in the ERP
    #[arg(value_name = "PARTY_ID")]
    pub party: i64,
    /// Look only into this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

/// `holds answer`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector holds answer recreate 300000001234567
  ml-connector holds answer same 300000001234567 --org 42
  ml-connector holds answer leave --reason organization_gone")]
pub struct HoldsAnswerArgs {
    /// The answer: `holds show` lists the possible ones
    #[arg(value_name = "ANSWER")]
    pub answer: String,
    /// The parties whose questions are answered
    #[arg(value_name = "PARTY_ID", required_unless_present = "reason")]
    pub parties: Vec<i64>,
    /// Answer every question of this cause
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// The organization that the answer speaks about
    #[arg(long, value_name = "ORGANIZATION_ID")]
    pub org: Option<i64>,
    /// Where it counts, and who gives it
    #[command(flatten)]
    pub answerer: AnswererArgs,
}

/// `holds retry`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector holds retry 300000001234567
  ml-connector holds retry --reason refused
  ml-connector holds retry --all")]
pub struct HoldsRetryArgs {
    /// The parties to look at again
    #[arg(value_name = "PARTY_ID", required_unless_present_any = ["reason", "all"])]
    pub parties: Vec<i64>,
    /// Look at every party with a question of this cause
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// Look at every party about which something is asked
    #[arg(long)]
    pub all: bool,
    /// Where it counts, and who gives it
    #[command(flatten)]
    pub answerer: AnswererArgs,
}
