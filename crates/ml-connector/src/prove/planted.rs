//! Bugs that were planted to see that they are caught: at which seed, and by which laws.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use sync_engine::simulation::{Bug, Failure, PLANTED, Trial};

use super::document::PlantedBug;
use super::{Course, Nursery, live_all, lives::stay_on_one_processor, runtime};
use crate::exit::{ExitCode, Failed};

/// The bug of this name.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> anyhow::Result<Bug> {
    let names = PLANTED.map(|bug| bug.name).join(", ");
    Bug::named(name).ok_or_else(|| {
        let failed = Failed::new(ExitCode::Usage, format!("there is no bug {name}"));
        failed.help(format!("there are {names}")).into()
    })
}

/// The first of these seeds (the first, how many, and how far apart) that catches a bug, and the laws that catch it there: without them it is not caught.
///
/// # Errors
/// When nothing can be lived at all.
pub fn find(
    nursery: &Nursery,
    bug: Bug,
    (from, seeds, stride): (u64, u64, u64),
    jobs: Option<usize>,
) -> anyhow::Result<PlantedBug> {
    let trial = |seed| Trial::of(seed).planted(bug);
    let lived = live_all(nursery, &Course { from, seeds, stride, jobs, trial: &trial, see: &|_| {} })?;
    let mut found = PlantedBug {
        name: bug.name.to_owned(),
        story: bug.story.to_owned(),
        seed: None,
        laws: BTreeSet::new(),
        how: None,
    };
    let Some(failure) = lived.failure else { return Ok(found) };
    found.seed = Some(failure.seed);
    found.how = failure.violations.first().map(|violation| violation.story.clone());
    let runtime = runtime()?;
    let mut broken = Some(failure);
    while let Some(failure) = broken {
        let known = found.laws.len();
        found.laws.extend(failure.laws());
        if found.laws.len() == known {
            // What no law is about cannot be let pass.
            break;
        }
        broken = nursery.live(&runtime, &without(trial(failure.seed), &found.laws)).err();
    }
    Ok(found)
}

/// Why any of these bugs is not caught as it was recorded, in their order.
///
/// # Errors
/// When nothing can be lived at all.
pub fn check_all(nursery: &Nursery, recorded: &[PlantedBug]) -> anyhow::Result<Vec<String>> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for number in 0..threads {
            let (next, found) = (&next, &found);
            scope.spawn(move || {
                stay_on_one_processor(number);
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(bug) = recorded.get(at) else { break };
                    let checked = check(nursery, bug);
                    found.lock().unwrap_or_else(PoisonError::into_inner).insert(at, checked);
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.into_values().filter_map(Result::transpose).collect()
}

/// Why a bug is not caught as it was recorded; none if it is.
///
/// # Errors
/// When nothing can be lived at all.
pub fn check(nursery: &Nursery, recorded: &PlantedBug) -> anyhow::Result<Option<String>> {
    let PlantedBug { name, seed, laws, .. } = recorded;
    let Some(seed) = *seed else { return Ok(None) };
    let trial = Trial::of(seed).planted(named(name)?);
    let runtime = runtime()?;
    let caught = nursery.live(&runtime, &trial);
    let blind = nursery.live(&runtime, &without(trial, laws));
    let broken = |failure: &Failure| format!("{:?}", failure.laws());
    Ok(match (caught, blind) {
        (Ok(_), _) => Some(format!("{name} is not caught by seed {seed}")),
        (Err(failure), _) if failure.laws().is_disjoint(laws) => {
            Some(format!("{name} is caught by laws {} at seed {seed}, not by {laws:?}", broken(&failure)))
        }
        (Err(_), Err(failure)) if !laws.contains(&0) => Some(format!(
            "without laws {laws:?} {name} is caught at seed {seed} all the same: {}",
            broken(&failure)
        )),
        (Err(_), _) => None,
    })
}

fn without(trial: Trial, laws: &BTreeSet<u8>) -> Trial {
    laws.iter().fold(trial, |trial, law| trial.without(*law))
}

/// Writes what was found.
///
/// # Errors
/// When the file cannot be written.
pub fn write(file: &Path, bugs: &[PlantedBug]) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(bugs)?;
    std::fs::write(file, format!("{text}\n")).with_context(|| format!("cannot write {}", file.display()))
}
