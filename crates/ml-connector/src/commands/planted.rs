//! `prove --plants`, in builds for tests: whether every planted bug is caught at its seed; with `--find` looks for the seeds.

use std::path::Path;

use sync_engine::simulation::PLANTED;

use super::Context;
use crate::cli::ProveArgs;
use crate::exit::ExitCode;
use crate::output::talk;
use crate::prove::{Nursery, PlantedBug, planted, planted_bugs};

pub(super) fn run(context: &Context<'_>, args: &ProveArgs, file: &Path) -> anyhow::Result<ExitCode> {
    let nursery = Nursery::new()?;
    let known = if file.exists() { planted_bugs(file)? } else { Vec::new() };
    let mut failed = Vec::new();
    if args.planted.find {
        let mut found: Vec<PlantedBug> = Vec::new();
        for bug in PLANTED {
            let recorded = known.iter().find(|known| known.name == bug.name && known.seed.is_some());
            if let Some(recorded) = recorded
                && planted::check(&nursery, recorded)?.is_none()
            {
                found.push(recorded.clone());
                continue;
            }
            let one = planted::find(&nursery, bug, (args.from, args.seeds, args.planted.stride), args.jobs)?;
            talk(format!("{}: {:?} by {:?}", one.name, one.seed, one.laws));
            found.push(one);
            // What was found is kept also if this is stopped, and so is what was known of those after it.
            let later = known.iter().filter(|known| found.iter().all(|found| found.name != known.name));
            planted::write(file, &found.iter().chain(later).cloned().collect::<Vec<_>>())?;
        }
    } else {
        for bug in PLANTED.into_iter().filter(|bug| known.iter().all(|known| known.name != bug.name)) {
            failed.push(format!("{} is not in {}", bug.name, file.display()));
        }
        failed.extend(planted::check_all(&nursery, &known)?);
    }
    let all = PLANTED.len();
    let value = serde_json::json!({ "planted": all, "failed": failed });
    context.output.data(&value, |_| match failed.as_slice() {
        [] => format!("{all} planted bugs are as recorded"),
        failed => failed.join("\n"),
    })?;
    Ok(if failed.is_empty() { ExitCode::Ok } else { ExitCode::Failure })
}
