//! Findings from a table of observations, without any system.

use ::pipedrive::{Fielded, KnownField, WhoAmI};
use jiff::SignedDuration;
use oracle_fusion::Shape;
use saas_http::RefreshFrom;
use sync_core::budget::Spent;

use super::*;
use crate::check::observe::WebhooksSeen;
use crate::check::{Cause, FusionSeen, GrantSeen, PipedriveSeen, ResourceSeen, Severity};
use crate::config::Config;

pub(super) fn connection(more: &str) -> Connection {
    let text = include_str!("../../commands/init.toml");
    let text = text.replace("seats = 5", &format!("seats = 5\n{more}"));
    Config::parse(&text, "test.toml").unwrap().connections.remove(0)
}

pub(super) fn fusion() -> FusionSeen {
    let resource = || ResourceSeen { shape: Asked::Answered(Shape::default()), any: Asked::Answered(true) };
    FusionSeen {
        parties: resource(),
        accounts: resource(),
        customers: Asked::Answered(Some(1_000)),
        account_count: Asked::Answered(Some(1_200)),
        services: None,
        relationships: None,
        documents: None,
        ready: None,
        ahead: Some(SignedDuration::from_secs(-3)),
        requests: 7,
    }
}

fn me() -> WhoAmI {
    WhoAmI {
        user_id: 1,
        user_name: None,
        company_id: 2,
        company_name: Some("Acme".to_owned()),
        company_domain: Some("acme".to_owned()),
        admin: Some(true),
    }
}

pub(super) fn field(name: &str, kind: &str) -> KnownField {
    let code = "0123456789abcdef0123456789abcdef01234567".to_owned();
    KnownField { name: name.to_owned(), code, kind: kind.to_owned(), options: Vec::new(), labels: false }
}

pub(super) fn pipedrive() -> PipedriveSeen {
    PipedriveSeen {
        me: Asked::Answered(me()),
        organizations: Asked::Answered((3, false)),
        fields: Fielded::ALL.map(|fielded| (fielded, Asked::Answered(Vec::new()))).to_vec(),
        webhooks: None,
        ready: None,
        scopes: None,
        grant: None,
        belongs_to: None,
        tokens_a_day: Some(300_000),
        window: Some(40),
        left_today: Some(200_000),
        ahead: Some(SignedDuration::ZERO),
        spent: Spent { requests: 6, tokens: 52 },
    }
}

pub(super) fn report(connection: &Connection, fusion: FusionSeen, pipedrive: PipedriveSeen) -> Report {
    judge(connection, &Observed { store: Ok(()), fusion: Ok(fusion), pipedrive: Ok(pipedrive) })
}

pub(super) fn severity(report: &Report, name: &str) -> Severity {
    report.findings.iter().find(|finding| finding.name == name).unwrap().severity
}

#[test]
fn names_that_are_not_checked_are_those_that_are_checked_otherwise() {
    let connection = connection("");
    let names =
        |report: &Report| -> Vec<&str> { report.findings.iter().map(|finding| finding.name).collect() };
    let fine = report(&connection, fusion(), pipedrive());
    let why = || Unusable { message: "a secret is not set".to_owned(), help: None };
    let blind = judge(&connection, &Observed { store: Ok(()), fusion: Err(why()), pipedrive: Err(why()) });
    let mut expected = names(&blind);
    expected.retain(|name| !name.ends_with(".settings"));
    let (mut fine, mut expected) = (names(&fine), expected);
    fine.sort_unstable();
    expected.sort_unstable();
    assert_eq!(fine, expected);
    assert!(!blind.fits && blind.problems == 2);
}

