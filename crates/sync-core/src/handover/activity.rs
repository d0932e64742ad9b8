//! One activity for the deal's owner that says what has to be filled in before there can be a customer. It is done once it is
//! filled in; one that a person deleted is not made again.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::question::Question;
use crate::ids::{ActivityId, DealId, IntentId, OrgId};

/// An activity of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The deal it is about.
    pub deal: DealId,
    /// What it asks for.
    pub what: Vec<String>,
    /// Its identity; none before it is known to be there.
    pub id: Option<ActivityId>,
    /// What is being written: committed before it is sent, and gone with its receipt.
    pub sending: Option<Sent>,
    /// Why there is none: it was refused, or somebody deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
}

/// A write of an activity without a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its number.
    pub intent: IntentId,
    /// When it was sent.
    pub since: Timestamp,
}

/// What an activity says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityWords {
    /// One line.
    pub subject: String,
    /// HTML below it.
    pub note: String,
}

/// An activity to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewActivity {
    /// The deal it is shown on.
    pub deal: DealId,
    /// Its organization, if it is about that, too.
    pub org: Option<OrgId>,
    /// Who has to do it; whose access we use, if nobody is named.
    pub owner: Option<i64>,
    /// The day it is due.
    pub due: Date,
    /// What it says.
    pub words: ActivityWords,
}

/// What is changed on an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivityChange {
    /// It says something else.
    Words(ActivityWords),
    /// It is done.
    Done,
}

/// What has to happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivityStep {
    /// Nothing.
    Nothing,
    /// One is made.
    Create {
        /// On this deal.
        deal: DealId,
        /// Asking for this.
        what: Vec<String>,
    },
    /// The creation of one got no answer: it is looked for.
    LookFor {
        /// On this deal.
        deal: DealId,
        /// The number of its write.
        sent: Sent,
    },
    /// It asks for something else now.
    Reword {
        /// The one.
        id: ActivityId,
        /// What it asks for now.
        what: Vec<String>,
    },
    /// It is marked as done.
    Finish {
        /// The one.
        id: ActivityId,
    },
    /// There was none, and nothing is asked for any more.
    Forget,
}

/// What has to happen with the activity of a handover, given what is asked about it now.
#[must_use]
pub fn activity_step(question: Option<&Question>, activity: Option<&Activity>) -> ActivityStep {
    let wanted = question.and_then(Question::asks_owner_of);
    let Some(activity) = activity else {
        return wanted
            .map_or(ActivityStep::Nothing, |(deal, what)| ActivityStep::Create { deal, what: what.clone() });
    };
    let same_deal = wanted.filter(|(deal, _)| *deal == activity.deal);
    match (activity.id, activity.sending) {
        (None, Some(sent)) => ActivityStep::LookFor { deal: activity.deal, sent },
        (None, None) if same_deal.is_some() => ActivityStep::Nothing,
        (None, None) => ActivityStep::Forget,
        (Some(id), _) => match same_deal {
            Some((_, what)) if *what == activity.what && activity.sending.is_none() => ActivityStep::Nothing,
            Some((_, what)) => ActivityStep::Reword { id, what: what.clone() },
            None => ActivityStep::Finish { id },
        },
    }
}

/// By which our activity is found again: it stands in its note.
#[must_use]
pub fn activity_marker(org: OrgId, intent: IntentId) -> String {
    format!("ml-connector org {org} no. {intent}")
}

/// What the activity says.
#[must_use]
pub fn activity_words(what: &[String], marker: &str) -> ActivityWords {
    let what = what.join(", ");
    ActivityWords {
        subject: format!("For the ERP: fill in {what}"),
        note: format!(
            "<p>This deal is won. Its organization becomes a customer of the ERP once it has: {what}.</p>\
             <p>Fill that in on the organization; this activity is marked as done then.</p><p>{marker}</p>"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::trigger::Cause, *};

    fn missing(deal: i64, what: &[&str]) -> Question {
        let what = what.iter().map(|word| (*word).to_owned()).collect();
        Question::DataMissing { cause: Cause::Deal(DealId(deal)), what }
    }

    fn activity(deal: i64, what: &[&str]) -> Activity {
        let what = what.iter().map(|word| (*word).to_owned()).collect();
        Activity { deal: DealId(deal), what, id: Some(ActivityId(5)), sending: None, dropped: None }
    }

    const SENT: Sent = Sent { intent: IntentId(3), since: Timestamp::UNIX_EPOCH };

    #[test]
    fn one_is_made_where_a_won_deal_waits_for_data_and_for_nothing_else() {
        let what = vec!["country".to_owned()];
        let create = ActivityStep::Create { deal: DealId(7), what };
        assert_eq!(activity_step(Some(&missing(7, &["country"])), None), create);
        assert_eq!(activity_step(None, None), ActivityStep::Nothing);
        let approval = Question::ApprovalNeeded { cause: Cause::Deal(DealId(7)), title: None, value: None };
        assert_eq!(activity_step(Some(&approval), None), ActivityStep::Nothing);
        let nobodys = Question::DataMissing { cause: Cause::Created, what: vec!["country".to_owned()] };
        assert_eq!(
            activity_step(Some(&nobodys), None),
            ActivityStep::Nothing,
            "there is no deal to hang it on"
        );
    }

    #[test]
    fn what_is_there_follows_the_question_and_is_done_with_it() {
        let there = activity(7, &["country"]);
        let id = ActivityId(5);
        assert_eq!(activity_step(Some(&missing(7, &["country"])), Some(&there)), ActivityStep::Nothing);
        let reword = ActivityStep::Reword { id, what: vec!["tax id".to_owned()] };
        assert_eq!(activity_step(Some(&missing(7, &["tax id"])), Some(&there)), reword);
        assert_eq!(activity_step(None, Some(&there)), ActivityStep::Finish { id });
        assert_eq!(activity_step(Some(&missing(8, &["country"])), Some(&there)), ActivityStep::Finish { id });
        let lost = Activity { sending: Some(SENT), ..there };
        let again = ActivityStep::Reword { id, what: vec!["country".to_owned()] };
        assert_eq!(
            activity_step(Some(&missing(7, &["country"])), Some(&lost)),
            again,
            "no receipt: once more"
        );
    }

    #[test]
    fn one_without_an_answer_is_looked_for_before_anything_else() {
        let lost = Activity { id: None, sending: Some(SENT), ..activity(7, &["country"]) };
        let look = ActivityStep::LookFor { deal: DealId(7), sent: SENT };
        for question in [None, Some(missing(7, &["country"])), Some(missing(8, &["tax id"]))] {
            assert_eq!(activity_step(question.as_ref(), Some(&lost)), look);
        }
    }

    #[test]
    fn one_that_a_person_deleted_is_not_made_again_for_the_same_deal() {
        let gone = Activity { id: None, dropped: Some("deleted".to_owned()), ..activity(7, &["country"]) };
        assert_eq!(activity_step(Some(&missing(7, &["tax id"])), Some(&gone)), ActivityStep::Nothing);
        assert_eq!(activity_step(None, Some(&gone)), ActivityStep::Forget);
        assert_eq!(activity_step(Some(&missing(8, &["country"])), Some(&gone)), ActivityStep::Forget);
    }
}
