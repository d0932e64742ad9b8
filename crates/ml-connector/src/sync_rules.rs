//! `docs/sync-rules.md`: what is written where, when somebody is asked, and what can be answered; from the code that does it.

use std::fmt::{Error, Write};

use sync_core::fields::{Field, Place, Row, TABLE};
use sync_core::guard::Guard;
use sync_core::handover::Question;
use sync_core::hold::HoldReason;
use sync_core::matching::{ASK, BIND, Company, EvidenceKind, GAP, Profile, compare};
use sync_core::value::PostalAddress;

/// The page, without its first line.
pub(crate) fn page() -> Result<String, Error> {
    let mut page = String::from("# What is synced, and when a person is asked\n");
    fields(&mut page)?;
    order(&mut page)?;
    matching(&mut page)?;
    guard(&mut page)?;
    holds(&mut page)?;
    handovers(&mut page)?;
    Ok(page)
}

fn fields(page: &mut String) -> Result<(), Error> {
    page.push_str(
        "\n## Fields of an organization\n\nThe ERP owns all of them: what sales writes over them is put back and kept in the journal, unless `[connection.fields]`\nsays otherwise; where the ERP has no value, what sales typed stays. Other fields of the organization are never touched. A value that is too long is cut, and said to be.\n\n| field | key | in Pipedrive | in Oracle Fusion | mapped | longest |\n|---|---|---|---|---|---|\n",
    );
    for Row { field, key, label, place, default, limit } in TABLE {
        let place = match place {
            Place::BuiltIn => "a field of its own".to_owned(),
            Place::Custom(name) => format!("custom field \"{name}\", created if it is missing"),
        };
        let mapped = match field {
            Field::Labels => "where a customer's end is told by a label",
            _ if default => "yes",
            _ => "if asked for",
        };
        writeln!(page, "| {label} | `{key}` | {place} | {} | {mapped} | {limit} |", source(field))?;
    }
    page.push_str("\nFields of your own, from any attribute: [expressions](expressions.md).\n");
    Ok(())
}

/// Where the ERP keeps it.
fn source(field: Field) -> &'static str {
    match field {
        Field::Name => "`OrganizationName`",
        Field::Address => "the primary address of the party",
        Field::Website => "`URL`",
        Field::Phone => "`RawPhoneNumber`",
        Field::ErpCustomerId => "`PartyId`",
        Field::AccountNumbers => "`AccountNumber` of every account of the party",
        Field::TaxId => "`TaxpayerIdentificationNumber`",
        Field::ErpStatus => "`Status`",
        Field::Duns => "`DUNSNumber`",
        Field::Email => "`EmailAddress`",
        Field::Currency => "`CurrencyCode`",
        Field::AccountClass => "`CustomerClassCode` of every account of the party (SOAP)",
        Field::PaymentTerms => "`PaymentTerms` of the active profile of every account (SOAP)",
        Field::Parent => "the names of its parents by `Relationship`",
        Field::Labels => "`Status`, told by labels beside those that people give",
        Field::Own(_) => "an expression",
    }
}

fn order(page: &mut String) -> Result<(), Error> {
    page.push_str("\n## From a customer to its organization\n\nThe first that applies:\n\n");
    for (nr, rule) in [
        "A write that got no answer is looked for before anything else is done about the customer.",
        "The organization that the customer was paired with is kept as the ERP says, field by field, after it was read again.",
        "An organization that carries the customer's ERP id, and no other customer's, is the customer's.",
        "An organization that a person chose is the customer's.",
        "An organization that surely is the same company is the customer's: see below.",
        "If existing organizations may be the same company, a person is asked.",
        "An organization is created, unless the ERP no longer uses the customer.",
    ]
    .into_iter()
    .enumerate()
    {
        writeln!(page, "{}. {rule}", nr + 1)?;
    }
    Ok(())
}

fn matching(page: &mut String) -> Result<(), Error> {
    write!(
        page,
        "\n## The same company?\n\nEvidence is added up. From {BIND} points on the organization is bound if no other organization and no other customer\nof the name comes nearer than {GAP} points, the names fit and, unless an id agrees, the legal forms do not differ; from {ASK} points on a person\nis asked. How well that works: [matching-report](matching-report.md).\n\n| the customer says | the organization says | points |\n|---|---|---|\n"
    )?;
    for (kind, ours, theirs) in evidence() {
        let found = compare(&Profile::of(&company(&ours)), &Profile::of(&company(&theirs)));
        let points: i32 =
            found.evidence.iter().filter(|piece| piece.kind == kind).map(|piece| piece.points).sum();
        writeln!(page, "| {} | {} | {points:+} |", told(&ours), told(&theirs))?;
    }
    page.push_str(
        "\nA word of equal names that only these two have counts +10, names of words that very many have count -10: both are counted\nover all companies of both sides.\n",
    );
    Ok(())
}

type Said = Vec<(&'static str, &'static str)>;

