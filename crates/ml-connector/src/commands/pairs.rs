//! `pairs`

use super::{Context, not_wired};
use crate::cli::PairsCommand;
use crate::exit::ExitCode;

pub(super) async fn run(_context: &Context<'_>, _command: &PairsCommand) -> anyhow::Result<ExitCode> {
    not_wired("pairs").await
}
