//! From a customer of the ERP to the values that its organization should show.

use crate::{
    expression::{EvaluationError, Outcome, TypedValue},
    fields::{Field, FieldTable, OwnField, Values},
    model::{ErpCustomer, ErpParty},
    policy::Life,
    text,
    value::{PostalAddress, Value},
};

/// What an organization should say, and which of it had to be cut to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Values by field; absent means that the ERP has none.
    pub values: Values,
    /// Fields whose value was longer than the CRM takes.
    pub cut: Vec<Field>,
    /// Own fields that have no value for this record, because their expression fails on it; and why.
    pub failed: Vec<(Field, String)>,
}

/// Maps a customer. Total: every mapped field gets its value or none.
#[must_use]
pub fn desired(fields: &FieldTable, customer: &ErpCustomer) -> Desired {
    let mut values = Values::new();
    let mut cut = Vec::new();
    let mut failed = Vec::new();
    for field in fields.fields() {
        let value = match fields.own(field) {
            Some(own) => match own_value(own, customer) {
                Ok(value) => value,
                Err(error) => {
                    failed.push((field, format!("{}; {}", error.message, error.hint)));
                    continue;
                }
            },
            None => value_of(field, customer).map(|value| fit(value, fields.limit(field))),
        };
        let Some((value, was_cut)) = value else { continue };
        if was_cut {
            cut.push(field);
        }
        values.insert(field, value);
    }
    Desired { values, cut, failed }
}

/// What the organization of a customer should say that the ERP does not show any more: what it said last, and that.
#[must_use]
pub fn deleted(last: &Values) -> Desired {
    let mut values = last.clone();
    values.insert(Field::ErpStatus, Value::Text(Life::Deleted.label().to_owned()));
    Desired { values, cut: Vec::new(), failed: Vec::new() }
}

fn own_value(own: &OwnField, customer: &ErpCustomer) -> Result<Option<(Value, bool)>, EvaluationError> {
    let Some(Outcome { value, cut }) = own.expression.evaluate(&customer.party.attributes, &own.want)? else {
        return Ok(None);
    };
    let value = match value {
        TypedValue::Text(text) | TypedValue::Option(text) | TypedValue::Phone(text) => {
            Some(Value::Text(text))
        }
        TypedValue::Number(digits) => Value::number(&digits),
        TypedValue::Date(day) => Some(Value::Date(day.to_string())),
        TypedValue::Money(money) => Some(Value::money(money.amount, money.currency)),
        TypedValue::Options(labels) => Value::labels(labels),
    };
    Ok(value.map(|value| (value, cut)))
}

fn value_of(field: Field, customer: &ErpCustomer) -> Option<Value> {
    let party = &customer.party;
    let plain = |text: Option<&str>| text::present(text).map(Value::Text);
    match field {
        // A nameless party is still somebody: its number stands in, as on Oracle's own screens.
        Field::Name => plain(Some(&party.name)).or_else(|| plain(Some(&party.number))),
        Field::Address => address(party),
        Field::Website => plain(party.url.as_deref()),
        Field::Phone => plain(party.phone.as_deref()),
        Field::ErpCustomerId => Some(Value::Text(party.id.to_string())),
        Field::AccountNumbers => account_numbers(customer),
        Field::TaxId => plain(party.tax_id.as_deref()),
        Field::ErpStatus => plain(Some(party.status.label())),
        Field::Duns => plain(party.duns.as_deref()),
        Field::Email => plain(party.email.as_deref()),
        Field::Currency => plain(party.currency.as_deref()),
        Field::AccountClass => each(customer.terms.iter().filter_map(|terms| terms.class.as_deref())),
        Field::PaymentTerms => each(customer.terms.iter().filter_map(|terms| terms.payment_terms.as_deref())),
        Field::Parent => each(customer.parents.iter().map(String::as_str)),
        // Defined by the table, not by us; and labels follow from those that the organization has.
        Field::Own(_) | Field::Labels => None,
    }
}

fn address(party: &ErpParty) -> Option<Value> {
    let PostalAddress { line, locality, region, postal_code, country } = party.address.clone()?;
    let line = text::present(Some(&line))?;
    Some(Value::Address(PostalAddress { line, locality, region, postal_code, country }))
}

/// All numbers in order of account id, so that the same accounts always give the same text; those of aliases follow.
fn account_numbers(customer: &ErpCustomer) -> Option<Value> {
    let accounts = customer.accounts.iter().chain(&customer.also);
    let numbers: Vec<String> = accounts.filter_map(|account| text::present(Some(&account.number))).collect();
    text::present(Some(&numbers.join(", "))).map(Value::Text)
}

