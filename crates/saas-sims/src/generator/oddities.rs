//! Names that break programs: one customer for each kind (sections 1.1 and 8: 360 characters, not unique).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::stamps::Stamps;
use super::{Companies, Customer, add};
use crate::fusion::FusionSim;

/// What is odd about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odd {
    /// Hebrew or Arabic with marks that turn the direction of writing.
    RightToLeftMarks,
    /// Right to left and left to right in one name, with digits.
    MixedDirection,
    /// Joiners, non-joiners, soft hyphens and spaces without width.
    Invisible,
    /// Letters of full and half width, ligatures, letters of mathematics.
    Compatibility,
    /// The same letters as two sequences of characters; the second one of the pair is composed.
    Decomposed,
    /// Another customer's name with look-alike letters of other scripts.
    Homoglyph,
    /// Letters beyond the basic plane, and signs put together from several.
    Astral,
    /// Exactly 255, 256, 359 or 360 characters.
    Border,
    /// Quotes, backslashes, angle brackets, percent signs: what other languages read as code.
    Code,
    /// Spaces of several kinds in a row.
    Spaces,
    /// A name that looks like a number, a boolean, a date or nothing.
    LooksLikeAValue,
    /// Differs from another customer's name by case only, in languages with their own rules.
    CaseTwin,
    /// One character.
    Short,
}

/// An odd customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Oddity {
    /// What is odd.
    pub odd: Odd,
    /// The customer.
    pub customer: Customer,
}

const NAMES: [(Odd, &str); 36] = [
    (Odd::RightToLeftMarks, "\u{200f}אור תעשיות בע\"מ\u{200f}"),
    (Odd::RightToLeftMarks, "\u{202b}شركة النور للتجارة\u{202c}"),
    (Odd::RightToLeftMarks, "\u{2067}מזון הגליל\u{2069} Export"),
    (Odd::MixedDirection, "شركة Acme 2000 للتجارة (KSA)"),
    (Odd::MixedDirection, "תוכנה R&D 3.5 בע\"מ"),
    (Odd::MixedDirection, "Levi \u{200e}לוי\u{200e} & Sons 1948"),
    (Odd::Invisible, "Acme\u{200b}Widgets\u{ad}fabrik GmbH"),
    (Odd::Invisible, "क्\u{200d}ष उद्योग Pvt. Ltd."),
    (Odd::Invisible, "می\u{200c}خواهم Trading \u{feff}FZE"),
    (Odd::Compatibility, "ＡＣＭＥ　Ｔｒａｄｉｎｇ"),
    (Odd::Compatibility, "ﾔﾏﾀﾞ電機㈱"),
    (Odd::Compatibility, "Oﬃce ﬁnance № ① 𝔊mbH"),
    (Odd::Decomposed, "Mu\u{308}ller A\u{30a}kesson AB"),
    (Odd::Decomposed, "Müller Åkesson AB"),
    (Odd::Decomposed, "비\u{1112}\u{1161}\u{11ab} 전자"),
    (Odd::Homoglyph, "Paypal Operations S.A."),
    (Odd::Homoglyph, "Раураl Operations S.A."),
    (Odd::Homoglyph, "Pаypаl Οperations S.A."),
    (Odd::Astral, "👨\u{200d}👩\u{200d}👧 Family Care 🇫🇮 Oy"),
    (Odd::Astral, "𠮷野家 𪚥株式会社"),
    (Odd::Code, "O'Brien \"Q\" \\ Söhne; DROP TABLE x--"),
    (Odd::Code, "<b>Bold</b> & <script>Co</script> {{7*7}}"),
    (Odd::Code, "100% Natural %20 _x_ ${HOME} #1 = a|b"),
    (Odd::Code, "'"),
    (Odd::Spaces, "Two  Spaces\u{a0}\u{2003}Three\u{3000}Ltd"),
    (Odd::Spaces, "Tab\tand\u{2009}Thin Ltd"),
    (Odd::LooksLikeAValue, "null"),
    (Odd::LooksLikeAValue, "true"),
    (Odd::LooksLikeAValue, "007"),
    (Odd::LooksLikeAValue, "1e6"),
    (Odd::LooksLikeAValue, "2026-03-02"),
    (Odd::CaseTwin, "Straßenbau Weiß İZMİR"),
    (Odd::CaseTwin, "STRASSENBAU WEISS izmir"),
    (Odd::CaseTwin, "ΟΔΟΣ ΣΟΦΟΣ Α.Ε."),
    (Odd::Short, "X"),
    (Odd::Short, "牛"),
];

const BORDERS: [usize; 4] = [255, 256, 359, 360];

/// Enters one customer for each odd name, stamped within the two years before `end`. The same arguments give the same
/// customers; what [`super::populate`] made stays as it is.
pub fn oddities(sim: &FusionSim, seed: u64, end: Timestamp) -> Vec<Oddity> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x0dd1);
    let mut stamps = Stamps::new(rng.fork(), NAMES.len(), end);
    let mut entered = Vec::new();
    let fixed = NAMES.into_iter().map(|(odd, name)| (odd, name.to_owned()));
    let borders = BORDERS.into_iter().map(|length| (Odd::Border, of_length(length)));
    for (odd, name) in fixed.chain(borders) {
        let company = json!({
            "OrganizationName": name, "PartyUsageCode": "CUSTOMER", "Country": "FI", "City": "Espoo",
            "CurrencyCode": "EUR", "URL": format!("https://www.odd{}.example", rng.u32(..100_000)),
        });
        let accounts = rng.usize(1..=2);
        if let Some(customer) = add(sim, &company, accounts, &mut rng, &mut stamps) {
            entered.push(Oddity { odd, customer });
        }
    }
    entered
}

/// Enters `rows` customers as a bulk load does: all with one stamp to the microsecond, `ago` before `end`. They have
/// names in a row and one account each.
pub fn bulk_load(
    sim: &FusionSim,
    rows: usize,
    seed: u64,
    end: Timestamp,
    ago: SignedDuration,
) -> Vec<Customer> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0xb01d);
    let micros = SignedDuration::from_micros(rng.i64(0..1_000_000));
    let at = end.checked_sub(ago).and_then(|at| at.checked_add(micros)).unwrap_or(end);
    let mut companies = Companies::new(rng.fork());
    let mut stamps = Stamps::standing(rng.fork(), at);
    let mut loaded = Vec::new();
    for _ in 0..rows {
        let mut company = companies.next();
        company["PartyUsageCode"] = json!("CUSTOMER");
        loaded.extend(add(sim, &company, 1, &mut rng, &mut stamps));
    }
    loaded
}

/// A name of that many characters, the last three of three bytes each.
fn of_length(length: usize) -> String {
    let words = "Consortium für Wärme und Kälte ".chars().cycle();
    words.take(length - 3).chain("株式社".chars()).collect()
}
