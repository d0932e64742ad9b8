//! Late commits: rows stamped at one time and visible minutes later (section 8, commit skew).

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Companies, Truth, USERS};
use crate::fusion::{Edit, FusionSim};

/// A change that nobody sees for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct LateCommit {
    /// The party that is changed or entered.
    pub party_id: i64,
    /// Whether the party itself is entered so, as a new customer.
    pub entered: bool,
    /// LastUpdateDate.
    pub stamp: Timestamp,
    /// When it can be seen first.
    pub visible: Timestamp,
    /// The attribute and its value.
    pub set: (&'static str, Value),
}

/// The longest time that a transaction stays open, in seconds.
const LONGEST: i64 = 15 * 60;

/// Edits about this share of the customers, each once: stamped at some time in the window and visible from 2 seconds to 15
/// minutes after. A third of them belongs to one long job, with one stamp and one time of commit; one in ten is a new
/// customer. By the time of commit; the same arguments give the same edits.
pub fn late_commits(
    sim: &FusionSim,
    truth: &Truth,
    share: f64,
    seed: u64,
    window: Range<Timestamp>,
) -> Vec<LateCommit> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x1a7e);
    let mut companies = Companies::new(rng.fork());
    let wanted = (truth.customers.len() as f64 * share).round() as usize;
    let mut parties: Vec<i64> = truth.customers.iter().map(|customer| customer.party_id).collect();
    rng.shuffle(&mut parties);
    let length = window.end.duration_since(window.start).as_micros();
    let length = i64::try_from(length).unwrap_or(i64::MAX).max(1);
    let moment = |rng: &mut fastrand::Rng, longest: i64| {
        let stamp = later(window.start, SignedDuration::from_micros(rng.i64(0..length)));
        (stamp, SignedDuration::from_secs(rng.i64(2..=longest)))
    };
    let (job_stamp, _) = moment(&mut rng, LONGEST);
    let job_late = SignedDuration::from_secs(rng.i64(LONGEST / 2..=LONGEST));
    let mut commits = Vec::new();
    for (at, party) in parties.into_iter().take(wanted).enumerate() {
        let job = at % 3 == 0;
        let (stamp, late) = if job { (job_stamp, job_late) } else { moment(&mut rng, LONGEST) };
        let by = if job { "FBDI_IMPORT" } else { rng.choice(USERS).unwrap_or_default() };
        let entered = at % 10 == 9;
        let (attribute, value, party) = if entered {
            let mut company = companies.next();
            company["PartyUsageCode"] = json!("CUSTOMER");
            let name = company["OrganizationName"].clone();
            let edit = Edit::set(company).by(by).stamped(stamp).visible_after(late);
            ("OrganizationName", name, sim.add_party(edit).ok())
        } else {
            let (attribute, value) = match rng.u8(..3) {
                0 => ("RawPhoneNumber", json!(companies.new_phone())),
                1 => ("URL", json!(format!("https://late{}.example", rng.u32(..)))),
                _ => ("EmailAddress", json!(format!("late{}@office.example", rng.u32(..)))),
            };
            let edit = Edit::set(json!({attribute: value})).by(by).stamped(stamp).visible_after(late);
            (attribute, value, sim.edit_party(party, &edit).ok().map(|()| party))
        };
        let commit = |party_id| LateCommit {
            party_id,
            entered,
            stamp,
            visible: later(stamp, late),
            set: (attribute, value),
        };
        commits.extend(party.map(commit));
    }
    commits.sort_by_key(|commit| (commit.visible, commit.party_id));
    commits
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}
