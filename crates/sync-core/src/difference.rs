//! What an organization says and what it should say, field by field.

use crate::{
    answers::Answers,
    fields::{Field, FieldTable, Values},
    hold::HoldReason,
    mapping::Desired,
    merge::{Merged, Side, Versions, merge},
    pair::Pair,
    plan::Change,
    value::same,
};

/// Law 3: how often in a row the same value may be written to the same field.
const MOST_WRITES: u8 = 2;

/// What has to be written, and what is in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Fields of the organization to write.
    pub changes: Vec<Change>,
    /// Those of them that were changed in the CRM and not in the ERP.
    pub restored: Vec<Field>,
    /// Those of them whose value does not fit.
    pub cut: Vec<Field>,
    /// The first field that a person has to decide about.
    pub question: Option<HoldReason>,
}

/// Compares field by field, against what each side said before.
#[must_use]
pub fn difference(
    fields: &FieldTable,
    desired: Desired,
    pair: &Pair,
    actual: &Values,
    answers: &Answers,
) -> Difference {
    let Desired { values: desired, cut, failed: _ } = desired;
    let mut found = Difference { changes: Vec::new(), restored: Vec::new(), cut, question: None };
    for (field, owner) in fields.rules() {
        let (erp, crm) = (desired.get(&field), actual.get(&field));
        let erp_before = pair.erp_mirror.get(&field);
        let versions = Versions {
            erp,
            crm,
            erp_before,
            crm_before: pair.crm_mirror.get(&field),
            crm_keeps_form: pair.is_remote_form(field, erp, crm),
            crm_keeps_old_form: pair.is_remote_form(field, erp_before, crm),
            last_changed: None,
        };
        let merged = if field != Field::Labels {
            merge(owner, &versions)
        } else if same(erp, crm) {
            Merged::Agreed
        } else {
            // What is wanted was made from what is there: people's own labels are in it.
            Merged::Write(Side::Crm)
        };
        match (answers.about(field, erp, crm), merged) {
            (Some(Side::Crm), _) | (_, Merged::Agreed | Merged::Kept) => {}
            (_, Merged::Write(Side::Crm)) | (Some(Side::Erp), Merged::Conflict) => {
                write(&mut found, field, &versions, pair);
            }
            // Nothing flows back to the ERP yet: the configuration refuses the owners that would ask for it.
            (_, Merged::Write(Side::Erp)) => {}
            (None, Merged::Conflict) => {
                found.question.get_or_insert(HoldReason::Conflict {
                    field,
                    erp: erp.cloned(),
                    crm: crm.cloned(),
                    before: versions.erp_before.cloned(),
                });
            }
        }
    }
    found.cut.retain(|field| found.changes.iter().any(|change| change.field == *field));
    found
}

fn write(found: &mut Difference, field: Field, versions: &Versions<'_>, pair: &Pair) {
    let Versions { erp, crm, erp_before, .. } = *versions;
    if pair.times_written(field, erp) >= MOST_WRITES {
        found.question.get_or_insert(HoldReason::TugOfWar { field, erp: erp.cloned(), crm: crm.cloned() });
        return;
    }
    if same(erp, erp_before) {
        found.restored.push(field);
    }
    found.changes.push(Change { field, old: crm.cloned(), new: erp.cloned() });
}
