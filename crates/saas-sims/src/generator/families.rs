//! Families: companies that belong to each other (section 1.2, Relationship), and what else stands below a party.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Companies, Truth, USERS};
use crate::fusion::{Edit, FusionSim};

/// What is special about a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// A parent, two daughters, and two daughters of a daughter.
    ThreeLevels,
    /// The daughter was entered before its parent: its PartyId is smaller.
    DaughterFirst,
    /// The parent is a supplier and no customer.
    ParentIsNoCustomer,
    /// The daughter was sold: one relationship has ended, another one is in force.
    Sold,
    /// Three parties in a circle, by mistake.
    Cycle,
    /// A joint venture of two parents.
    TwoParents,
}

/// All of them; the last two occur once, the others again and again.
const TREES: [Tree; 6] = [
    Tree::ThreeLevels,
    Tree::DaughterFirst,
    Tree::ParentIsNoCustomer,
    Tree::Sold,
    Tree::Cycle,
    Tree::TwoParents,
];

/// A family.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// What is special about it.
    pub tree: Tree,
    /// PartyIds of its members that are customers; the highest parent first.
    pub members: Vec<i64>,
    /// Its relationships, in the order of their entry.
    pub relations: Vec<Relation>,
}

/// One relationship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// RelationshipId.
    pub id: i64,
    /// PartyId of the daughter.
    pub daughter: i64,
    /// PartyId of the parent, who may be no customer.
    pub parent: i64,
    /// Whether it has ended: Status I and an EndDate in the past.
    pub ended: bool,
}

impl Tree {
    /// How many customers it needs.
    fn size(self) -> usize {
        match self {
            Self::ThreeLevels => 5,
            Self::DaughterFirst => 2,
            Self::ParentIsNoCustomer => 2,
            Self::Sold | Self::Cycle | Self::TwoParents => 3,
        }
    }

    /// Daughter and parent of each relationship, as places among the members, and whether it has ended. The place after
    /// the last one is the supplier's.
    fn relations(self) -> &'static [(usize, usize, bool)] {
        match self {
            Self::ThreeLevels => &[(3, 1, false), (1, 0, false), (2, 0, false), (4, 1, false)],
            Self::DaughterFirst => &[(1, 0, false)],
            Self::ParentIsNoCustomer => &[(0, 2, false), (1, 2, false)],
            Self::Sold => &[(2, 0, true), (2, 1, false)],
            Self::Cycle => &[(1, 0, false), (2, 1, false), (0, 2, false)],
            Self::TwoParents => &[(2, 0, false), (2, 1, false)],
        }
    }
}

/// Makes families of about this share of the customers, where possible of such that share the first word of their
/// names, each tree at least once if there are enough; and enters more addresses, contact points and references of other
/// systems for some of them. The same arguments give the same families.
pub fn families(sim: &FusionSim, truth: &Truth, share: f64, seed: u64) -> Vec<Family> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0xfa41);
    let mut office = Office { sim, companies: Companies::new(rng.fork()), rng };
    let mut relatives = relatives(truth, &mut office.rng);
    let wanted = (truth.customers.len() as f64 * share).round() as usize;
    let mut families = Vec::new();
    let mut used = 0;
    let again = TREES.iter().take(4).cycle();
    for tree in TREES.iter().chain(again) {
        let every_tree = families.len() >= TREES.len();
        if (every_tree && used >= wanted) || relatives.len() < tree.size() || wanted == 0 {
            break;
        }
        let members = relatives.split_off(relatives.len() - tree.size());
        used += members.len();
        families.extend(office.found(*tree, members));
    }
    families
}

/// PartyIds such that those with one first word of their names are neighbours.
fn relatives(truth: &Truth, rng: &mut fastrand::Rng) -> Vec<i64> {
    let mut named: Vec<(&str, u64, i64)> = truth
        .customers
        .iter()
        .map(|customer| {
            let first = customer.name.split([' ', '\u{a0}']).find(|word| word.chars().count() > 3);
            (first.unwrap_or_default(), rng.u64(..), customer.party_id)
        })
        .collect();
    named.sort_unstable();
    // Words that only one has come first, so that they are used last.
    let lonely = |at: usize| {
        let word = |at: Option<usize>| at.and_then(|at| named.get(at)).map(|(word, ..)| *word);
        let own = word(Some(at));
        word(at.checked_sub(1)) != own && word(Some(at + 1)) != own
    };
    let (alone, together): (Vec<usize>, Vec<usize>) = (0..named.len()).partition(|at| lonely(*at));
    alone.into_iter().chain(together).filter_map(|at| named.get(at)).map(|(.., id)| *id).collect()
}

