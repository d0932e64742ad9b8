//! Minute by minute: what is so, and what is told of it.

use super::*;
use crate::ids::{DealId, OrgId};

const PATIENCE: Patience =
    Patience { broken_after: SignedDuration::from_mins(15), won_deal_after: SignedDuration::from_mins(30) };

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + minute * 60).unwrap()
}

/// Somebody who looks each minute and starts anew between two looks: what was told goes through its stored form.
#[derive(Default)]
struct Story {
    told: Told,
    minute: i64,
}

impl Story {
    /// Looks for some minutes while it is so; what was told, with the minute.
    fn look(&mut self, minutes: i64, seen: &Seen) -> Vec<(i64, Alert)> {
        let mut all = Vec::new();
        for _ in 0..minutes {
            let stored = serde_json::to_string(&self.told).unwrap();
            let told = serde_json::from_str(&stored).unwrap();
            let (alerts, told) = judge(seen, told, &PATIENCE, at(self.minute));
            all.extend(alerts.into_iter().map(|alert| (self.minute, alert)));
            self.told = told;
            self.minute += 1;
        }
        all
    }

    /// The same, by type.
    fn keys(&mut self, minutes: i64, seen: &Seen) -> Vec<(i64, &'static str)> {
        self.look(minutes, seen).into_iter().map(|(minute, alert)| (minute, alert.key())).collect()
    }
}

fn well() -> Seen {
    Seen::default()
}

fn broken() -> Seen {
    Seen { troubles: [Trouble::NoAccess(Side::Crm)].into(), ..Seen::default() }
}

fn held(holds: u64) -> Seen {
    Seen { holds, ..Seen::default() }
}

fn spent(day: i64, percent: u64) -> Seen {
    Seen { budget: BudgetSeen { day, percent, exhausted_until: None }, ..Seen::default() }
}

fn open(handovers: &[(Subject, bool)]) -> Seen {
    Seen { handovers: Some(handovers.iter().copied().collect()), ..Seen::default() }
}

#[test]
fn a_connection_is_broken_once_and_works_again_once() {
    let mut story = Story::default();
    assert_eq!(story.keys(10, &well()), []);
    let told = story.look(300, &broken());
    let since = at(10);
    let troubles = [Trouble::NoAccess(Side::Crm)].into();
    assert_eq!(told, [(25, Alert::Broken { troubles, since })], "once, and from when it began");
    assert!(story.told.is_broken());
    assert_eq!(story.look(60, &well()), [(312, Alert::Recovered { broken_since: since })]);
    assert!(!story.told.is_broken());
    assert_eq!(story.keys(60, &well()), []);
    assert_eq!(story.keys(16, &broken()), [(445, "connection.broken")], "anew");
}

#[test]
fn what_flaps_is_not_told() {
    let mut story = Story::default();
    for _ in 0..20 {
        assert_eq!(story.keys(14, &broken()), []);
        assert_eq!(story.keys(1, &well()), []);
    }
    assert_eq!(story.keys(16, &broken()), [(315, "connection.broken")]);
    for _ in 0..20 {
        assert_eq!(story.keys(2, &well()), [], "not yet");
        assert_eq!(story.keys(5, &broken()), [], "it is known");
    }
    // Another trouble is the same state.
    let other = Seen { troubles: [Trouble::Silent(Side::Erp)].into(), ..Seen::default() };
    assert_eq!(story.keys(60, &other), []);
}

#[test]
fn a_clock_that_is_set_back_makes_nobody_wait_for_longer() {
    let mut story = Story { minute: 1_000, ..Story::default() };
    assert_eq!(story.keys(10, &broken()), []);
    story.minute = 0;
    assert_eq!(story.keys(20, &broken()), [(15, "connection.broken")]);
}

#[test]
fn questions_are_told_when_there_are_some_when_there_are_more_and_when_there_are_none() {
    let mut story = Story::default();
    assert_eq!(story.look(1, &held(1)), [], "answered within a minute");
    assert_eq!(story.look(9, &held(0)), []);
    let waiting = |holds, before| Alert::HoldsWaiting { holds, before };
    assert_eq!(story.look(3, &held(3)), [(12, waiting(3, 0))]);
    assert_eq!(story.look(50, &held(3)), []);
    assert_eq!(story.look(9, &held(7)), [], "more, but within the hour");
    assert_eq!(story.look(9, &held(7)), [(72, waiting(7, 3))]);
    assert_eq!(story.look(300, &held(7)), []);
    assert_eq!(story.look(5, &held(2)), [], "fewer");
    assert_eq!(story.look(5, &held(4)), [(386, waiting(4, 2))], "more than the fewest since");
    assert_eq!(story.look(1, &held(0)), []);
    assert_eq!(story.look(2, &held(1)), [], "it was none for a moment only");
    assert_eq!(story.look(5, &held(0)), [(396, Alert::HoldsDone)]);
    assert_eq!(story.look(60, &held(0)), []);
}

