//! Lives many seeds and says how it went. `--seeds N [--from S] [--plant no-intent|no-erp-intent] [--expect-failure] [--story]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use sync_engine::simulation::{Failure, Plant, Report, live};

struct Options {
    seeds: u64,
    from: u64,
    plant: Plant,
    expect_failure: bool,
    story: bool,
}

fn options() -> Result<Options, String> {
    let mut options =
        Options { seeds: 100, from: 1, plant: Plant::Nothing, expect_failure: false, story: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no number"));
        match word.as_str() {
            "--seeds" => options.seeds = number(value()?)?,
            "--from" => options.from = number(value()?)?,
            "--plant" => options.plant = plant(&value()?)?,
            "--expect-failure" => options.expect_failure = true,
            "--story" => options.story = true,
            other => return Err(format!("{other} is not understood")),
        }
    }
    Ok(options)
}

fn plant(name: &str) -> Result<Plant, String> {
    match name {
        "no-intent" => Ok(Plant::NoIntent),
        "no-erp-intent" => Ok(Plant::NoErpIntent),
        other => Err(format!("there is no plant {other}")),
    }
}

/// Which fate met which piece of a customer: a line a piece.
fn coverage(report: &Report) -> String {
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for ((piece, fate), count) in &report.pieces {
        let line = lines.entry(*piece).or_default();
        line.push_str(&format!(" {fate} {count},"));
    }
    let line = |(piece, fates): (&str, String)| format!("  {piece}:{}\n", fates.trim_end_matches(','));
    lines.into_iter().map(line).collect()
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let next = AtomicU64::new(options.from);
    let end = options.from + options.seeds;
    let stop = AtomicBool::new(false);
    let total = Mutex::new((0_u64, Report::default()));
    let failure: Mutex<Option<Failure>> = Mutex::new(None);
    // Each of them waits for its database half of the time.
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) * 4;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= end {
                        break;
                    }
                    match one(seed, options.plant) {
                        Ok(report) => {
                            if options.story {
                                println!("{}", report.story.join("\n"));
                            }
                            add(&total, &report);
                        }
                        Err(broken) => {
                            let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                            // The lowest failing seed is told, whichever thread was first.
                            if failure.as_ref().is_none_or(|known| broken.seed < known.seed) {
                                *failure = Some(broken);
                            }
                            stop.store(true, Ordering::SeqCst);
                        }
                    }
                }
            });
        }
    });
    let (lived, report) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{lived} seeds lived: {} steps, {} deaths, {} organizations created, {} updates, {} relations written, {} reads, {} customers held, {} customers created in the ERP\n{}",
        report.steps,
        report.deaths,
        report.creates,
        report.updates,
        report.relations,
        report.reads,
        report.held,
        report.customers,
        coverage(&report).trim_end()
    );
    match (failure.into_inner().unwrap_or_else(PoisonError::into_inner), options.expect_failure) {
        (Some(failure), false) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
        (Some(failure), true) => {
            println!("the planted bug is caught, as it must be:\n{failure}");
            ExitCode::SUCCESS
        }
        (None, false) => ExitCode::SUCCESS,
        (None, true) => {
            eprintln!("the planted bug was not caught");
            ExitCode::FAILURE
        }
    }
}

fn one(seed: u64, plant: Plant) -> Result<Report, Failure> {
    let impossible = |what: String| Failure { seed, violations: Vec::new(), story: vec![what] };
    let folder = tempfile::tempdir().map_err(|error| impossible(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| impossible(error.to_string()))?;
    let url = format!("sqlite://{}", folder.path().join("life.db").display());
    runtime.block_on(live(seed, &url, plant))
}

fn add(total: &Mutex<(u64, Report)>, report: &Report) {
    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
    total.0 += 1;
    let sum = &mut total.1;
    sum.steps += report.steps;
    sum.deaths += report.deaths;
    sum.creates += report.creates;
    sum.updates += report.updates;
    sum.relations += report.relations;
    sum.reads += report.reads;
    sum.held += report.held;
    sum.customers += report.customers;
    for (what, count) in &report.pieces {
        *sum.pieces.entry(*what).or_default() += count;
    }
}
