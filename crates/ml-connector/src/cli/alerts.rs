//! `alerts`

use clap::Subcommand;

/// `alerts`
#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// Send a test alert to the receiver of the configuration file, once, and tell what it answered
    #[command(after_help = "\
The exit code is 4 if the receiver does not take it. The address that is asked for while all is well is left alone.

Examples:
  ml-connector alerts test
  ml-connector alerts test --json")]
    Test,
}