#[test]
fn every_finding_is_explained() {
    let page = include_str!("../../../../../docs/check.md");
    let more = [
        "store.reachable",
        "fusion.settings",
        "fusion.own_fields",
        "fusion.services",
        "fusion.relationships",
        "pipedrive.settings",
        "pipedrive.refresh_token",
        "pipedrive.scopes",
        "pipedrive.own_fields",
        "pipedrive.labels",
        "pipedrive.webhooks",
        "fusion.customer_classes",
        "pipedrive.deals.readable",
        "pipedrive.pipelines",
        "pipedrive.owners",
        "pipedrive.currencies",
        "pipedrive.marks",
    ];
    for name in fusion::NAMES.into_iter().chain(creates::NAMES).chain(pipedrive::NAMES).chain(more) {
        assert!(page.contains(&format!("| `{name}` |")), "docs/check.md does not explain {name}");
    }
}

#[test]
fn a_grant_is_there_and_not_about_to_die_or_the_way_to_get_one_is_told() {
    let ended = RefreshFrom::Ended("2026-03-02T12:00:00.5Z".parse().unwrap());
    for (from, days, expected) in [
        (RefreshFrom::Nowhere, None, Severity::Problem),
        (ended, None, Severity::Problem),
        (RefreshFrom::Seed, None, Severity::Ok),
        (RefreshFrom::Vault, None, Severity::Ok),
        (RefreshFrom::Vault, Some(45), Severity::Ok),
        (RefreshFrom::Vault, Some(46), Severity::Warning),
    ] {
        let idle = days.map(|days| SignedDuration::from_hours(24 * days));
        let seen = PipedriveSeen { grant: Some(GrantSeen { from, idle }), ..pipedrive() };
        let report = report(&connection(""), fusion(), seen);
        let found = report.findings.iter().find(|finding| finding.name == "pipedrive.refresh_token").unwrap();
        assert_eq!(found.severity, expected, "{from:?} {days:?}");
        if expected == Severity::Problem {
            assert!(found.remedy.as_ref().unwrap().what.contains("connect acme"), "{found:?}");
            assert_eq!(severity(&report, "pipedrive.credentials"), Severity::NotChecked);
            assert_eq!(report.problems, 1, "one cause, one problem");
        }
    }
    let dead = Trouble {
        token: true,
        cause: Cause::Unauthorized,
        said: "400: invalid_grant: Invalid grant: refresh_token is invalid".to_owned(),
        correlation: None,
    };
    let grant = Some(GrantSeen { from: RefreshFrom::Vault, idle: None });
    let seen = PipedriveSeen { grant, me: Asked::Failed(dead), ..pipedrive() };
    let report = report(&connection(""), fusion(), seen);
    assert_eq!(severity(&report, "pipedrive.refresh_token"), Severity::NotChecked);
}

#[test]
fn credentials_of_another_company_than_before_are_a_problem() {
    let seen = PipedriveSeen { belongs_to: Some(3), ..pipedrive() };
    assert_eq!(severity(&report(&connection(""), fusion(), seen), "pipedrive.company"), Severity::Problem);
    let seen = PipedriveSeen { belongs_to: Some(2), ..pipedrive() };
    assert_eq!(severity(&report(&connection(""), fusion(), seen), "pipedrive.company"), Severity::Ok);
}

#[test]
fn a_first_load_is_counted_in_days_by_what_is_left() {
    let small = connection("daily_tokens = 3000\nreserve = 0.0");
    // 3,000 a day less 960 for looking.
    for (customers, left, days) in
        [(100, 3_000, Some(1)), (1_000, 2_040, Some(3)), (1_000, 0, Some(4)), (10_000, 0, Some(26))]
    {
        let seen = PipedriveSeen { tokens_a_day: Some(3_000), left_today: Some(left), ..pipedrive() };
        let erp = FusionSeen {
            customers: Asked::Answered(Some(customers)),
            account_count: Asked::Answered(None),
            ..fusion()
        };
        let report = report(&small, erp, seen);
        assert_eq!(report.first_load.days, days, "{:?}", report.first_load);
        let expected = if days > Some(3) { Severity::Warning } else { Severity::Ok };
        assert_eq!(severity(&report, "pipedrive.budget"), expected);
    }
}