/// Each once, in this order.
fn each<'a>(all: impl Iterator<Item = &'a str>) -> Option<Value> {
    let mut once: Vec<String> = Vec::new();
    for text in all.filter_map(|text| text::present(Some(text))) {
        if !once.contains(&text) {
            once.push(text);
        }
    }
    text::present(Some(&once.join(", "))).map(Value::Text)
}

fn fit(value: Value, limit: usize) -> (Value, bool) {
    match value {
        Value::Text(text) => {
            let (text, cut) = text::bounded(&text, limit);
            (Value::Text(text), cut)
        }
        Value::Address(address) => {
            let (line, cut) = text::bounded(&address.line, limit);
            (Value::Address(PostalAddress { line, ..address }), cut)
        }
        Value::Number(_) | Value::Date(_) | Value::Money(_) | Value::Labels(_) => (value, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{AccountId, PartyId},
        model::{ErpAccount, PartyStatus},
    };

    fn customer(name: &str) -> ErpCustomer {
        let updated_at = "2026-01-01T00:00:00Z".parse().unwrap();
        let party = ErpParty {
            id: PartyId(300_000_000_000_001),
            number: "CDRM_1".into(),
            name: name.into(),
            usage: Some("CUSTOMER".into()),
            status: PartyStatus::Active,
            tax_id: Some("  ".into()),
            url: Some("https://acme.example".into()),
            phone: None,
            duns: Some("123456789".into()),
            email: None,
            currency: None,
            address: None,
            attributes: serde_json::Map::new(),
            updated_at,
        };
        let account = |id, number: &str| ErpAccount {
            id: AccountId(id),
            party: party.id,
            number: number.into(),
            updated_at,
        };
        let accounts = vec![account(1, "1006"), account(2, "0042")];
        ErpCustomer::of(party, accounts)
    }

    fn text(values: &Values, field: Field) -> Option<&str> {
        values.get(&field).map(Value::text)
    }

    #[test]
    fn blanks_are_no_values_and_ids_are_texts() {
        let Desired { values, cut, .. } = desired(&FieldTable::default(), &customer("  Acme\u{a0} Ltd "));
        assert_eq!(text(&values, Field::Name), Some("Acme Ltd"));
        assert_eq!(text(&values, Field::TaxId), None);
        assert_eq!(text(&values, Field::Address), None);
        assert_eq!(text(&values, Field::ErpCustomerId), Some("300000000000001"));
        assert_eq!(text(&values, Field::AccountNumbers), Some("1006, 0042"));
        assert_eq!(text(&values, Field::ErpStatus), Some("Active"));
        assert_eq!(text(&values, Field::Duns), None, "not asked for");
        assert!(cut.is_empty());
        let more = FieldTable::default().with(Field::Duns, crate::fields::Owner::Erp);
        assert_eq!(text(&desired(&more, &customer("Acme")).values, Field::Duns), Some("123456789"));
    }

    #[test]
    fn what_does_not_fit_is_cut_and_reported() {
        let Desired { values, cut, .. } = desired(&FieldTable::default(), &customer(&"ä".repeat(300)));
        assert_eq!(text(&values, Field::Name).map(|name| name.chars().count()), Some(255));
        assert_eq!(cut, [Field::Name]);
    }

    #[test]
    fn a_nameless_party_goes_by_its_number() {
        assert_eq!(
            text(&desired(&FieldTable::default(), &customer(" ")).values, Field::Name),
            Some("CDRM_1")
        );
    }

    #[test]
    fn several_accounts_and_parents_say_each_word_once() {
        let terms = |account, class: Option<&str>, payment_terms: &str| crate::model::AccountTerms {
            account: AccountId(account),
            party: PartyId(1),
            class: class.map(str::to_owned),
            payment_terms: Some(payment_terms.to_owned()),
        };
        let terms =
            vec![terms(1, Some("HIGH"), "30 Net"), terms(2, None, " 30  Net"), terms(3, Some("LOW"), " ")];
        let customer =
            ErpCustomer { terms, parents: vec!["Acme Holding".into(), "Bolt".into()], ..customer("Acme") };
        let fields = [Field::AccountClass, Field::PaymentTerms, Field::Parent]
            .into_iter()
            .fold(FieldTable::default(), |table, field| table.with(field, crate::fields::Owner::Erp));
        let values = desired(&fields, &customer).values;
        assert_eq!(text(&values, Field::AccountClass), Some("HIGH, LOW"));
        assert_eq!(text(&values, Field::PaymentTerms), Some("30 Net"));
        assert_eq!(text(&values, Field::Parent), Some("Acme Holding, Bolt"));
    }

    #[test]
    fn mapping_what_was_mapped_changes_nothing() {
        let once = desired(&FieldTable::default(), &customer("  a   b "));
        for value in once.values.values() {
            assert_eq!(value.comparable(), value.text());
        }
    }
}