fn evidence() -> Vec<(EvidenceKind, Said, Said)> {
    use EvidenceKind as Kind;
    let name = |text| vec![("name", text)];
    let one = |key, text| vec![("name", "Acme"), (key, text)];
    vec![
        (Kind::Name, name("Acme Foods GmbH"), name("FOODS, Acme")),
        (Kind::Name, name("Nordlicht Maschinenbau"), name("Nordlicht Maschinnenbau")),
        (Kind::Name, name("Acme"), name("Acme Logistics")),
        (Kind::Name, name("Zeta Foods"), name("Bolt Medical")),
        (Kind::LegalForm, name("Acme AG"), name("Acme GmbH")),
        (Kind::TaxId, one("tax id", "DE123456789"), one("tax id", "123 456 789")),
        (Kind::TaxId, one("tax id", "DE123456789"), one("tax id", "DE987654321")),
        (Kind::Duns, one("D-U-N-S", "123456789"), one("D-U-N-S", "12-345-6789")),
        (Kind::Duns, one("D-U-N-S", "123456789"), one("D-U-N-S", "987654321")),
        (Kind::Domain, one("site", "https://www.acme.de/en"), one("site", "shop.acme.de")),
        (Kind::Domain, one("site", "acme.de"), one("site", "bolt.de")),
        (Kind::MailDomain, one("e-mail", "ap@acme.de"), one("site", "www.acme.de")),
        (Kind::MailDomain, one("e-mail", "ap@acme.de"), one("e-mail", "joe@acme.de")),
        (Kind::Phone, one("phone", "+49 89 1234567"), one("phone", "089/1234567")),
        (Kind::Phone, one("phone", "+49 89 1234567"), one("phone", "+49 89 1234100")),
        (Kind::Country, one("country", "DE"), one("country", "Germany")),
        (Kind::Country, one("country", "DE"), one("country", "FR")),
        (Kind::PostalCode, one("postal code", "10115"), one("postal code", "10115")),
        (Kind::City, one("town", "Berlin"), one("town", "Berlin")),
        (Kind::City, one("town", "Berlin"), one("town", "Bonn")),
        (Kind::Street, one("address", "Hauptstr. 7, 10115 Berlin"), one("address", "Hauptstr 7, Berlin")),
    ]
}

fn told(said: &Said) -> String {
    // The name is there only so that there is a company.
    let told = if said.len() > 1 { &said[1..] } else { said };
    told.iter().map(|(key, text)| format!("{key} \"{text}\"")).collect::<Vec<_>>().join(", ")
}

fn company(said: &Said) -> Company {
    let mut company = Company::default();
    for (key, text) in said {
        let text = (*text).to_owned();
        match *key {
            "name" => company.names.push(text),
            "tax id" => company.tax_ids.push(text),
            "D-U-N-S" => company.duns = Some(text),
            "site" => company.websites.push(text),
            "e-mail" => company.emails.push(text),
            "phone" => {
                company.country = Some("DE".to_owned());
                company.phones.push(text);
            }
            "country" => company.country = Some(text),
            "address" => company.address = Some(PostalAddress { line: text, ..PostalAddress::default() }),
            "postal code" => {
                company.address = Some(PostalAddress { postal_code: Some(text), ..PostalAddress::default() });
            }
            _ => company.address = Some(PostalAddress { locality: Some(text), ..PostalAddress::default() }),
        }
    }
    company
}

fn guard(page: &mut String) -> Result<(), Error> {
    let Guard { window, creates, updates_per_mille, deactivations } = Guard::default();
    let number = |number: Option<u64>| number.map_or("any number".to_owned(), |number| number.to_string());
    write!(
        page,
        "\n## Too much at once\n\nWithin {} minutes {} new organizations, changes of {} of a thousand organizations (at least 50) and {} organizations\nwhose customer is no longer in use pass; what comes after is held as `mass_change`. `[connection.sync] guard` changes that.\nWhat `apply` and `sync --customer` write was approved and is not held.\n",
        window.as_mins(),
        number(creates),
        number(updates_per_mille),
        number(deactivations)
    )
}

fn handovers(page: &mut String) -> Result<(), Error> {
    page.push_str(
        "\n## When a person is asked on the way from a won deal to the ERP\n\nWhere `[connection.customers_from_crm]` is configured ([customers-from-crm.md](customers-from-crm.md)). `ml-connector handovers list` shows what\nwaits, `handovers answer ANSWER --organization ID` answers.\n",
    );
    for question in Question::examples() {
        writeln!(page, "\n### `{}`\n\n> {}\n", question.key(), question.explain())?;
        for (answer, does) in question.answers() {
            writeln!(page, "- `{answer}`: {does}")?;
        }
    }
    Ok(())
}

fn holds(page: &mut String) -> Result<(), Error> {
    page.push_str(
        "\n## When a person is asked\n\n`ml-connector holds list` shows what waits, `holds show PARTY` the evidence, `holds answer ANSWER PARTY` answers. What is in\nquestion is not written; every other customer goes on. What reality has solved closes itself.\n",
    );
    for reason in HoldReason::examples() {
        writeln!(page, "\n### `{}`\n\n> {}\n", reason.key(), reason.explain())?;
        for (answer, does) in reason.answers() {
            writeln!(page, "- `{answer}`: {does}")?;
        }
    }
    Ok(())
}
