//! `check`: pings the real systems and says whether we fit.

use std::sync::Arc;

use saas_http::TokioSleeper;
use sync_core::ports::Clock;

use super::Context;
use super::sync::chosen;
use crate::check::{Means, judge, observe, told};
use crate::cli::CheckArgs;
use crate::clients::{Clients, crm_transport, erp_transport, system_seed};
use crate::exit::ExitCode;
use crate::made::take_in;
use crate::wire::{SystemClock, open_store};

pub(super) async fn run(context: &Context<'_>, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut config = context.file()?;
    let store = open_store(&config.store).await.map_err(|error| format!("{error:#}"));
    if let Ok(store) = &store {
        take_in(&mut config, store, context.env).await?;
    }
    let connections = chosen(&config, args.connection.as_deref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let mut reports = Vec::new();
    for connection in connections {
        let means = Means {
            clients: Clients { env: context.env, clock: clock.clone(), seed: &system_seed },
            sleeper: Arc::new(TokioSleeper),
            store: store.as_ref().map_err(Clone::clone),
            erp: erp_transport(&connection.oracle),
            crm: crm_transport(&connection.pipedrive),
        };
        reports.push(judge(connection, &observe(connection, means).await));
    }
    if let Ok(store) = store {
        store.close().await;
    }
    context.output.data(&reports, |reports| reports.iter().map(told).collect::<Vec<_>>().join("\n"))?;
    let fits = reports.iter().all(|report| report.fits);
    Ok(if fits { ExitCode::Ok } else { ExitCode::Unfit })
}