#[test]
fn each_mark_of_the_budget_is_told_once_a_day() {
    let mut story = Story::default();
    let used = |mark, percent| Alert::BudgetUsed { mark, percent, until: None };
    assert_eq!(story.look(5, &spent(1, 74)), []);
    assert_eq!(story.look(5, &spent(1, 76)), [(5, used(75, 76))]);
    assert_eq!(story.look(5, &spent(1, 99)), []);
    assert_eq!(story.look(5, &spent(1, 100)), [(15, used(100, 100))]);
    assert_eq!(story.look(5, &spent(1, 90)), [], "corrected downwards");
    assert_eq!(story.look(180, &spent(1, 120)), []);
    assert_eq!(story.look(5, &spent(2, 10)), []);
    assert_eq!(story.look(5, &spent(2, 130)), [(210, used(100, 130))], "at once, and not 75 first");
    assert_eq!(story.look(90, &spent(2, 130)), []);
}

#[test]
fn that_the_crm_says_nothing_is_left_is_told_once_even_beyond_midnight() {
    let until = Some(at(600));
    let exhausted = |day, percent| Seen {
        budget: BudgetSeen { day, percent, exhausted_until: until },
        ..Seen::default()
    };
    let mut story = Story::default();
    let told = story.look(5, &exhausted(1, 40));
    assert_eq!(told, [(0, Alert::BudgetUsed { mark: 100, percent: 40, until })]);
    assert_eq!(story.look(500, &exhausted(2, 0)), []);
    assert_eq!(story.look(5, &spent(2, 3)), []);
    assert_eq!(story.keys(5, &spent(2, 80)), [(510, "budget.used")], "another day");
}

#[test]
fn a_won_deal_without_a_customer_is_late_once_and_done_once() {
    let [one, two, three] = [Subject::Org(OrgId(11)), Subject::Org(OrgId(12)), Subject::Deal(DealId(81))];
    let mut story = Story::default();
    assert_eq!(story.look(29, &open(&[(one, false)])), []);
    assert_eq!(story.look(10, &open(&[])), [], "done in time");
    assert_eq!(story.look(5, &open(&[(one, true)])), []);
    let told = story.look(26, &open(&[(one, true), (two, false)]));
    assert_eq!(told, [(69, Alert::HandoverLate { late: vec![one], asked: 1, all: 1 })]);
    // Those that are late soon after are told together.
    let all = [(one, true), (two, false), (three, true)];
    let told = story.look(60, &open(&all));
    assert_eq!(
        told,
        [
            (79, Alert::HandoverLate { late: vec![two], asked: 0, all: 2 }),
            (100, Alert::HandoverLate { late: vec![three], asked: 1, all: 3 }),
        ]
    );
    assert_eq!(story.look(300, &open(&all)), [], "each once");
    let told = story.look(30, &open(&[(two, false)]));
    assert_eq!(told, [(430, Alert::HandoverDone { done: vec![one, three], left: 1 })]);
    assert_eq!(story.keys(30, &Seen::default()), [], "switched off");
    assert_eq!(story.keys(30, &open(&[])), []);
}

#[test]
fn an_alert_says_what_is_so_what_to_do_and_where_and_names_no_more_than_ids() {
    let since = at(0);
    let broken =
        Alert::Broken { troubles: [Trouble::NoAccess(Side::Crm), Trouble::Silent(Side::Erp)].into(), since };
    let body = broken.body("acme", Some("https://sync.example.com/c/acme"), at(15));
    assert_eq!(
        body,
        serde_json::json!({
            "type": "connection.broken",
            "timestamp": "2026-01-01T00:15:00Z",
            "text": "acme is broken since 2026-01-01T00:00:00Z: the CRM refuses our access; nothing can be read from the ERP.",
            "data": {
                "connection": "acme",
                "troubles": ["crm_no_access", "erp_silent"],
                "since": "2026-01-01T00:00:00Z",
                "text": "acme is broken since 2026-01-01T00:00:00Z: the CRM refuses our access; nothing can be read from the ERP.",
                "help": "`ml-connector check --connection acme` tells what is wrong and what to do; an app gets access again with `ml-connector connect acme`.",
                "link": "https://sync.example.com/c/acme",
            },
        })
    );
    let late: Vec<Subject> = (1..=30).map(|id| Subject::Org(OrgId(id))).collect();
    let body = Alert::HandoverLate { late, asked: 2, all: 30 }.body("acme", None, at(0));
    assert_eq!(body["data"]["count"], 30);
    assert_eq!(body["data"]["handovers"].as_array().map(Vec::len), Some(20));
    assert_eq!(body["data"]["handovers"][0], "organization 1");
    assert!(body["data"].get("link").is_none());
    for (alert, says) in [
        (Alert::Recovered { broken_since: since }, "acme works again"),
        (Alert::HoldsWaiting { holds: 1, before: 0 }, "1 question waits for a person."),
        (Alert::HoldsWaiting { holds: 5, before: 2 }, "5 questions wait for a person, 3 more than before."),
        (Alert::HoldsDone, "no question waits any more"),
        (
            Alert::BudgetUsed { mark: 75, percent: 78, until: None },
            "78 % of the CRM's budget of the day is used up.",
        ),
        (
            Alert::BudgetUsed { mark: 100, percent: 40, until: Some(at(0)) },
            "nothing is left until 2026-01-01T00:00:00Z",
        ),
        (
            Alert::HandoverDone { done: vec![Subject::Org(OrgId(1))], left: 2 },
            "1 won deal that waited for a customer of the ERP is done with; 2 still wait.",
        ),
    ] {
        assert!(alert.text("acme").contains(says), "{}", alert.text("acme"));
        assert!(!alert.help("acme").is_empty());
    }
}
