//! People at work in both systems: one plausible edit at a time, of deals only where there are any.

use serde_json::{Map, Value, json};

use crate::fusion::{Edit, FusionSim};
use crate::generator::Companies;
use crate::pipedrive::PipedriveSim;

/// Users of Fusion who edit.
const CLERKS: [&str; 3] = ["maria.silva", "j.tamm", "aiko.tanaka"];

/// People who edit customers in Fusion and organizations in Pipedrive.
pub struct People {
    rng: fastrand::Rng,
    companies: Companies,
    fusion: FusionSim,
    pipedrive: PipedriveSim,
}

impl People {
    /// The same seed and the same worlds give the same edits.
    pub fn new(seed: u64, fusion: FusionSim, pipedrive: PipedriveSim) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let companies = Companies::new(rng.fork());
        Self { rng, companies, fusion, pipedrive }
    }

    /// Makes one edit and says in a sentence what it was.
    pub fn act(&mut self) -> String {
        let organizations =
            if self.rng.u32(..100) < 30 { self.pipedrive.organization_ids() } else { Vec::new() };
        let outcome = match self.rng.choice(organizations) {
            // Only where there are deals is chance asked for them: worlds without deals stay as they were.
            Some(_) if self.pipedrive.has_deals() && self.rng.bool() => self.work_on_deal(),
            Some(id) => self.edit_organization(id),
            None => self.edit_customer(),
        };
        outcome.unwrap_or_else(|why| format!("Somebody tried an edit that was refused: {why}."))
    }

    fn edit_customer(&mut self) -> Result<String, String> {
        let user = self.rng.choice(CLERKS).unwrap_or_default();
        let active = self.fusion.customer_ids();
        let Some(party) = self.rng.choice(active) else { return self.new_customer(user) };
        let values = self.fusion.party(party).unwrap_or_default();
        let name = values["OrganizationName"].as_str().unwrap_or_default().to_owned();
        let number = values["PartyNumber"].as_str().unwrap_or_default().to_owned();
        if values["Status"] == "I" {
            self.fusion.edit_party(party, &Edit::set(json!({"Status": "A"})).by(user))?;
            return Ok(format!("{user} reactivated customer {number} ({name}) in Fusion."));
        }
        let did = match self.rng.u32(..100) {
            0..25 => {
                let renamed = format!(
                    "{} {}",
                    name.chars().take(340).collect::<String>(),
                    self.rng.choice(["Group", "Europe", "II", "Neu", "日本"]).unwrap_or_default()
                );
                self.fusion.edit_party(party, &Edit::set(json!({"OrganizationName": renamed})).by(user))?;
                format!("renamed customer {number} from {name} to {renamed}")
            }
            25..50 => {
                let address = self
                    .companies
                    .new_address()
                    .into_iter()
                    .map(|(attribute, value)| (attribute.to_owned(), json!(value)));
                let address: Map<String, Value> = address.collect();
                let city = address["City"].as_str().unwrap_or_default().to_owned();
                self.fusion.edit_party(party, &Edit::set(Value::Object(address)).by(user))?;
                format!("moved customer {number} ({name}) to {city}")
            }
            50..75 => {
                let phone = self.companies.new_phone();
                self.fusion.edit_party(party, &Edit::set(json!({"RawPhoneNumber": phone})).by(user))?;
                format!("gave customer {number} ({name}) the telephone number {phone}")
            }
            75..87 => {
                let account = self.fusion.add_account(party, Edit::set(json!({})).by(user))?;
                let account = self.fusion.account(account).unwrap_or_default();
                format!(
                    "opened account {} for customer {number} ({name})",
                    account["AccountNumber"].as_str().unwrap_or_default()
                )
            }
            87..98 => return self.new_customer(user),
            _ => {
                self.fusion.edit_party(party, &Edit::set(json!({"Status": "I"})).by(user))?;
                format!("inactivated customer {number} ({name})")
            }
        };
        Ok(format!("{user} {did} in Fusion."))
    }

    fn new_customer(&mut self, user: &str) -> Result<String, String> {
        let mut company = self.companies.next();
        company["PartyUsageCode"] = json!("CUSTOMER");
        let name = company["OrganizationName"].as_str().unwrap_or_default().to_owned();
        let party = self.fusion.add_party(Edit::set(company).by(user))?;
        let number = self.fusion.party(party).unwrap_or_default()["PartyNumber"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let account = if self.rng.u32(..10) < 9 {
            self.fusion.add_account(party, Edit::set(json!({})).by(user))?;
            "with an account"
        } else {
            "without an account"
        };
        Ok(format!("{user} entered the new customer {number} ({name}) {account} in Fusion."))
    }

    fn edit_organization(&mut self, id: i64) -> Result<String, String> {
        let name = self.pipedrive.organization(id).map(|organization| organization.name).unwrap_or_default();
        let (body, what) = match self.rng.u32(..3) {
            0 => {
                let label = self.rng.choice([5, 6, 7, 8]).unwrap_or(5);
                (json!({"label_ids": [label]}), format!("labelled it {label}"))
            }
            1 => {
                let owner = self.rng.choice(self.pipedrive.settings().users()).unwrap_or_default();
                (json!({"owner_id": owner}), format!("gave it to user {owner}"))
            }
            _ => {
                let website = format!("https://www.site{}.example", self.rng.u32(..100_000));
                (json!({"website": website}), format!("set its website to {website}"))
            }
        };
        self.pipedrive.edit_as_person(id, &body)?;
        Ok(format!("A salesperson opened organization {id} ({name}) in Pipedrive and {what}."))
    }

    fn work_on_deal(&mut self) -> Result<String, String> {
        let open = self.pipedrive.deal_ids();
        let deal = self.rng.choice(open).and_then(|id| self.pipedrive.deal(id));
        let deal = deal.ok_or("all deals are archived or deleted")?;
        let (id, title) = (deal.id, deal.title);
        let what = match (deal.status, self.rng.u32(..4)) {
            ("open", 0) => {
                self.pipedrive.win_deal(id)?;
                "won it".to_owned()
            }
            ("open", 1) => {
                self.pipedrive.lose_deal(id, "Too expensive")?;
                "lost it".to_owned()
            }
            ("won" | "lost", 0) => {
                self.pipedrive.reopen_deal(id)?;
                "opened it again".to_owned()
            }
            _ => {
                let value = self.rng.u32(100..1_000_000);
                self.pipedrive.edit_deal(id, &json!({"value": f64::from(value) / 100.0}))?;
                format!("valued it at {value} hundredths")
            }
        };
        Ok(format!("A salesperson opened deal {id} ({title}) in Pipedrive and {what}."))
    }
}
