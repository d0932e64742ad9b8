//! Questions for a person about documents and about what a deal shows of them.

use serde::{Deserialize, Serialize};

use super::{
    kind::{DocumentKey, DocumentKind},
    rollup::{RollUpField, RollUpValue, Trouble},
    rule::{Ambiguity, Candidate},
};
use crate::ids::DealId;

/// Why a document or a deal's page waits for a person. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "hold")]
pub enum DocumentQuestion {
    /// It is not certain to which deal a document belongs.
    DealAmbiguous {
        /// The document.
        document: DocumentKey,
        /// What people call it.
        number: String,
        /// The deals, the likeliest first.
        candidates: Vec<Candidate>,
        /// Why it was not decided.
        because: Ambiguity,
    },
    /// We wrote the same value twice, and somebody changed it each time.
    FieldContested {
        /// The deal.
        deal: DealId,
        /// The field.
        field: RollUpField,
        /// What the documents say.
        ours: Option<RollUpValue>,
        /// What the deal says.
        theirs: Option<RollUpValue>,
    },
    /// A field cannot be told; it is left as it is.
    FieldUntold {
        /// The deal.
        deal: DealId,
        /// The field.
        field: RollUpField,
        /// Why.
        trouble: Trouble,
    },
}

impl DocumentQuestion {
    /// One example of each, for reference pages and for tests of what handles all of them.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        std::iter::successors(Self::example_after(None), |one| Self::example_after(Some(one))).collect()
    }

    /// Without `_`, so that a new one cannot be forgotten.
    fn example_after(question: Option<&Self>) -> Option<Self> {
        let deal = DealId(81);
        let said = |text: &str| Some(RollUpValue::Text(text.to_owned()));
        Some(match question {
            None => Self::DealAmbiguous {
                document: DocumentKey { kind: DocumentKind::Invoice, id: 300_100_123 },
                number: "INV-1".to_owned(),
                candidates: vec![Candidate {
                    deal,
                    title: "Contract".to_owned(),
                    score: 45,
                    reasons: Vec::new(),
                }],
                because: Ambiguity::CloseCall,
            },
            Some(Self::DealAmbiguous { .. }) => Self::FieldContested {
                deal,
                field: RollUpField::LastInvoiceNumber,
                ours: said("INV-1"),
                theirs: said("INV-7"),
            },
            Some(Self::FieldContested { .. }) => Self::FieldUntold {
                deal,
                field: RollUpField::OpenBalance,
                trouble: Trouble::UnknownCurrency { currency: "XTS".to_owned() },
            },
            Some(Self::FieldUntold { .. }) => return None,
        })
    }

    /// Its name in lists, filters and metrics.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::DealAmbiguous { .. } => "deal_ambiguous",
            Self::FieldContested { .. } => "deal_field_contested",
            Self::FieldUntold { .. } => "deal_field_untold",
        }
    }

    /// One sentence for people: what is wrong and what can be done about it.
    #[must_use]
    pub fn explain(&self) -> String {
        let text = |value: &Option<RollUpValue>| match value {
            None => "nothing".to_owned(),
            Some(RollUpValue::Text(said)) => said.clone(),
            Some(RollUpValue::Money(money)) => format!("{} {}", money.amount, money.currency),
            Some(RollUpValue::Date(day)) => day.to_string(),
            Some(RollUpValue::Count(count)) => count.to_string(),
        };
        match self {
            Self::DealAmbiguous { document, number, candidates, because } => {
                let list: Vec<String> = candidates
                    .iter()
                    .map(|one| format!("{} \"{}\" ({} points)", one.deal, one.title, one.score))
                    .collect();
                format!(
                    "{document} \"{number}\": {} Candidates: {}. Say which deal it is, or that it is none, for this document or as a rule.",
                    because.explain(),
                    list.join(", ")
                )
            }
            Self::FieldContested { deal, field, ours, theirs } => format!(
                "Deal {deal}, {}: the ERP's documents say \"{}\" and that was written twice, the deal says \"{}\" again. Leave it, or write it once more.",
                field.key(),
                text(ours),
                text(theirs)
            ),
            Self::FieldUntold { deal, field, trouble } => format!(
                "Deal {deal}, {}: {}. The field is left as it is until that is mended.",
                field.key(),
                trouble.explain()
            ),
        }
    }

    /// What can be answered, with what it does.
    #[must_use]
    pub fn answers(&self) -> Vec<(&'static str, &'static str)> {
        const RETRY: (&str, &str) = ("retry", "look at it again now");
        match self {
            Self::DealAmbiguous { .. } => vec![
                ("deal", "it belongs to deal DEAL"),
                ("none", "it belongs to no deal"),
                ("rule", "it belongs to deal DEAL, and so does whatever is alike in WHAT"),
                RETRY,
            ],
            Self::FieldContested { .. } => {
                vec![("leave", "leave what the deal says"), ("write", "write it once more"), RETRY]
            }
            Self::FieldUntold { .. } => vec![("leave", "leave what the deal says"), RETRY],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_its_own_name_a_sentence_and_an_answer() {
        let all = DocumentQuestion::examples();
        let keys: std::collections::BTreeSet<&str> = all.iter().map(DocumentQuestion::key).collect();
        assert_eq!(keys.len(), all.len());
        let holds = crate::hold::HoldReason::examples();
        let handovers = crate::handover::Question::examples();
        assert!(holds.iter().all(|hold| !keys.contains(hold.key())), "one list shows all");
        assert!(handovers.iter().all(|hold| !keys.contains(hold.key())), "one list shows all");
        for question in &all {
            assert!(question.explain().len() > 20, "{}", question.explain());
            assert!(question.answers().iter().any(|(key, _)| *key == "retry"), "{}", question.key());
            let json = serde_json::to_string(question).unwrap();
            assert_eq!(&serde_json::from_str::<DocumentQuestion>(&json).unwrap(), question);
        }
    }
}
