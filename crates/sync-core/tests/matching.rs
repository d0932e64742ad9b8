//! Comparing companies: who is asked about whom does not matter, and no name is too strange.

use proptest::{
    prelude::{Strategy, any, proptest},
    prop_assert, prop_assert_eq,
    sample::select,
};
use sync_core::{
    matching::{Company, Profile, compare},
    value::PostalAddress,
};

/// Words that are easily taken for one another.
const WORDS: [&str; 16] = [
    "Trading", "Tradding", "Tradin", "Sud", "Süd", "Martha", "Marhta", "Acme", "Асmе", "GmbH", "AG", "Ltd.",
    "华信", "化新", "1", "2",
];

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(select(&WORDS[..]), 1..6).prop_map(|words| words.join(" "))
}

/// One of a few, or nothing.
fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    proptest::option::of(select(of)).prop_map(|found| found.map(str::to_owned).into_iter().collect())
}

fn company() -> impl Strategy<Value = Company> {
    let told = (
        some(&["DE123456789", "123456789", "DE987654321", "00000"]),
        some(&["acme.de", "https://www.acme.de/x", "bolt.co.uk", "yahoo.co.uk"]),
        some(&["a@acme.de", "b@gmx.at", "nobody"]),
        some(&["+49 89 1234567", "089 1234567", "12"]),
    );
    let place = (select(&["DE", "Germany", "FR", ""][..]), select(&["Berlin", "Paris", ""][..]));
    let names = proptest::collection::vec(name(), 0..3);
    (names, told, place).prop_map(|(names, (tax_ids, websites, emails, phones), (country, city))| {
        let line = format!("Main St 12, 3º, {city}");
        let locality = Some(city.to_owned()).filter(|city| !city.is_empty());
        let country = Some(country.to_owned()).filter(|country| !country.is_empty());
        let address = Some(PostalAddress { line, locality, country, ..PostalAddress::default() });
        Company { names, tax_ids, websites, emails, phones, address, ..Company::default() }
    })
}

proptest! {
    #[test]
    fn it_does_not_matter_who_is_compared_with_whom(ours in company(), theirs in company()) {
        let (ours, theirs) = (Profile::of(&ours), Profile::of(&theirs));
        let (there, back) = (compare(&ours, &theirs), compare(&theirs, &ours));
        prop_assert_eq!((there.points, there.name_likeness), (back.points, back.name_likeness));
    }

    #[test]
    fn everybody_is_alike_to_oneself_however_strange_the_name(company in company(), strange in any::<String>()) {
        let profile = Profile::of(&company);
        let same = compare(&profile, &profile);
        prop_assert!(same.evidence.iter().all(|piece| piece.points > 0), "{}", same.explain());
        prop_assert!(company.names.is_empty() || same.name_likeness == 100, "{}", same.explain());
        let strange = Profile::of(&Company { names: vec![strange.clone()], websites: vec![strange], ..company });
        let same = compare(&strange, &strange);
        prop_assert!(same.evidence.iter().all(|piece| piece.points > 0), "{}", same.explain());
    }
}
