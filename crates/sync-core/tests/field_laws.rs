//! Laws that hold for every row of the field table, whatever the ERP says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jiff::Timestamp;
use proptest::prelude::*;
use sync_core::{
    fields::{Field, FieldTable, Owner, Values},
    ids::{AccountId, PartyId},
    mapping,
    model::{AccountTerms, ErpAccount, ErpCustomer, ErpParty, PartyStatus},
    text,
    value::{PostalAddress, Value, same},
};

fn stamp() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Texts as they occur: any characters, blanks of all kinds, far too long ones.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \\t\\u{a0}\\u{2003}]{0,4}[a-zäß\\u{301}\\u{5d0}\\u{627}]{0,8}[ \\n\\u{0}]{0,4}",
        "[a-z é]{250,400}",
    ]
}

/// All rows of the table, opt-in ones included.
fn every_field() -> FieldTable {
    Field::ALL.into_iter().fold(FieldTable::default(), |table, field| table.with(field, Owner::Erp))
}

prop_compose! {
    fn customers()(
        name in texts(), usage in proptest::option::of(texts()), status in 0..3, code in texts(),
        tax_id in proptest::option::of(texts()), url in proptest::option::of(texts()),
        phone in proptest::option::of(texts()), line in proptest::option::of(texts()),
        numbers in proptest::collection::vec(texts(), 0..4),
        [duns, email, currency] in [
            proptest::option::of(texts()), proptest::option::of(texts()), proptest::option::of(texts()),
        ],
        all_terms in proptest::collection::vec((proptest::option::of(texts()), proptest::option::of(texts())), 0..4),
        parents in proptest::collection::vec(texts(), 0..3),
    ) -> ErpCustomer {
        let id = PartyId(300_000_200_000_001);
        let status = match status {
            0 => PartyStatus::Active,
            1 => PartyStatus::Inactive,
            _ => PartyStatus::Other(code),
        };
        let address = line.map(|line| PostalAddress { line, ..PostalAddress::default() });
        let party = ErpParty {
            id, number: "1".into(), name, usage, status, tax_id, url, phone, duns, email, currency, address,
            attributes: Default::default(), updated_at: stamp(),
        };
        let accounts = (1..).zip(numbers)
            .map(|(id, number)| ErpAccount { id: AccountId(id), party: party.id, number, updated_at: stamp() })
            .collect();
        let terms = (1..).zip(all_terms)
            .map(|(id, (class, payment_terms))| AccountTerms { account: AccountId(id), party: PartyId(300_000_200_000_001), class, payment_terms })
            .collect();
        ErpCustomer { terms, parents, ..ErpCustomer::of(party, accounts) }
    }
}

/// The same customer as it would come back if both systems kept exactly what we map.
fn from_values(values: &Values) -> ErpCustomer {
    let text = |field| values.get(&field).map(|value| value.text().to_owned());
    let status = match text(Field::ErpStatus).as_deref() {
        Some("Active") => PartyStatus::Active,
        Some("Inactive") => PartyStatus::Inactive,
        other => PartyStatus::Other(other.unwrap_or_default().to_owned()),
    };
    let number = text(Field::AccountNumbers);
    let party = ErpParty {
        id: PartyId(300_000_200_000_001),
        number: "1".into(),
        name: text(Field::Name).unwrap_or_default(),
        usage: None,
        status,
        tax_id: text(Field::TaxId),
        url: text(Field::Website),
        phone: text(Field::Phone),
        duns: text(Field::Duns),
        email: text(Field::Email),
        currency: text(Field::Currency),
        address: text(Field::Address).map(|line| PostalAddress { line, ..PostalAddress::default() }),
        attributes: Default::default(),
        updated_at: stamp(),
    };
    let accounts = number
        .map(|number| ErpAccount { id: AccountId(1), party: party.id, number, updated_at: stamp() })
        .into_iter()
        .collect();
    let terms = AccountTerms {
        account: AccountId(1),
        party: party.id,
        class: text(Field::AccountClass),
        payment_terms: text(Field::PaymentTerms),
    };
    let parents = text(Field::Parent).into_iter().collect();
    ErpCustomer { terms: vec![terms], parents, ..ErpCustomer::of(party, accounts) }
}

proptest! {
    #[test]
    fn mapping_twice_is_mapping_once(customer in customers()) {
        let once = mapping::desired(&every_field(), &customer).values;
        let twice = mapping::desired(&every_field(), &from_values(&once));
        prop_assert_eq!(&twice.values, &once);
        prop_assert!(twice.cut.is_empty(), "what was cut fits");
    }

    #[test]
    fn every_value_fits_is_not_blank_and_is_its_own_normal_form(customer in customers()) {
        let mapping::Desired { values, cut, .. } = mapping::desired(&every_field(), &customer);
        for (field, value) in &values {
            let length = value.text().chars().count();
            prop_assert!(length >= 1 && length <= every_field().limit(*field), "{field}: {length} characters");
            prop_assert_eq!(value.comparable(), value.text());
        }
        for field in cut {
            prop_assert!(values.contains_key(&field));
        }
    }

    #[test]
    fn nothing_is_dropped_without_being_reported(customer in customers()) {
        let mapping::Desired { values, cut, .. } = mapping::desired(&every_field(), &customer);
        let raw = [
            (Field::TaxId, customer.party.tax_id.as_deref()),
            (Field::Website, customer.party.url.as_deref()),
            (Field::Phone, customer.party.phone.as_deref()),
            (Field::Duns, customer.party.duns.as_deref()),
            (Field::Email, customer.party.email.as_deref()),
            (Field::Currency, customer.party.currency.as_deref()),
            (Field::Address, customer.party.address.as_ref().map(|address| address.line.as_str())),
        ];
        for (field, raw) in raw {
            let whole = text::present(raw);
            let kept = values.get(&field).map(|value| value.text().to_owned());
            prop_assert!(kept == whole || cut.contains(&field), "{field}: {whole:?} became {kept:?}");
        }
        prop_assert!(values.contains_key(&Field::Name), "a name is never missing");
    }

    #[test]
    fn comparing_is_an_equivalence(a in proptest::option::of(texts()), b in proptest::option::of(texts()), c in proptest::option::of(texts())) {
        let [a, b, c] = [a, b, c].map(|text| text.map(Value::Text));
        let [a, b, c] = [a.as_ref(), b.as_ref(), c.as_ref()];
        prop_assert!(same(a, a));
        prop_assert_eq!(same(a, b), same(b, a));
        prop_assert!(!(same(a, b) && same(b, c)) || same(a, c));
    }

    #[test]
    fn a_text_equals_its_squeezed_form(a in texts()) {
        let squeezed = Value::Text(text::squeeze(&a));
        prop_assert!(same(Some(&Value::Text(a)), Some(&squeezed)));
    }
}
