//! A population that looks like life: customers of many countries with odd names, suppliers and banks between them,
//! bulk jobs that stamped hundreds of rows at once. Beside it: odd names, families, late commits, what salespeople made
//! of the same companies in Pipedrive, documents; each with the truth for later checks and with its own randomness.

mod companies;
mod countries;
mod details;
mod families;
mod late;
mod oddities;
mod sales;
mod stamps;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fusion::{Edit, FusionSim};
pub(crate) use companies::Companies;
pub use details::Details;
pub use families::{Family, Relation, Tree, families};
pub use late::{LateCommit, late_commits};
pub use oddities::{Odd, Oddity, bulk_load, oddities};
pub use sales::{SalesOrganization, enter_sales, sales};
use stamps::Stamps;

/// What [`populate`] put into the pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// The customers, by PartyId.
    pub customers: Vec<Customer>,
    /// How many parties are no customers.
    pub others: usize,
    /// Whether it was made by [`populate_crowded`].
    pub crowded: bool,
}

/// A customer: a party with a customer's usage or with an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// PartyId, 15 digits.
    pub party_id: i64,
    /// PartyNumber, unlike the PartyId.
    pub party_number: String,
    /// OrganizationName, up to 360 characters, not unique.
    pub name: String,
    /// AccountNumbers: none, one, or up to three.
    pub accounts: Vec<String>,
    /// What it was entered with.
    pub details: Details,
}

/// Usages of parties that are no customers.
const OTHER_USAGES: [Option<&str>; 6] =
    [Some("SUPPLIER"), Some("SUPPLIER"), Some("BANK"), Some("BANK_BRANCH"), Some("TAX_AUTHORITY"), None];

/// Who created and changed things.
const USERS: [&str; 5] = ["maria.silva", "j.tamm", "FUSION_APPS_CRM_SOA_APPID", "aiko.tanaka", "FBDI_IMPORT"];

/// Fills the pod with exactly `customers` active customers and about 15 % other parties, stamped within the two years
/// before `end`. The same arguments give the same population.
pub fn populate(sim: &FusionSim, customers: usize, seed: u64, end: Timestamp) -> Truth {
    fill(sim, customers, seed, end, false)
}

/// The same, but more companies of one country and town share their names than life has it.
pub fn populate_crowded(sim: &FusionSim, customers: usize, seed: u64, end: Timestamp) -> Truth {
    fill(sim, customers, seed, end, true)
}

fn fill(sim: &FusionSim, customers: usize, seed: u64, end: Timestamp, crowded: bool) -> Truth {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut companies = Companies::among(rng.fork(), crowded);
    let mut stamps = Stamps::new(rng.fork(), customers, end);
    let mut truth = Truth { crowded, ..Truth::default() };
    for made in 0..customers {
        let usage = match rng.u32(..100) {
            0..70 => "CUSTOMER",
            70..90 => "EXTERNAL_LEGAL_ENTITY",
            90..96 => "SALES_ACCOUNT",
            _ => "SUPPLIER",
        };
        let by_usage = matches!(usage, "CUSTOMER" | "EXTERNAL_LEGAL_ENTITY");
        let accounts = match rng.u32(..100) {
            0..6 if by_usage => 0,
            0..82 => 1,
            82..95 => 2,
            _ => 3,
        };
        let mut company = companies.next();
        company["PartyUsageCode"] = json!(usage);
        if let Some(customer) = add(sim, &company, accounts, &mut rng, &mut stamps) {
            truth.customers.push(customer);
        }
        if (made + 1) * 15 / 100 > truth.others {
            let mut company = companies.next();
            company["PartyUsageCode"] = json!(rng.choice(OTHER_USAGES).flatten());
            truth.others += usize::from(add(sim, &company, 0, &mut rng, &mut stamps).is_some());
        }
    }
    truth
}

/// Adds a party with its accounts. `None` only if the pod refuses a generated party.
fn add(
    sim: &FusionSim,
    company: &Value,
    accounts: usize,
    rng: &mut fastrand::Rng,
    stamps: &mut Stamps,
) -> Option<Customer> {
    let user = |rng: &mut fastrand::Rng| rng.choice(USERS).unwrap_or_default();
    let (created, updated) = stamps.next();
    let party_id = sim.add_party(Edit::set(company.clone()).by(user(rng)).stamped(created)).ok()?;
    if updated > created {
        sim.edit_party(party_id, &Edit::default().by(user(rng)).stamped(updated)).ok()?;
    }
    let mut numbers = Vec::new();
    for _ in 0..accounts {
        let (created, updated) = stamps.next();
        let tax = company["TaxpayerIdentificationNumber"].as_str().map(|number| format!("{number}-VAT"));
        let open = f64::from(rng.u32(..2_000_000)) / 100.0;
        let values = json!({"TaxRegistrationNumber": tax, "TotalOpenReceivablesForAccount": open});
        let account = sim.add_account(party_id, Edit::set(values).by(user(rng)).stamped(created)).ok()?;
        if updated > created {
            sim.edit_account(account, &Edit::default().by(user(rng)).stamped(updated)).ok()?;
        }
        numbers.push(sim.account_number(account)?);
    }
    let party_number = sim.party_number(party_id)?;
    let name = company["OrganizationName"].as_str()?.to_owned();
    Some(Customer { party_id, party_number, name, accounts: numbers, details: Details::of(company) })
}