struct Office<'a> {
    sim: &'a FusionSim,
    companies: Companies,
    rng: fastrand::Rng,
}

impl Office<'_> {
    /// `None` only if the pod refuses a party that it has.
    fn found(&mut self, tree: Tree, members: Vec<i64>) -> Option<Family> {
        let mut members = members;
        // Parents are entered first, but for the tree that is about this.
        members.sort_unstable();
        if tree == Tree::DaughterFirst {
            members.reverse();
        }
        let mut places = members.clone();
        if tree == Tree::ParentIsNoCustomer {
            places.push(self.supplier()?);
        }
        let mut relations = Vec::new();
        for (daughter, parent, ended) in tree.relations() {
            let (daughter, parent) = (*places.get(*daughter)?, *places.get(*parent)?);
            let since = self.ago(200, 900);
            let start = day(since);
            let edit = Edit::set(json!({"StartDate": start})).by(self.user()).stamped(since);
            let id = self.sim.relate(daughter, parent, &edit).ok()?;
            if *ended {
                let until = self.ago(20, 190);
                let end = Edit::set(json!({"Status": "I", "EndDate": day(until)}));
                self.sim.change_relation(id, &end.by(self.user()).stamped(until)).ok()?;
            }
            relations.push(Relation { id, daughter, parent, ended: *ended });
        }
        for party in &members {
            self.furnish(*party)?;
        }
        Some(Family { tree, members, relations })
    }

    fn supplier(&mut self) -> Option<i64> {
        let mut company = self.companies.next();
        company["PartyUsageCode"] = json!("SUPPLIER");
        let at = self.ago(900, 1000);
        self.sim.add_party(Edit::set(company).by(self.user()).stamped(at)).ok()
    }

    /// More rows below a party, for some.
    fn furnish(&mut self, party: i64) -> Option<()> {
        for _ in 0..self.rng.choice([0, 0, 1, 2]).unwrap_or_default() {
            let parts = self.companies.new_address().into_iter();
            let mut address: serde_json::Map<_, _> =
                parts.filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect();
            let kind = self.rng.choice(["SHIP_TO", "BILL_TO", "SELL_TO"]);
            address.insert("AddressType".to_owned(), json!(kind));
            self.add(party, "Address", json!(address))?;
        }
        if self.rng.u8(..2) == 0 {
            let phone = self.companies.new_phone();
            let purpose = self.rng.choice(["BUSINESS", "COLLECTIONS"]);
            let values =
                json!({"ContactPointType": "PHONE", "RawPhoneNumber": phone, "PhonePurpose": purpose});
            self.add(party, "ContactPoint", values)?;
        }
        if self.rng.u8(..2) == 0 {
            let email = format!("invoices{}@group.example", self.rng.u32(..10_000));
            self.add(party, "ContactPoint", json!({"ContactPointType": "EMAIL", "EmailAddress": email}))?;
        }
        if self.rng.u8(..3) == 0 {
            let system = self.rng.choice(["SAP_R3", "EBSR11", "SALESFORCE"]);
            let value = format!("{:010}", self.rng.u32(..));
            let values = json!({"SourceSystem": system, "SourceSystemReferenceValue": value});
            self.add(party, "SourceSystemReference", values)?;
        }
        Some(())
    }

    fn add(&mut self, party: i64, name: &str, values: serde_json::Value) -> Option<i64> {
        let at = self.ago(5, 600);
        self.sim.add_child(party, name, Edit::set(values).by(self.user()).stamped(at)).ok()
    }

    fn user(&mut self) -> &'static str {
        self.rng.choice(USERS).unwrap_or_default()
    }

    /// Between so many days before the pod's time.
    fn ago(&mut self, fewest: i64, most: i64) -> Timestamp {
        let now = self.sim.clock().now();
        let ago = SignedDuration::from_micros(self.rng.i64(fewest * 86_400_000_000..most * 86_400_000_000));
        now.checked_sub(ago).unwrap_or(now)
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