#[test]
fn clocks_may_differ_by_a_minute() {
    for (ahead, expected) in [(59, Severity::Ok), (-61, Severity::Warning), (3_600, Severity::Warning)] {
        let seen = FusionSeen { ahead: Some(SignedDuration::from_secs(ahead)), ..fusion() };
        assert_eq!(
            severity(&report(&connection(""), seen, pipedrive()), "fusion.clock"),
            expected,
            "{ahead}"
        );
    }
}

#[test]
fn what_is_counted_is_only_nice_to_know() {
    let down = Trouble { token: false, cause: Cause::Down(500), said: "500".to_owned(), correlation: None };
    let seen =
        FusionSeen { customers: Asked::Failed(down.clone()), account_count: Asked::Failed(down), ..fusion() };
    let report = report(&connection(""), seen, pipedrive());
    assert!(report.fits);
    assert_eq!(severity(&report, "fusion.reachable"), Severity::Ok);
    assert_eq!(severity(&report, "fusion.customers"), Severity::Note);
    assert_eq!(report.first_load.customers, None);
}

#[test]
fn a_digest_alone_is_warned_about() {
    let mut connection = connection("");
    let toml = "public_url = \"https://sync.example.com\"\nhmac = { secret = \"s\" }";
    connection.webhooks = Some(toml::from_str(toml).unwrap());
    assert_eq!(
        severity(&report(&connection, fusion(), pipedrive()), "pipedrive.webhooks"),
        Severity::Warning
    );
    let toml = "public_url = \"https://sync.example.com\"\nbasic = [{ user = \"u\", password = \"p\" }]";
    connection.webhooks = Some(toml::from_str(toml).unwrap());
    let seen = |listed, ours| {
        let webhooks = Some(Asked::Answered(WebhooksSeen { listed, ours }));
        severity(
            &report(&connection, fusion(), PipedriveSeen { webhooks, ..pipedrive() }),
            "pipedrive.webhooks",
        )
    };
    assert_eq!((seen(3, true), seen(3, false)), (Severity::Ok, Severity::Note));
    assert_eq!((seen(36, true), seen(40, false)), (Severity::Warning, Severity::Warning));
}

#[test]
fn another_company_than_the_address_names_is_told() {
    let mut other = connection("");
    other.pipedrive.base_url = "https://initech.pipedrive.com".parse().unwrap();
    assert_eq!(severity(&report(&other, fusion(), pipedrive()), "pipedrive.company"), Severity::Warning);
    other.pipedrive.base_url = "https://api.pipedrive.com".parse().unwrap();
    assert_eq!(severity(&report(&other, fusion(), pipedrive()), "pipedrive.company"), Severity::Ok);
    let limited = PipedriveSeen { me: Asked::Answered(WhoAmI { admin: Some(false), ..me() }), ..pipedrive() };
    assert_eq!(severity(&report(&other, fusion(), limited), "pipedrive.permissions"), Severity::Warning);
}

#[test]
fn room_is_what_the_plan_leaves_over_all_kinds_of_records() {
    let lite = Connection {
        pipedrive: {
            let mut pipedrive = connection("").pipedrive;
            pipedrive.plan = crate::config::Plan::Lite;
            pipedrive
        },
        ..connection("")
    };
    let wanted = lite.fields.table().custom().len();
    for (deals, expected) in [(30 - wanted, Severity::Note), (31 - wanted, Severity::Problem)] {
        let mut seen = pipedrive();
        seen.fields[1].1 = Asked::Answered(vec![field("A field", "text"); deals]);
        assert_eq!(severity(&report(&lite, fusion(), seen), "pipedrive.fields.missing"), expected);
    }
    let mut seen = pipedrive();
    seen.fields[0].1 =
        Asked::Answered(lite.fields.table().custom().iter().map(|f| field(&f.name, "varchar")).collect());
    assert_eq!(severity(&report(&lite, fusion(), seen), "pipedrive.fields.missing"), Severity::Ok);
}

#[test]
fn numbers_are_grouped() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!(
        (counted(1, "field"), counted(2_000, "field")),
        ("1 field".to_owned(), "2,000 fields".to_owned())
    );
}
