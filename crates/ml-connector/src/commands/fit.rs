//! `fit`: what it would be like.

use std::sync::Arc;

use super::Context;
use super::sync::chosen;
use crate::cli::FitArgs;
use crate::exit::ExitCode;
use crate::fit::measure;
use crate::progress::Progress;
use crate::wire::{Process, SystemClock, open_store};

pub(super) async fn run(context: &Context<'_>, args: &FitArgs) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let connections = chosen(&config, args.connection.as_deref())?;
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config: &config, store, clock, env: context.env, kind: "fit" };
    let mut reports = Vec::new();
    for connection in connections {
        let watch = Arc::new(Progress::new(&connection.name, !context.output.is_json()));
        reports.push(measure(&process, connection, watch).await?);
    }
    process.store.close().await;
    context.output.data(&reports, |reports| {
        reports.iter().map(sync_web::fit::FitReport::told).collect::<Vec<_>>().join("\n")
    })?;
    let fits = reports.iter().all(|report| report.fits && report.first_sync.is_some());
    Ok(if fits { ExitCode::Ok } else { ExitCode::Unfit })
}
