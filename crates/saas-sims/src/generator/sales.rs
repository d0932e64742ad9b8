//! What salespeople made of the same companies in Pipedrive before anybody connected the two systems: shortened,
//! misspelt and reordered names, old addresses, other telephone numbers, duplicates, prospects that finance does not
//! know; with the truth.

use serde_json::json;

use super::{Companies, Customer, Details, Truth};
use crate::pipedrive::PipedriveSim;

/// An organization as sales entered it.
#[derive(Clone, Debug, PartialEq)]
pub struct SalesOrganization {
    /// Its name.
    pub name: String,
    /// The free text of its address.
    pub address: Option<String>,
    /// Town and country, where the address was geocoded.
    pub place: Option<(String, String)>,
    /// Its web site.
    pub website: Option<String>,
    /// Its tax id, in the custom field "ERP tax id".
    pub tax_id: Option<String>,
    /// Its telephone number, in the custom field "ERP phone".
    pub phone: Option<String>,
    /// PartyId of the customer that it is; none for a company that finance does not know.
    pub party: Option<i64>,
    /// Whether the same company has another organization.
    pub duplicate: bool,
}

/// The organizations of about this share of the customers, and others. The same arguments give the same organizations.
pub fn sales(truth: &Truth, share: f64, seed: u64) -> Vec<SalesOrganization> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x5a1e5);
    let mut strangers = Companies::among(rng.fork(), truth.crowded);
    let mut desk = Desk { rng };
    let mut made = Vec::new();
    for customer in &truth.customers {
        if desk.rng.f64() < share {
            let duplicate = desk.chance(3);
            made.push(desk.enter(customer, Some(customer.party_id), duplicate));
            if duplicate {
                made.push(desk.enter(customer, Some(customer.party_id), true));
            }
        }
        match desk.rng.u32(..100) {
            // A prospect, or a company that buys elsewhere.
            0..10 => {
                let company = strangers.next();
                let name = company["OrganizationName"].as_str().unwrap_or_default().to_owned();
                let stranger = Customer {
                    party_id: 0,
                    party_number: String::new(),
                    name,
                    accounts: Vec::new(),
                    details: Details::of(&company),
                };
                made.push(desk.enter(&stranger, None, false));
            }
            // Another company of the same name in another country.
            10..12 => {
                let company = strangers.next();
                let namesake = Customer { details: Details::of(&company), ..customer.clone() };
                if namesake.details.country != customer.details.country {
                    made.push(desk.enter(&namesake, None, false));
                }
            }
            // A daughter that finance does not bill: one web site and telephone, and half the name.
            12..14 => {
                let word = desk.rng.choice(["Logistics", "Service", "Finance", "Asia", "Vertrieb"]);
                let first = customer.name.split([' ', '\u{a0}']).next().unwrap_or_default();
                let name = format!("{first} {}", word.unwrap_or_default());
                // "Blue Ridge Logistics" would be itself.
                if !customer.name.contains(word.unwrap_or_default()) {
                    made.push(desk.relative(customer, name, false));
                }
            }
            // One with the whole name and a short word, and one of a group with a single tax id.
            14..15 => {
                let whole = without_form(&customer.name);
                made.push(desk.relative(customer, format!("{whole} Süd"), false));
                made.push(desk.relative(customer, format!("{whole} Real Estate"), true));
            }
            _ => {}
        }
    }
    made
}

/// Enters them into Pipedrive, the first one first; gives their ids in the same order. `tax` and `phone` are the codes of
/// the custom fields for tax id and telephone number.
///
/// # Errors
/// When Pipedrive refuses one.
pub fn enter_sales(
    sim: &PipedriveSim,
    organizations: &[SalesOrganization],
    (tax, phone): (&str, &str),
) -> Result<Vec<i64>, String> {
    let enter = |organization: &SalesOrganization| {
        let SalesOrganization { name, address, place, website, tax_id, phone: number, .. } = organization;
        let mut body = json!({
            "name": name.chars().take(255).collect::<String>(),
            "website": website,
            "custom_fields": {tax: tax_id, phone: number},
        });
        if let Some(line) = address {
            let (town, country) = place.clone().unzip();
            body["address"] = json!({"value": line, "locality": town, "country": country});
        }
        sim.create_as_person(&body)
    };
    organizations.iter().map(enter).collect()
}

/// A salesperson at work.
struct Desk {
    rng: fastrand::Rng,
}

impl Desk {
    fn enter(&mut self, customer: &Customer, party: Option<i64>, duplicate: bool) -> SalesOrganization {
        let details = &customer.details;
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let name = self.name(&customer.name);
        let website = match (details.domain(), self.rng.u32(..100)) {
            (Some(domain), 0..55) => Some(domain),
            (Some(domain), 55..85) => Some(format!("https://www.{domain}/")),
            _ => None,
        };
        let (address, place) = self.address(details);
        let phone = match (text(&details.phone), self.rng.u32(..100)) {
            (Some(phone), 0..45) => Some(phone.replace(' ', "-")),
            // Another number, or another extension of one switchboard.
            (Some(phone), 45..52) => Some(self.other_digits(&phone)),
            (Some(phone), 52..60) => Some(self.extension(&phone)),
            _ => None,
        };
        let tax_id = text(&details.tax_number).filter(|_| self.rng.u32(..100) < 25);
        SalesOrganization { name, address, place, website, tax_id, phone, party, duplicate }
    }

