//! What `holds` and `handovers` have in common.

use clap::Args;

/// Where an answer counts, and who gives it.
#[derive(Debug, Args)]
pub struct AnswererArgs {
    /// Answer only for this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Remember this name with the answer instead of the user's
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
