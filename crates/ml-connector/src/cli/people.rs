//! `people`

use clap::{Args, Subcommand, ValueEnum};

/// `people`
#[derive(Debug, Subcommand)]
pub enum PeopleCommand {
    /// Print a link that makes somebody one of those who may use the console
    Invite(PeopleInviteArgs),
    /// Print a link with which somebody takes a new password
    Reset(PeopleNameArgs),
    /// List who may use the console
    List,
    /// Somebody may not use the console any more, from now on
    Remove(PeopleNameArgs),
}

/// What somebody may do in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PersonRole {
    /// Look at everything
    Viewer,
    /// And answer questions, approve, ask for a sync
    Approver,
    /// And say who may do what
    Admin,
}

/// `people invite`
#[derive(Debug, Args)]
#[command(after_help = "\
The link works once, for a day. Whoever follows it chooses name and password; `run` has to be running.

Examples:
  ml-connector people invite --role admin        the first one
  ml-connector people invite --role viewer")]
pub struct PeopleInviteArgs {
    /// What they may do
    #[arg(long, value_enum)]
    pub role: PersonRole,
}

/// `people reset` and `people remove`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector people reset Ada                  a link for a new password
  ml-connector people remove Ada                 all sessions end")]
pub struct PeopleNameArgs {
    /// Their name
    #[arg(value_name = "NAME")]
    pub name: String,
}
