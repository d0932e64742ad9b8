//! `db`

use super::{Context, not_wired};

use crate::exit::ExitCode;

pub(super) async fn run(_context: &Context<'_>) -> anyhow::Result<ExitCode> {
    not_wired("db").await
}
