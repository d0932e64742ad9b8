//! `demo`

use super::{Context, not_wired};
use crate::cli::DemoArgs;
use crate::exit::ExitCode;

pub(super) async fn run(_context: &Context<'_>, _args: &DemoArgs) -> anyhow::Result<ExitCode> {
    not_wired("demo").await
}
