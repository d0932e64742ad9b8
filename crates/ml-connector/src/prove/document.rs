//! The page that says what was proven: `docs/proof.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Proof;

/// A bug that was planted, and how it was caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantedBug {
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub story: String,
    /// A seed that catches it; none if none of those tried so far did.
    pub seed: Option<u64>,
    /// Laws that catch it there: without them it is not caught. 0: the life could not be lived.
    pub laws: BTreeSet<u8>,
    /// How it shows there.
    pub how: Option<String>,
}

impl PlantedBug {
    /// The seed as people are told it.
    pub fn shown_seed(&self) -> String {
        self.seed.map_or_else(|| "none found yet".to_owned(), |seed| seed.to_string())
    }
}

/// The bugs of a file.
///
/// # Errors
/// When it cannot be read.
pub fn planted_bugs(file: &Path) -> anyhow::Result<Vec<PlantedBug>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not understood", file.display()))
}

/// Writes the page; the planted bugs are those of `planted.json` beside it.
///
/// # Errors
/// When it cannot be written, or the bugs cannot be read.
pub fn document(file: &Path, proof: &Proof) -> anyhow::Result<()> {
    let bugs = planted_bugs(&file.with_file_name("planted.json"))?;
    std::fs::write(file, page(proof, &bugs)).with_context(|| format!("cannot write {}", file.display()))
}

/// What is proven, under which assumptions, and what is not.
const LAWS: &str = include_str!("laws.md");

fn page(proof: &Proof, bugs: &[PlantedBug]) -> String {
    let mut page = LAWS.to_owned();
    let last = proof.from + proof.seeds - 1;
    let _ = write!(
        page,
        "\n## The lives that were lived\n\n`ml-connector prove --from {} --seeds {}`: seeds {} to {last}, no law broken. {} lives, \
         {} simulated hours, {} turns, {} steps of the engine, {} processes that died, {} reads, {} audits of all customers, {} customers that waited for a person in the end.\n\n",
        proof.from,
        proof.seeds,
        proof.from,
        proof.lives,
        proof.simulated_hours,
        proof.turns,
        proof.steps,
        proof.deaths,
        proof.reads,
        proof.audits,
        proof.held
    );
    counted(&mut page, "writes", &proof.writes);
    counted(&mut page, "faults", &proof.faults);
    coverage(&mut page, proof);
    planted(&mut page, bugs);
    page
}

fn counted(page: &mut String, what: &str, counts: &std::collections::BTreeMap<&'static str, u64>) {
    let _ = write!(page, "| {what} | count |\n|---|---:|\n");
    for (what, count) in counts {
        let _ = writeln!(page, "| {what} | {count} |");
    }
    page.push('\n');
}

fn coverage(page: &mut String, proof: &Proof) {
    let fates = proof.fates();
    page.push_str("## Which fate met which step\n\n| step |");
    fates.iter().for_each(|fate| page.push_str(&format!(" {fate} |")));
    page.push_str("\n|---|");
    fates.iter().for_each(|_| page.push_str("---:|"));
    page.push('\n');
    for (step, met) in &proof.coverage {
        let _ = write!(page, "| {step} |");
        for fate in &fates {
            match met.get(fate) {
                Some(count) => page.push_str(&format!(" {count} |")),
                None => page.push_str(" |"),
            }
        }
        page.push('\n');
    }
}

fn planted(page: &mut String, bugs: &[PlantedBug]) {
    page.push_str(PLANTED);
    for bug in bugs {
        let PlantedBug { name, story, seed: _, laws, how } = bug;
        let seed = bug.shown_seed();
        let law = |law: &u8| {
            if *law == 0 { "none: the life could not be lived".to_owned() } else { law.to_string() }
        };
        let laws = laws.iter().map(law).collect::<Vec<_>>().join(", ");
        let how = how.as_deref().unwrap_or_default().replace('|', "\\|");
        let _ = writeln!(page, "| `{name}` | {story} | {seed} | {laws} | {how} |");
    }
}

const PLANTED: &str = "
## Planted bugs

A proof that cannot fail proves nothing. Each of these bugs was planted in an engine, in its settings or in a client, and a
seed was looked for that catches it; where none is named, none of those tried so far did, which says as much about how few were tried
as about the laws. The laws named are those that it broke there; `prove --plants` checks
that it is *not* caught at that seed where they do not count. `./test` looks at all of it again. Bugs can be planted only in builds with the feature `planted`, which
refuses to be built without debug assertions.

| bug | what is wrong | seed | law | how it shows |
|---|---|---:|---|---|
";
