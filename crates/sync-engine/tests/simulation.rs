//! The simulation itself: repeatable, and able to fail. Thousands of seeds are lived by `ml-connector prove`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sync_engine::simulation::{Bug, Failure, Report, Trial, live};

fn life(trial: &Trial) -> Result<Report, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("life.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(live(trial, &url))
}

/// A bug that is planted, where law 2 itself does not count: what is looked for is what the worlds show.
fn planted(seed: u64, bug: &str) -> Trial {
    Trial::of(seed).planted(Bug::named(bug).unwrap()).without(2)
}

#[test]
fn the_same_seed_lives_the_same_life() {
    // 16, 19, 37 and 40 were not: webhooks about deals came while the database was at work.
    for seed in (1..=12).chain([16, 19, 37, 40]) {
        let (first, second) = (life(&Trial::of(seed)).unwrap(), life(&Trial::of(seed)).unwrap());
        let differs = first.story.iter().zip(&second.story).position(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed} is not repeatable");
        assert_eq!(first, second, "seed {seed}");
    }
}

/// Seeds that once broke a law. A seed's life changes with the simulation, so each names what it was about.
#[test]
fn seeds_of_the_past() {
    // 150: law 3, an update lost after its effect within the second of a person's edit.
    // 1945: law 3, a lagging list took back what an answer had said in the same second.
    // 365: law 8, a circle of parents that was closed while the organization of one of them was gone.
    // 1239: law 4, a relation that a person made while ours was in doubt was taken for ours.
    // 5: a won deal of an organization that is not there was read every second for ever.
    // 23: somebody was asked for the business unit of a deal that was gone.
    // 119: law 8, a question that a list had raised that lagged stayed when the list had caught up.
    // 123: law 8, a relation was refused because the parent was gone, and the question about it stayed.
    // 131: law 2, a first write that did not happen counted as a beginning, and its deal was not looked at again.
    // 138: law 2, a list that lagged showed a deal as won that was open again, and that was ground enough for a write.
    // 177: law 8, an organization that a handover found gone was not told to its customer.
    // 208: a refused write that a person let retry was repeated without end.
    // 36: law 8, an organization that was taken for gone came back, and neither its daughters nor its question heard of it.
    // 411: law 8, a pair made by a handover told no relatives.
    // 474: law 8, what a person made of a deal was in the answer to our own write, taken for known, and looked at by nobody.
    // 516: law 8, a deal that was deleted could not be told how it stands, and its owner's activity stayed open.
    // 1048: law 1, a person on the deals of two organizations was made twice, because the ERP's search did not show the first yet.
    // 1171, 1538: law 5, reading a record again made a customer due, and it was told how it stands all the same.
    // 41: law 8, a document stayed on another company's deal when its customer got its organization.
    // 272: law 1, a note that was made again after a person deleted it was made a third time when its answer was lost.
    // 104: law 4, what a person wrote into a note that was lost was written over though its documents were the same.
    // 12, 65: law 8, whoever belongs to an organization that the telling of a handover found gone did not hear of it.
    // 464: law 2, what a survey's list of deals showed was taken for read just now.
    // 1155: law 8, the daughter of an organization that was gone did not hear of it while a write to that one was in doubt.
    // 2620: law 1, a party was created for an organization that sales merged a customer's into while the answer was lost, and got
    // another one.
    // 8874: law 8, a deal that moved was no longer told how it stands, because the organization before had said the same.
    // 19665: law 8, a process that had just started told before it knew names, and took a customer that was complete for one under way.
    // 22745: law 8, five failures of the CRM in a row left a deal untold for a day.
    // 23445: law 5, that only the reserve was left for reading a refused record again was told to nobody.
    // 25951: law 8, half a customer of an organization that was merged into another one was taken for somebody else's, and not finished.
    let seeds = [
        3, 5, 10, 12, 23, 36, 41, 65, 92, 104, 119, 123, 131, 138, 150, 177, 193, 208, 249, 272, 290, 365,
        411, 464, 474, 516, 1048, 1155, 1171, 1239, 1538, 1945, 2620, 8874, 19665, 22745, 23445, 25951,
    ];
    for seed in seeds {
        life(&Trial::of(seed)).unwrap_or_else(|broken| panic!("{broken}"));
    }
}

#[test]
fn creates_without_intents_are_caught_by_what_the_worlds_show() {
    let lives = (1..=50).filter_map(|seed| life(&planted(seed, "no-intent")).err());
    // An update that nobody remembers may be written a third time, too; what is looked for here are the duplicates.
    let mut caught = lives.inspect(|broken| {
        assert!(broken.violations.iter().all(|violation| [1, 3].contains(&violation.law)), "{broken}");
    });
    assert!(caught.any(|broken| broken.violations.iter().any(|violation| violation.law == 1)));
}

/// Lives that create customers in the ERP, and in which an answer is lost at the wrong moment.
#[test]
fn pieces_without_intents_are_caught_by_what_the_erp_shows() {
    let mut caught = [51, 54, 142].into_iter().filter_map(|seed| life(&planted(seed, "no-erp-intent")).err());
    let broken = caught.next().expect("a duplicate");
    assert!(broken.violations.iter().all(|violation| violation.law == 1), "{broken}");
}
