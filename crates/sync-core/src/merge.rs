//! Three-way merge of one field: what both sides say now, what each said when they last agreed, and whose value counts.
//!
//! A value is never lost silently: whatever is overwritten was compared with what it was before, stands in the plan as
//! `old`, and afterwards in the journal; where nobody can tell whose value it is, a person is asked.

use serde::{Deserialize, Serialize};

use crate::{
    fields::Owner,
    value::{Value, same},
};

/// One of the two systems, by its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The ERP.
    Erp,
    /// The CRM.
    Crm,
}

/// All that is known about one field of a pair. Absent is unset.
#[derive(Debug, Clone, Copy)]
pub struct Versions<'a> {
    /// What the ERP says, mapped.
    pub erp: Option<&'a Value>,
    /// What the CRM says.
    pub crm: Option<&'a Value>,
    /// What the ERP said when both last agreed.
    pub erp_before: Option<&'a Value>,
    /// What the CRM said in the last answer we had from it.
    pub crm_before: Option<&'a Value>,
    /// Whether the CRM's value is the form that it gave itself to what we wrote last.
    pub crm_keeps_form: bool,
    /// Whether the CRM's value is that of the ERP before, in the form that the CRM gave to it.
    pub crm_keeps_old_form: bool,
    /// The side whose value was seen to change last, if that is known.
    pub last_changed: Option<Side>,
}

/// What follows for the field. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// Both sides say the same, or the CRM says it in its own form.
    Agreed,
    /// The value stands on one side only and belongs there: the other never had it.
    Kept,
    /// This side shall say what the other one says.
    Write(Side),
    /// Nobody can tell whose value counts.
    Conflict,
}

/// Merges one field.
#[must_use]
pub fn merge(owner: Owner, versions: &Versions<'_>) -> Merged {
    if same(versions.erp, versions.crm) || versions.crm_keeps_form {
        return Merged::Agreed;
    }
    let erp_changed = !same(versions.erp, versions.erp_before);
    let crm_changed = !same(versions.crm, versions.crm_before);
    match owner {
        Owner::Erp => one_owns(Side::Erp, versions),
        Owner::Crm => one_owns(Side::Crm, versions),
        Owner::Latest => match (erp_changed, crm_changed) {
            (true, false) => one_owns(Side::Erp, versions),
            (false, true) => one_owns(Side::Crm, versions),
            (true, true) | (false, false) => by_time(versions),
        },
        Owner::Ask => match (erp_changed, crm_changed) {
            (true, false) => one_owns(Side::Erp, versions),
            (false, true) | (true, true) | (false, false) => unless_a_gap(versions),
        },
    }
}

/// The owner's value is written, with one exception: where the owner has none, the other side's value is cleared only
/// if it is the one that the owner used to have. What people typed into a field that the owner leaves empty is theirs.
fn one_owns(owner: Side, versions: &Versions<'_>) -> Merged {
    let (owned, owned_before, other, other_side) = match owner {
        Side::Erp => (versions.erp, versions.erp_before, versions.crm, Side::Crm),
        Side::Crm => (versions.crm, versions.crm_before, versions.erp, Side::Erp),
    };
    let was_the_owners = owned_before.is_some() && (same(owned_before, other) || versions.crm_keeps_old_form);
    if owned.is_none() && !was_the_owners { Merged::Kept } else { Merged::Write(other_side) }
}

fn by_time(versions: &Versions<'_>) -> Merged {
    match versions.last_changed {
        Some(side) => one_owns(side, versions),
        None => unless_a_gap(versions),
    }
}

/// A side that never had a value is given the other one's; all else is a question.
fn unless_a_gap(versions: &Versions<'_>) -> Merged {
    match (versions.erp, versions.crm) {
        (Some(_), None) if versions.crm_before.is_none() => Merged::Write(Side::Crm),
        (None, Some(_)) if versions.erp_before.is_none() => Merged::Kept,
        (Some(_) | None, Some(_) | None) => Merged::Conflict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNERS: [Owner; 4] = [Owner::Erp, Owner::Crm, Owner::Latest, Owner::Ask];

    fn text(value: &str) -> Option<Value> {
        (value != "-").then(|| Value::Text(value.to_owned()))
    }

    /// `erp crm | erp before, crm before`, `-` for unset.
    fn merged(owner: Owner, words: &str, last_changed: Option<Side>) -> Merged {
        let values: Vec<Option<Value>> = words.split(' ').filter(|word| *word != "|").map(text).collect();
        let [erp, crm, erp_before, crm_before] = [0, 1, 2, 3].map(|index| values[index].as_ref());
        merge(
            owner,
            &Versions {
                erp,
                crm,
                erp_before,
                crm_before,
                crm_keeps_form: false,
                crm_keeps_old_form: false,
                last_changed,
            },
        )
    }

    /// Read it as: what both say now | what both said before -> what follows under each owner.
    #[test]
    fn what_follows_under_each_owner() {
        use Merged::{Agreed, Conflict, Kept, Write};
        use Side::{Crm, Erp};
        let to_crm = Write(Crm);
        let to_erp = Write(Erp);
        // situation, erp, crm, latest, ask
        let table = [
            ("nobody changed it, it always differed", "a b | a b", [to_crm, to_erp, Conflict, Conflict]),
            ("finance changed it", "b a | a a", [to_crm, to_erp, to_crm, to_crm]),
            ("sales changed it", "a b | a a", [to_crm, to_erp, to_erp, Conflict]),
            ("both changed it, differently", "b c | a a", [to_crm, to_erp, Conflict, Conflict]),
            ("both changed it, alike", "b b | a a", [Agreed, Agreed, Agreed, Agreed]),
            ("finance emptied it", "- a | a a", [to_crm, to_erp, to_crm, to_crm]),
            ("sales emptied it", "a - | a a", [to_crm, to_erp, to_erp, Conflict]),
            ("finance emptied it, sales changed it", "- b | a a", [Kept, to_erp, Conflict, Conflict]),
            ("sales emptied it, finance changed it", "b - | a a", [to_crm, Kept, Conflict, Conflict]),
            ("sales filled what finance left empty", "- b | - -", [Kept, to_erp, to_erp, Kept]),
            ("finance filled what sales left empty", "b - | - -", [to_crm, Kept, to_crm, to_crm]),
            ("a first meeting, both have a value", "a b | - -", [to_crm, to_erp, Conflict, Conflict]),
        ];
        for (situation, words, wanted) in table {
            let found = OWNERS.map(|owner| merged(owner, words, None));
            assert_eq!(found, wanted, "{situation}");
        }
    }

    #[test]
    fn of_two_changes_the_later_counts_where_it_is_known() {
        assert_eq!(merged(Owner::Latest, "b c | a a", Some(Side::Erp)), Merged::Write(Side::Crm));
        assert_eq!(merged(Owner::Latest, "b c | a a", Some(Side::Crm)), Merged::Write(Side::Erp));
        assert_eq!(merged(Owner::Ask, "b c | a a", Some(Side::Crm)), Merged::Conflict, "asking is asking");
    }

    #[test]
    fn the_crms_own_form_is_no_difference() {
        let (erp, crm) = (text("1"), text("+1"));
        for owner in OWNERS {
            let versions = Versions {
                erp: erp.as_ref(),
                crm: crm.as_ref(),
                erp_before: None,
                crm_before: None,
                crm_keeps_form: true,
                crm_keeps_old_form: false,
                last_changed: None,
            };
            assert_eq!(merge(owner, &versions), Merged::Agreed);
        }
    }
}
