//! `sync`

use super::{Context, not_wired};
use crate::cli::SyncArgs;
use crate::exit::ExitCode;

pub(super) async fn run(_context: &Context<'_>, _args: &SyncArgs) -> anyhow::Result<ExitCode> {
    not_wired("sync").await
}
