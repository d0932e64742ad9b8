//! Inputs for what reads foreign bytes: a committed corpus as it is, then mutations of it, so many and no more. One seed
//! decides everything and no clock decides how much is done. Shared by the fuzz tests of all crates (by path).
//!
//! `MLC_FUZZ_TIMES=100` makes a hundred times more inputs, `MLC_FUZZ_SEED=7` makes others, `MLC_FUZZ_REPORT=FOLDER` leaves a line
//! for each target there (`scripts/fuzz`). An input that fails is made short and written to the target directory: put it into
//! the corpus, where it stays red until the bug is fixed, and green for ever after.
#![cfg(test)]

mod mutate;

use std::{
    cell::RefCell,
    collections::{BTreeMap, btree_map::Entry},
    fs,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    path::{Path, PathBuf},
    sync::Once,
};

use mutate::Mutator;

/// So many different failures are looked for before a target gives up.
const MOST_FAILURES: usize = 8;

/// So many shorter inputs are tried for each failure, and no more than so many bytes.
const SHORTER: usize = 2_000;
const SHORTER_BYTES: usize = 2_000_000;

/// Something that reads foreign bytes.
pub(crate) struct Target<'a> {
    /// Its name, and the folder of its corpus in `tests/fuzz/corpus`.
    pub(crate) name: &'a str,
    /// `CARGO_MANIFEST_DIR` of its crate.
    pub(crate) home: &'a str,
    /// Inputs to make when nobody asks for more.
    pub(crate) inputs: usize,
    /// Pieces that mean something to it, beside those that are nasty everywhere.
    pub(crate) words: &'a [&'a str],
}

thread_local! {
    /// Where and why the input at hand panicked; none while nothing is tried.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

impl Target<'_> {
    /// The corpus by file name.
    pub(crate) fn corpus(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = Path::new(self.home).join("tests/fuzz/corpus").join(self.name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let corpus: BTreeMap<String, Vec<u8>> = files
            .map(|file| file.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
            .collect();
        assert!(!corpus.is_empty(), "{} is empty", folder.display());
        corpus
    }

    /// Of which crate it is.
    fn home(&self) -> &str {
        self.home.rsplit('/').next().unwrap_or_default()
    }

    /// Gives every input to `check`, which panics when something is wrong.
    pub(crate) fn run(&self, check: impl Fn(&[u8])) {
        listen();
        let (times, seed) = (number("MLC_FUZZ_TIMES", 1), number("MLC_FUZZ_SEED", 1));
        let report = std::env::var_os("MLC_FUZZ_REPORT").map(PathBuf::from);
        let running =
            report.as_ref().map(|folder| folder.join(format!("{}.{}.running", self.home(), self.name)));
        let corpus = self.corpus();
        let texts: Vec<Vec<u8>> = corpus.values().cloned().collect();
        let mut mutator = Mutator::new(seed ^ hash(self.name.as_bytes()), &texts, self.words);
        let made = self.inputs * usize::try_from(times).unwrap();
        let mut failures: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
        let given = corpus.iter().map(|(name, text)| (format!("corpus {name}"), text.clone()));
        let mutated = (0..made).map(|number| (format!("seed {seed}, input {number}"), mutator.input()));
        for (from, input) in given.chain(mutated) {
            // Of a stack that overflows nothing else is left.
            if let Some(running) = &running {
                fs::write(running, &input).unwrap();
            }
            if let Some(said) = failed(&check, &input) {
                if let Entry::Vacant(first) = failures.entry(place(&said)) {
                    let short = shorter(&check, first.key(), input);
                    first.insert((format!("{from}: {said}"), short));
                }
                if failures.len() >= MOST_FAILURES {
                    break;
                }
            }
        }
        if let (Some(folder), Some(running)) = (report, running) {
            let (home, name) = (self.home(), self.name);
            let line = format!("{home}\t{name}\t{}\t{made}\t{}\n", texts.len(), failures.len());
            fs::write(folder.join(format!("{home}.{name}.line")), line).unwrap();
            fs::remove_file(running).unwrap();
        }
        self.tell(&failures);
    }

    fn tell(&self, failures: &BTreeMap<String, (String, Vec<u8>)>) {
        if failures.is_empty() {
            return;
        }
        let folder = Path::new(self.home).join("../../target/fuzz").join(self.home()).join(self.name);
        fs::create_dir_all(&folder).unwrap();
        let told = failures.values().map(|(said, input)| {
            let file = folder.join(format!("{:016x}", hash(input)));
            fs::write(&file, input).unwrap();
            let shown: String = String::from_utf8_lossy(input).chars().take(600).collect();
            format!("{said}\n  in {}\n  {shown:?}", file.display())
        });
        panic!("{}: {} failures\n{}", self.name, failures.len(), told.collect::<Vec<_>>().join("\n"));
    }
}

/// What panics on this thread while an input is tried is kept; everything else is told as ever.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
            let kept = SAID.with_borrow_mut(|said| match said {
                Some(said) => {
                    let words = info.payload_as_str().unwrap_or("no words");
                    *said = format!("{place}: {}", words.chars().take(2_000).collect::<String>());
                    true
                }
                None => false,
            });
            if !kept {
                before(info);
            }
        }));
    });
}

fn failed(check: &impl Fn(&[u8]), input: &[u8]) -> Option<String> {
    SAID.set(Some("it panicked without a word".to_owned()));
    let outcome = catch_unwind(AssertUnwindSafe(|| check(input)));
    let said = SAID.take();
    if outcome.is_err() { said } else { None }
}

/// File and line.
fn place(said: &str) -> String {
    said.split(": ").next().unwrap_or_default().to_owned()
}

/// A shorter input that fails at the same place: halves, quarters and so on are left out while that is so.
fn shorter(check: &impl Fn(&[u8]), place_of: &str, mut input: Vec<u8>) -> Vec<u8> {
    let (mut size, mut tries, mut bytes) = (input.len() / 2, 0, 0);
    while size > 0 && tries < SHORTER && bytes < SHORTER_BYTES {
        let (mut at, mut changed) = (0, false);
        while at < input.len() && tries < SHORTER && bytes < SHORTER_BYTES {
            tries += 1;
            bytes += input.len();
            let mut less = input[..at].to_vec();
            less.extend(&input[(at + size).min(input.len())..]);
            if failed(check, &less).is_some_and(|said| place(&said) == place_of) {
                input = less;
                changed = true;
            } else {
                at += size;
            }
        }
        if !changed || size > 1 {
            size /= 2;
        }
    }
    input
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// FNV-1a: the same everywhere and always.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