    /// Another company at the same place, as somebody enters it.
    fn relative(&mut self, customer: &Customer, name: String, tax: bool) -> SalesOrganization {
        let tax_number = if tax { customer.details.tax_number.clone() } else { String::new() };
        let details = Details { tax_number, ..customer.details.clone() };
        self.enter(&Customer { name, details, ..customer.clone() }, None, false)
    }

    fn name(&mut self, name: &str) -> String {
        let name = match self.rng.u32(..100) {
            0..30 => name.to_owned(),
            30..60 => without_form(name),
            60..70 => deaccented(&without_form(name)),
            70..78 => without_form(name).to_uppercase(),
            78..86 => self.misspelt(&without_form(name)),
            86..92 => reordered(&without_form(name)),
            _ => abbreviated(&without_form(name)),
        };
        if name.trim().is_empty() { "?".to_owned() } else { name }
    }

    /// Two letters swapped, one doubled, or one forgotten.
    fn misspelt(&mut self, name: &str) -> String {
        let mut letters: Vec<char> = name.chars().collect();
        if letters.len() < 6 {
            return name.to_owned();
        }
        let at = self.rng.usize(2..letters.len() - 2);
        match self.rng.u32(..3) {
            0 => letters.swap(at, at + 1),
            1 => letters.insert(at, letters[at]),
            _ => drop(letters.remove(at)),
        }
        letters.into_iter().collect()
    }

    fn address(&mut self, details: &Details) -> (Option<String>, Option<(String, String)>) {
        let Details { street, city, postal_code, country, .. } = details;
        let join = |parts: &[&String]| {
            let parts: Vec<&str> =
                parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        };
        let line = match self.rng.u32(..100) {
            0..55 => join(&[street, &format!("{postal_code} {city}").trim().to_owned(), country]),
            // Another house, more often than not in the same part of the town.
            55..75 => {
                let near = self.chance(60);
                let postal_code = if near { postal_code.clone() } else { self.other_digits(postal_code) };
                join(&[
                    &self.other_digits(street),
                    &format!("{postal_code} {city}").trim().to_owned(),
                    country,
                ])
            }
            75..90 => join(&[city, country]),
            _ => None,
        };
        let place = (line.is_some() && self.rng.u32(..100) < 60).then(|| (city.clone(), country.clone()));
        (line, place)
    }

    fn other_digits(&mut self, text: &str) -> String {
        text.chars().map(|c| if c.is_ascii_digit() { self.rng.digit(10) } else { c }).collect()
    }

    fn extension(&mut self, phone: &str) -> String {
        let digits = phone.chars().filter(char::is_ascii_digit).count();
        let mut at = 0;
        let mut other = |c: char| {
            at += usize::from(c.is_ascii_digit());
            if c.is_ascii_digit() && at + 3 > digits { self.rng.digit(10) } else { c }
        };
        phone.chars().map(&mut other).collect()
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }
}

/// Without the last word, if it looks like a legal form.
fn without_form(name: &str) -> String {
    let forms = [
        " Inc.",
        ", Inc.",
        " LLC",
        " Corp.",
        " L.P.",
        " Ltd",
        " PLC",
        " LLP",
        " Limited",
        " GmbH & Co. KG",
        " GmbH",
        " AG",
        " SE",
        " e.K.",
        " SA",
        " SARL",
        " SAS",
        " EURL",
        " Sàrl",
        " S.L.",
        " S.A.",
        " Ltda.",
        " S/A",
        " EIRELI",
        " Sp. z o.o.",
        " s.r.o.",
        " a.s.",
        " AB",
        " A/S",
        " ApS",
        " Oy",
        " Oyj",
        " Ky",
        " OÜ",
        " AS",
        " K.K.",
        " Pvt. Ltd.",
        "株式会社",
        "有限公司",
    ];
    let form = forms.iter().find(|form| name.ends_with(*form));
    form.map_or(name.to_owned(), |form| name.trim_end_matches(form).to_owned())
}

fn deaccented(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let bare = |c: &char| !matches!(c, '\u{300}'..='\u{36f}');
    name.nfd().filter(bare).collect::<String>().replace('ß', "ss").replace('Ø', "O").replace('ø', "o")
}

fn reordered(name: &str) -> String {
    match name.split_once(' ') {
        Some((first, rest)) => format!("{rest}, {first}"),
        None => name.to_owned(),
    }
}

fn abbreviated(name: &str) -> String {
    let short = [
        ("Industries", "Ind."),
        ("Engineering", "Eng."),
        ("Holdings", "Hldgs"),
        ("Brothers", "Bros"),
        (" & ", " and "),
    ];
    short.iter().fold(name.to_owned(), |name, (long, short)| name.replace(long, short))
}
