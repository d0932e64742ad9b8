//! `fit`

use clap::Args;

/// `fit`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads both sides completely, writes nothing but the report, which the console shows, too, and compares later with what happened.
Where `run` keeps the connection in sync, what that process has read is counted.

Examples:
  ml-connector fit
  ml-connector fit --connection acme --json")]
pub struct FitArgs {
    /// Measure only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}
