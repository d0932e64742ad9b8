//! `prove`: lives many lives, and tells how they went.

use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sync_engine::simulation::{Report, Trial};

use super::Context;
use crate::cli::ProveArgs;
use crate::exit::ExitCode;
use crate::output::talk;
use crate::prove::{Course, Nursery, Proof, ShownFailure, live_all, shortest};

pub(super) fn run(context: &Context<'_>, args: &ProveArgs) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "planted")]
    if let Some(file) = &args.planted.plants {
        return super::planted::run(context, args, file);
    }
    let nursery = Nursery::new()?;
    let (trial, must_fail) = asked(args)?;
    let watcher = Watcher::new(args.seeds, args.story && !context.output.is_json());
    let course = Course {
        from: args.from,
        seeds: args.seeds,
        stride: stride(args),
        jobs: args.jobs,
        trial: &|seed| Trial { seed, ..trial.clone() },
        see: &|report| watcher.see(report),
    };
    let lived = live_all(&nursery, &course)?;
    watcher.done();
    let failure = lived.failure.map(|failure| {
        talk(format!("seed {} breaks; looking for the shortest beginning that still does", failure.seed));
        shrunk(&nursery, &trial, failure)
    });
    let mut proof = Proof::new(args.from, args.seeds, &lived.report, failure.transpose()?);
    proof.tells_all = args.story;
    context.output.data(&proof, Proof::text)?;
    if let Some(file) = args.document.as_ref().filter(|_| proof.holds()) {
        crate::prove::document(file, &proof)?;
    }
    Ok(if proof.holds() == must_fail { ExitCode::Failure } else { ExitCode::Ok })
}

fn shrunk(
    nursery: &Nursery,
    trial: &Trial,
    failure: sync_engine::simulation::Failure,
) -> anyhow::Result<ShownFailure> {
    let runtime = crate::prove::runtime()?;
    let (turns, trial) = (failure.turns, Trial { seed: failure.seed, ..trial.clone() });
    let shortest = shortest(failure, &trial, |trial| nursery.live(&runtime, trial));
    Ok(ShownFailure::new(turns, shortest))
}

/// The lives that are asked for, by the seed 0, and whether one of them must fail.
#[cfg(feature = "planted")]
fn asked(args: &ProveArgs) -> anyhow::Result<(Trial, bool)> {
    let crate::cli::PlantedArgs { plant, without_law, expect_failure, .. } = &args.planted;
    let mut trial = without_law.iter().fold(Trial::of(0), |trial, law| trial.without(*law));
    if let Some(name) = plant {
        trial = trial.planted(crate::prove::planted::named(name)?);
    }
    Ok((trial, *expect_failure))
}

#[cfg(not(feature = "planted"))]
#[expect(clippy::unnecessary_wraps, reason = "the other one needs it")]
fn asked(_: &ProveArgs) -> anyhow::Result<(Trial, bool)> {
    Ok((Trial::of(0), false))
}

#[cfg(feature = "planted")]
fn stride(args: &ProveArgs) -> u64 {
    args.planted.stride
}

#[cfg(not(feature = "planted"))]
fn stride(_: &ProveArgs) -> u64 {
    1
}

/// Progress on stderr: a bar on a terminal, else a line now and then.
struct Watcher {
    bar: ProgressBar,
    seeds: u64,
    lived: AtomicU64,
    tells: bool,
}

impl Watcher {
    fn new(seeds: u64, tells: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(seeds), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{pos}/{len} lives [{bar:40}] {elapsed} gone, {eta} to go");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, seeds, lived: AtomicU64::new(0), tells }
    }

    fn see(&self, report: &Report) {
        if self.tells {
            talk(report.story.join("\n"));
        }
        let lived = self.lived.fetch_add(1, Ordering::Relaxed) + 1;
        self.bar.inc(1);
        let tenth = (self.seeds / 10).max(100);
        if self.bar.is_hidden() && lived.is_multiple_of(tenth) {
            talk(format!("{lived} of {} lives", self.seeds));
        }
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}
