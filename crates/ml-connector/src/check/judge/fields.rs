//! Custom fields: which exist, which would be created, and whether there is room for them (pipedrive.md 2).

use std::collections::BTreeSet;

use pipedrive::{Fielded, KnownField, type_name};
use sync_core::fields::{CustomField, CustomKind, Field};
use sync_core::handover::AnswerField;
use sync_core::text::squeeze;

use super::super::finding::Finding;
use super::super::observe::PipedriveSeen;
use super::access::seen;
use super::{counted, grouped};
use crate::config::{Connection, Plan};
use crate::wire::{interest, policy};

const FIELDS: &str = "Pipedrive: Company settings > Data fields > Organization";

/// Custom fields that a company of this plan may have (usage limits of 2025-08-25, pipedrive.md 2).
fn limit(plan: Plan) -> usize {
    match plan {
        Plan::Lite => 30,
        Plan::Growth => 100,
        Plan::Premium => 300,
        Plan::Ultimate => 500,
    }
}

/// Fields of organizations, if they could be read.
fn known(pipedrive: &PipedriveSeen) -> Option<&Vec<KnownField>> {
    let of = |fielded| pipedrive.fields.iter().find(move |(other, _)| *other == fielded);
    of(Fielded::Organizations).and_then(|(_, asked)| asked.answer())
}

/// Those that have the name of ours.
fn named<'a>(known: &'a [KnownField], wanted: &CustomField) -> impl Iterator<Item = &'a KnownField> {
    let name = squeeze(&wanted.name);
    known.iter().filter(move |field| !field.labels && squeeze(&field.name) == name)
}

fn fits(field: &KnownField, wanted: &CustomField) -> bool {
    field.kind == type_name(wanted.kind)
}

/// Mapped fields that do not exist with our type; none if that is not known.
pub(super) fn missing(connection: &Connection, pipedrive: &PipedriveSeen) -> Option<Vec<CustomField>> {
    let known = known(pipedrive)?;
    let mut wanted = connection.fields.table().custom();
    wanted.retain(|wanted| !named(known, wanted).any(|field| fits(field, wanted)));
    Some(wanted)
}

pub(super) fn judge(
    connection: &Connection,
    pipedrive: &PipedriveSeen,
    blocked_by: &'static str,
) -> Vec<Finding> {
    let asked = pipedrive.fields.iter().find(|(fielded, _)| *fielded == Fielded::Organizations);
    let names = ["pipedrive.fields.missing", "pipedrive.fields.type", "pipedrive.fields.duplicate"];
    let readable = "pipedrive.fields.readable";
    let (Some(known), Some(missing)) = (known(pipedrive), missing(connection, pipedrive)) else {
        let refusal = asked.and_then(|(_, asked)| asked.refusal());
        let (first, because) = match refusal {
            Some(trouble) => {
                let finding = super::pipedrive::refused(
                    Finding::problem(readable, seen(trouble)),
                    trouble,
                    "let the user see organization fields; an app needs the scopes contacts:full and contact-fields:full",
                );
                (finding, readable)
            }
            None => (Finding::not_checked(readable, blocked_by), blocked_by),
        };
        let rest = names.into_iter().map(|name| Finding::not_checked(name, because));
        return std::iter::once(first).chain(rest).collect();
    };
    let wanted = connection.fields.table().custom();
    let mut findings = vec![Finding::ok(readable, "custom fields can be read")];
    let unmade = unmade_answers(connection, pipedrive);
    findings.push(room(connection, pipedrive, &missing, &unmade));
    findings.push(types(known, &missing));
    findings.push(duplicates(known, &wanted));
    findings.extend(own(known, &wanted));
    findings.extend(labels(known, &policy(connection).wanted_labels()));
    findings
}

/// Labels that we shall give have to be there.
fn labels(known: &[KnownField], wanted: &[String]) -> Option<Finding> {
    let name = "pipedrive.labels";
    let same = |label: &String| squeeze(label).to_lowercase();
    let there: Vec<String> =
        known.iter().filter(|field| field.labels).flat_map(|field| field.options.iter().map(same)).collect();
    let quoted = |labels: &[&String]| {
        let all: Vec<String> = labels.iter().map(|label| format!("\"{label}\"")).collect();
        all.join(", ")
    };
    let missing: Vec<&String> = wanted.iter().filter(|label| !there.contains(&same(label))).collect();
    if wanted.is_empty() {
        return None;
    }
    if missing.is_empty() {
        let all: Vec<&String> = wanted.iter().collect();
        return Some(Finding::ok(name, format!("the labels exist: {}", quoted(&all))));
    }
    let said = format!("organizations have no such label: {}", quoted(&missing));
    Some(Finding::problem(name, said).remedy(
        "create it as a label of organizations, or name one that exists",
        "Pipedrive: the labels of any organization; [connection.customers.labels]",
    ))
}

