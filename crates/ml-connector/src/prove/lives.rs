//! Living many lives at once, each in a store of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use sync_engine::simulation::{Failure, Means, Report, Trial, live_by, prepare};

use super::{access::Identity, door::FrontDoor};

/// A folder in which lives are lived; it goes when this is dropped. Nobody had it before: files of an earlier process that was
/// killed would be taken for those of a life.
pub struct Nursery {
    folder: tempfile::TempDir,
}

impl Nursery {
    /// A folder below the one for temporary files, with a store that is copied for each life.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("ml-connector-prove-").tempdir();
        let folder = folder.context("cannot make a folder for lives among the temporary files")?;
        let nursery = Self { folder };
        let url = nursery.url(&nursery.model());
        runtime()?.block_on(prepare(&url))?;
        Ok(nursery)
    }

    /// Lives one life.
    ///
    /// # Errors
    /// When a law is broken, or it could not be lived.
    pub fn live(&self, runtime: &tokio::runtime::Runtime, trial: &Trial) -> Result<Report, Failure> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let store = self.folder.path().join(format!("{}.db", NEXT.fetch_add(1, Ordering::Relaxed)));
        if let Err(error) = std::fs::copy(self.model(), &store) {
            return Err(Failure::impossible(trial.seed, format!("no store for it: {error}")));
        }
        let means =
            Means { door: Arc::new(FrontDoor::of(trial)), access: Some(Arc::new(Identity::of(trial))) };
        let lived = runtime.block_on(live_by(means, trial, &self.url(&store)));
        for ending in ["", "-wal", "-shm"] {
            // Whatever is left goes with the folder.
            let _ = std::fs::remove_file(format!("{}{ending}", store.display()));
        }
        lived
    }

    fn model(&self) -> PathBuf {
        self.folder.path().join("model.db")
    }

    fn url(&self, store: &std::path::Path) -> String {
        format!("sqlite://{}", store.display())
    }
}

/// Which lives are lived.
pub struct Course<'a> {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// From one to the next.
    pub stride: u64,
    /// How many at a time; none: as many as this machine can.
    pub jobs: Option<usize>,
    /// The life of a seed.
    pub trial: &'a (dyn Fn(u64) -> Trial + Sync),
    /// Hears of every life that was lived.
    pub see: &'a (dyn Fn(&Report) + Sync),
}

/// How they went.
#[derive(Debug)]
pub struct Lived {
    /// All that were lived to their end.
    pub report: Report,
    /// The lowest seed that failed; none of those below it does.
    pub failure: Option<Failure>,
}

/// Lives them all, or until one fails.
///
/// # Errors
/// When no runtime can be made.
pub fn live_all(nursery: &Nursery, course: &Course<'_>) -> anyhow::Result<Lived> {
    let Course { from, seeds, stride, jobs, trial, see } = course;
    let end = from.saturating_add(seeds.saturating_mul(*stride));
    let (next, stop) = (AtomicU64::new(*from), AtomicBool::new(false));
    let total = Mutex::new(Lived { report: Report::default(), failure: None });
    // A life waits for nothing but its database, which works on the same processor.
    let machine = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = jobs.unwrap_or(machine).max(1);
    let runtimes: Vec<_> = (0..jobs).map(|_| runtime()).collect::<anyhow::Result<_>>()?;
    std::thread::scope(|scope| {
        for (number, runtime) in runtimes.into_iter().enumerate() {
            let (next, stop, total) = (&next, &stop, &total);
            scope.spawn(move || {
                stay_on_one_processor(number);
                // Seeds are taken in order: whoever stops has left none below that is not being lived.
                while !stop.load(Ordering::SeqCst) {
                    let seed = next.fetch_add(*stride, Ordering::SeqCst);
                    if seed >= end {
                        break;
                    }
                    match nursery.live(&runtime, &trial(seed)) {
                        Ok(report) => {
                            locked(total).report.add(&report);
                            see(&report);
                        }
                        Err(broken) => {
                            stop.store(true, Ordering::SeqCst);
                            let mut total = locked(total);
                            if total.failure.as_ref().is_none_or(|known| broken.seed < known.seed) {
                                total.failure = Some(broken);
                            }
                        }
                    }
                }
            });
        }
    });
    Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// This thread, and the threads of databases that it will begin, stay on one of the processors that it may use, the same for the
/// same number. A life and its database take turns, thousands of times; from one processor to another that costs as much as
/// living. Where it is not possible, it only takes longer.
pub(crate) fn stay_on_one_processor(number: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let Ok(may) = sched_getaffinity(None) else { return };
        let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|processor| may.is_set(*processor)).collect();
        let Some(processor) = number.checked_rem(allowed.len()).and_then(|at| allowed.get(at)) else {
            return;
        };
        let mut one = CpuSet::new();
        one.set(*processor);
        // What is refused is left as it was.
        let _ = sched_setaffinity(None, &one);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = number;
}

/// One life at a time needs one thread, and no sockets: whoever may wait for one is woken through the kernel each time.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_time().build()?)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
