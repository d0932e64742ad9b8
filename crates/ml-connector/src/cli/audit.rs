//! `audit`

use clap::Args;

/// `audit`
#[derive(Debug, Args)]
#[command(after_help = "\
Every customer is decided anew from what was read last, and held against the queue and the questions: what differs and
nobody works on was missed. Asks no remote system and writes nothing; `run` and `sync` look themselves, once for each
sweep, and put what they find into the queue. The exit code is 7 if something was missed.

Examples:
  ml-connector audit
  ml-connector audit --connection acme --json")]
pub struct AuditArgs {
    /// Audit only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}
