//! `resync`: as `sync`, but what is read again is looked at again, changed or not.

use sync_core::poll::Again;

use super::{Context, sync};
use crate::cli::ResyncArgs;
use crate::exit::ExitCode;

pub(super) async fn run(context: &Context<'_>, args: &ResyncArgs) -> anyhow::Result<ExitCode> {
    // The command line asks for exactly one of them.
    let again = args.from.map_or(Again::All, Again::From);
    sync::all(context, args.connection.as_deref(), Some(again), "resync").await
}