/// The fields in which we write beside what is mapped and that do not exist yet, as far as that is known: how handovers stand,
/// what deals show of their documents.
fn unmade_answers(connection: &Connection, pipedrive: &PipedriveSeen) -> Vec<String> {
    let interest = interest(connection);
    let answers = |of, fields: &BTreeSet<AnswerField>| {
        let field = |field: &AnswerField| (of, field.label(), CustomKind::ShortText);
        fields.iter().map(field).collect::<Vec<_>>()
    };
    let mut wanted = answers(Fielded::Organizations, &interest.on_org);
    wanted.extend(answers(Fielded::Deals, &interest.on_deal));
    wanted.extend(interest.rolled.iter().map(|field| (Fielded::Deals, field.label(), field.kind())));
    let mut unmade = Vec::new();
    for (of, label, kind) in wanted {
        let asked = pipedrive.fields.iter().find(|(fielded, _)| *fielded == of);
        let Some(known) = asked.and_then(|(_, asked)| asked.answer()) else { continue };
        let there =
            |one: &KnownField| !one.labels && one.kind == type_name(kind) && squeeze(&one.name) == label;
        if !known.iter().any(there) {
            let what = match of {
                Fielded::Organizations => "organizations",
                Fielded::Deals => "deals",
                Fielded::Persons => "persons",
                Fielded::Products => "products",
            };
            unmade.push(format!("{label} (of {what})"));
        }
    }
    unmade
}

/// Whether what is missing can be created.
fn room(
    connection: &Connection,
    pipedrive: &PipedriveSeen,
    missing: &[CustomField],
    unmade: &[String],
) -> Finding {
    let name = "pipedrive.fields.missing";
    let known = pipedrive.fields.iter().filter_map(|(_, asked)| asked.answer()).flatten();
    let used = known.filter(|field| !field.labels).count();
    let uncounted: Vec<&str> = pipedrive
        .fields
        .iter()
        .filter(|(_, asked)| asked.answer().is_none())
        .map(|(fielded, _)| fielded.resource())
        .collect();
    let limit = limit(connection.pipedrive.plan);
    let free = limit.saturating_sub(used);
    let plan = format!("{:?}", connection.pipedrive.plan);
    let least = if uncounted.is_empty() { "" } else { "at least " };
    let unknown = if uncounted.is_empty() {
        String::new()
    } else {
        format!(" ({} could not be counted)", uncounted.join(", "))
    };
    let used = format!("{least}{used} of the {limit} custom fields of the plan {plan} are used{unknown}");
    let names: Vec<&str> =
        missing.iter().map(|custom| custom.name.as_str()).chain(unmade.iter().map(String::as_str)).collect();
    if names.is_empty() {
        return Finding::ok(name, format!("none is missing; {used}"));
    }
    let creates =
        format!("a sync would first create {}: {}", counted(names.len(), "field"), names.join(", "));
    if names.len() > free {
        return Finding::problem(name, format!("{creates}; but {used}")).remedy(
            format!(
                "remove {} that nobody needs, map less, or take a larger plan",
                counted(names.len() - free, "field")
            ),
            format!("{FIELDS}; [connection.fields]; [connection.pipedrive] plan"),
        );
    }
    Finding::note(name, format!("{creates}; {used}"))
}

/// A field of our name and another type is not ours; a second one would appear beside it.
fn types(known: &[KnownField], missing: &[CustomField]) -> Finding {
    let name = "pipedrive.fields.type";
    let others: Vec<String> = missing
        .iter()
        .filter_map(|wanted| {
            let other = named(known, wanted).next()?;
            Some(format!("\"{}\" is of type {}, ours is {}", wanted.name, other.kind, type_name(wanted.kind)))
        })
        .collect();
    if others.is_empty() {
        return Finding::ok(name, "no field of another type has a name of ours");
    }
    Finding::warning(name, others.join("; ")).remedy(
        "rename or remove it: types cannot be changed, so a second field of the same name would be created",
        FIELDS,
    )
}

fn duplicates(known: &[KnownField], wanted: &[CustomField]) -> Finding {
    let name = "pipedrive.fields.duplicate";
    let twice = |wanted: &&CustomField| named(known, wanted).filter(|field| fits(field, wanted)).count() > 1;
    let names: Vec<&str> = wanted.iter().filter(twice).map(|wanted| wanted.name.as_str()).collect();
    if names.is_empty() {
        return Finding::ok(name, "no two fields have a name of ours");
    }
    Finding::warning(name, format!("there are several fields of this name and type: {}", names.join(", ")))
        .remedy("keep the first one listed, which is the one we use, and remove the others", FIELDS)
}

/// Fields of one's own, of which those with options cannot be created by us.
fn own(known: &[KnownField], wanted: &[CustomField]) -> Option<Finding> {
    let name = "pipedrive.own_fields";
    let own: Vec<&CustomField> =
        wanted.iter().filter(|wanted| matches!(wanted.field, Field::Own(_))).collect();
    if own.is_empty() {
        return None;
    }
    let found = |wanted: &CustomField| named(known, wanted).find(|field| fits(field, wanted));
    let chosen = |wanted: &CustomField| matches!(wanted.kind, CustomKind::Option | CustomKind::Options);
    let unmade: Vec<String> = own
        .iter()
        .filter(|wanted| chosen(wanted) && found(wanted).is_none_or(|field| field.options.is_empty()))
        .map(|wanted| format!("\"{}\" ({})", wanted.name, type_name(wanted.kind)))
        .collect();
    if !unmade.is_empty() {
        let said = format!("there is no such field with options: {}", unmade.join(", "));
        return Some(Finding::problem(name, said).remedy(
            "create it with its options: nobody but you knows which it should have",
            format!("{FIELDS}; [connection.fields] own"),
        ));
    }
    let there = own.iter().filter(|wanted| found(wanted).is_some()).count();
    let total = grouped(u64::try_from(own.len()).unwrap_or(u64::MAX));
    Some(Finding::ok(name, format!("{there} of {total} exist, the others can be created")))
}
