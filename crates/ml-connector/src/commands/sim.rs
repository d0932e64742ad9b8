//! `sim`

use super::{Context, not_wired};
use crate::cli::SimArgs;
use crate::exit::ExitCode;

pub(super) async fn run(_context: &Context<'_>, _args: &SimArgs) -> anyhow::Result<ExitCode> {
    not_wired("sim").await
}
