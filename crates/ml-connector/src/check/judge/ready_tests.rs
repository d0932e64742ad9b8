//! Findings about handovers, from a table of observations.

use std::collections::{BTreeMap, BTreeSet};

use ::pipedrive::{Fielded, KnownField, User};
use oracle_fusion::{SetAssignment, SetAssignments, SourceSystem};
use sync_core::customers::{AccountSite, FoundAccount};
use sync_core::deals::{CrmDeal, DealStatus};
use sync_core::ids::{AccountId, AccountSiteId, DealId, OrgId, PartyId, PartySiteId, SetId};

use super::tests::{connection, field, fusion, pipedrive, report, severity};
use super::*;
use crate::check::{CrmReady, DealsSeen, ErpReady, FusionSeen, PipedriveSeen, Severity};

const SET: i64 = 300_000_001_127_004;

/// A section with these lines, and one unit with these.
fn wanting(section: &str, unit: &str) -> Connection {
    let text = format!("{section}\n[[business_unit]]\nname = \"US1\"\nset_id = {SET}\n{unit}");
    Connection { customers_from_crm: Some(toml::from_str(&text).unwrap()), ..connection("") }
}

fn tables() -> Vec<String> {
    let tables = [
        "HZ_PARTIES",
        "HZ_PARTY_SITES",
        "HZ_CUST_ACCOUNTS",
        "HZ_CUST_ACCT_SITES_ALL",
        "HZ_CUST_SITE_USES_ALL",
    ];
    tables.map(str::to_owned).to_vec()
}

fn system() -> SourceSystem {
    SourceSystem { active: true, for_parties: Some(true), tables: tables() }
}

fn assigned(set: i64, group: &str) -> SetAssignment {
    SetAssignment { set: SetId(set), code: Some("US1SET".to_owned()), group: Some(group.to_owned()) }
}

fn account(class: &str, set: i64) -> FoundAccount {
    let site = AccountSite {
        id: AccountSiteId(1),
        party_site: PartySiteId(1),
        set: Some(SetId(set)),
        active: true,
        uses: Vec::new(),
    };
    FoundAccount {
        id: AccountId(1),
        party: PartyId(1),
        number: "1".to_owned(),
        name: None,
        class: Some(class.to_owned()),
        active: true,
        sites: vec![site],
        contacts: Vec::new(),
        unclear: None,
    }
}

fn erp() -> ErpReady {
    let rows = vec![assigned(SET, "HZ_CUSTOMER_ACCOUNT_SITE"), assigned(7, "AR_PAYMENT_TERMS")];
    ErpReady {
        source_system: Asked::Answered(Some(system())),
        by_reference: Asked::Answered(()),
        persons: None,
        account_service: Asked::Answered(()),
        accounts: Asked::Answered(vec![account("Retail", 9)]),
        profiles: Some(Asked::Answered(BTreeSet::from(["DEFAULT".to_owned()]))),
        sets: Asked::Answered(SetAssignments { rows, more: false }),
        usage: Asked::Answered(true),
        children: Some(Asked::Answered(true)),
    }
}

fn won(id: i64, org: Option<i64>, at: &str) -> CrmDeal {
    CrmDeal {
        id: DealId(id),
        title: "A deal".to_owned(),
        status: DealStatus::Won,
        value: None,
        org: org.map(OrgId),
        person: None,
        owner: None,
        pipeline: None,
        stage: None,
        won_at: Some(at.parse().unwrap()),
        added_at: None,
        expected_close: None,
        archived: false,
        updated_at: at.parse().unwrap(),
        custom: BTreeMap::new(),
        label_ids: Vec::new(),
        facts: sync_core::deals::DealFacts::default(),
    }
}

fn user(id: i64, name: &str, active: bool) -> User {
    User { id, name: Some(name.to_owned()), email: Some(format!("{id}@acme.example")), active }
}

fn crm() -> CrmReady {
    let deals = |rows| Asked::Answered(DealsSeen { rows, more: false });
    CrmReady {
        won: deals(Vec::new()),
        open: deals(Vec::new()),
        pipelines: Some(Asked::Answered(BTreeMap::from([(1, "US Sales".to_owned())]))),
        users: Some(Asked::Answered(vec![user(5, "Ann Lee", true), user(6, "Bob Gone", false)])),
        currencies: Some(Asked::Answered(BTreeMap::from([("USD".to_owned(), 2)]))),
        activated_at: None,
        customers: BTreeSet::new(),
    }
}

fn judged(connection: &Connection, erp: ErpReady, crm: CrmReady) -> Report {
    let fusion = FusionSeen { ready: Some(erp), ..fusion() };
    report(connection, fusion, PipedriveSeen { ready: Some(crm), ..pipedrive() })
}

fn refused<T>(cause: Cause, said: &str) -> Asked<T> {
    Asked::Failed(Trouble { token: false, cause, said: said.to_owned(), correlation: None })
}

/// What is found, how bad it is, and a word of what is seen or to be done.
#[track_caller]
fn says(report: &Report, name: &str, expected: Severity, word: &str) {
    let finding = report.findings.iter().find(|finding| finding.name == name).unwrap();
    let remedy = finding.remedy.as_ref().map(|remedy| format!("{} {}", remedy.what, remedy.place));
    let text = format!("{} {}", finding.seen, remedy.clone().unwrap_or_default());
    assert_eq!(finding.severity, expected, "{finding:?}");
    assert!(text.contains(word), "{word} is not in {finding:?}");
    let needs_one = matches!(expected, Severity::Warning | Severity::Problem);
    assert!(!needs_one || remedy.is_some(), "what is to be done? {finding:?}");
}

#[test]
fn what_fits_is_fine_and_names_are_the_same_as_those_that_are_not_checked() {
    let section = "review_above = { USD = 50000 }";
    let wanted = wanting(section, "when = { pipeline = [\"us sales\"], owner = [\"Ann Lee\"] }");
    let fine = judged(&wanted, erp(), crm());
    assert!(fine.fits && fine.warnings == 0, "{:?}", fine.findings);
    assert_eq!(severity(&fine, "fusion.source_system"), Severity::Ok);
    let names =
        |report: &Report| -> BTreeSet<&str> { report.findings.iter().map(|finding| finding.name).collect() };
    let why = || Unusable { message: "a secret is not set".to_owned(), help: None };
    let blind = judge(&wanted, &Observed { store: Ok(()), fusion: Err(why()), pipedrive: Err(why()) });
    let settings = BTreeSet::from(["fusion.settings", "pipedrive.settings"]);
    assert_eq!(names(&fine), &names(&blind) - &settings);
    let none = report(&connection(""), fusion(), pipedrive());
    says(&none, "fusion.source_system", Severity::Ok, "not needed");
    assert!(none.handovers.is_none());
}

#[test]
fn a_source_system_is_set_up_or_not_or_that_cannot_be_told() {
    let unknown = "HZ-120559: the source system is not registered";
    let not_for_sites = SourceSystem { tables: tables()[..3].to_vec(), ..system() };
    for (source_system, by_reference, expected, word) in [
        (Asked::Answered(Some(system())), Asked::Answered(()), Severity::Ok, "is set up"),
        (
            Asked::Answered(None),
            Asked::Answered(()),
            Severity::Problem,
            "Manage Trading Community Source Systems",
        ),
        (
            Asked::Answered(Some(SourceSystem { active: false, ..system() })),
            Asked::Answered(()),
            Severity::Problem,
            "not in use",
        ),
        (
            Asked::Answered(Some(SourceSystem { for_parties: Some(false), ..system() })),
            Asked::Answered(()),
            Severity::Problem,
            "Trading Community members",
        ),
        (
            Asked::Answered(Some(not_for_sites)),
            Asked::Answered(()),
            Severity::Warning,
            "for sites, site uses",
        ),
        (
            Asked::Answered(Some(SourceSystem { for_parties: None, tables: Vec::new(), ..system() })),
            Asked::Answered(()),
            Severity::Ok,
            "is not told",
        ),
        (
            refused(Cause::Rejected(500), "Unknown method"),
            Asked::Answered(()),
            Severity::Note,
            "cannot be told",
        ),
        (refused(Cause::Forbidden, "403"), Asked::Answered(()), Severity::Note, "cannot be told"),
        (
            refused(Cause::Missing, "404"),
            refused(Cause::Rejected(400), unknown),
            Severity::Problem,
            "HZ-120559",
        ),
    ] {
        let seen = ErpReady { source_system, by_reference, ..erp() };
        says(&judged(&wanting("", ""), seen, crm()), "fusion.source_system", expected, word);
    }
    let seen = ErpReady { account_service: refused(Cause::Rejected(500), unknown), ..erp() };
    let report = judged(&wanting("", ""), seen, crm());
    says(&report, "fusion.source_system", Severity::Problem, "HZ-120559");
    assert_eq!(severity(&report, "fusion.account_service"), Severity::NotChecked, "one cause, one problem");
    assert_eq!(report.problems, 1);
}

#[test]
fn services_and_lookups_are_permitted_or_the_way_to_get_them_is_told() {
    for (cause, word) in [
        (Cause::Forbidden, "Security Console"),
        (Cause::Rejected(500), "Customer Maintenance"),
        (Cause::Missing, "base_url"),
        (Cause::WebPage(403), "firewalls"),
    ] {
        let seen = ErpReady {
            account_service: refused(cause.clone(), "no"),
            profiles: Some(refused(cause.clone(), "no")),
            ..erp()
        };
        let report = judged(&wanting("", ""), seen, crm());
        says(&report, "fusion.account_service", Severity::Problem, word);
        says(&report, "fusion.profile_service", Severity::Problem, word);
    }
    let forbidden = || refused(Cause::Forbidden, "403");
    let seen =
        ErpReady { by_reference: forbidden(), children: Some(refused(Cause::Forbidden, "403")), ..erp() };
    let report = judged(&wanting("", ""), seen, crm());
    says(&report, "fusion.party_lookup", Severity::Problem, "SourceSystemReferenceRF");
    says(&report, "fusion.party_children", Severity::Problem, "UsageAssignment");
    says(&report, "fusion.party_create", Severity::Note, "without creating one");
    for (persons, expected, word) in [
        (Asked::Answered(()), Severity::Ok, "who become contacts"),
        (forbidden(), Severity::Warning, "hubPersons"),
        (Asked::NotAsked, Severity::NotChecked, ""),
    ] {
        let seen = ErpReady { persons: Some(persons), ..erp() };
        says(&judged(&wanting("contact = true", ""), seen, crm()), "fusion.person_lookup", expected, word);
    }
    let seen = ErpReady { profiles: None, children: None, ..erp() };
    let report = judged(&wanting("", ""), seen, crm());
    says(&report, "fusion.profile_service", Severity::Note, "no account to ask about");
    says(&report, "fusion.party_children", Severity::Note, "cannot be told");
}

#[test]
fn a_set_is_a_units_or_another_ones_or_that_cannot_be_told() {
    let sets = |rows: Vec<SetAssignment>, more| Asked::Answered(SetAssignments { rows, more });
    let other = || vec![assigned(7, "HZ_CUSTOMER_ACCOUNT_SITE")];
    let used = |set| Asked::Answered(vec![account("Retail", set)]);
    for (sets, accounts, expected, word) in [
        (sets(vec![assigned(SET, "Customer Account Site")], false), used(9), Severity::Ok, "US1SET"),
        (sets(other(), false), used(SET), Severity::Ok, "accounts have sites in"),
        (sets(other(), false), used(9), Severity::Warning, "Manage Business Unit Set Assignment"),
        (sets(other(), true), used(9), Severity::Note, "nothing can be told"),
        (sets(Vec::new(), false), used(9), Severity::Note, "nothing can be told"),
        (
            sets(vec![assigned(SET, "AR_PAYMENT_TERMS")], false),
            used(9),
            Severity::Warning,
            "AR_PAYMENT_TERMS",
        ),
        (refused(Cause::Missing, "404"), used(9), Severity::Note, "404"),
        (refused(Cause::Missing, "404"), used(SET), Severity::Ok, "accounts have sites in"),
    ] {
        let seen = ErpReady { sets, accounts, ..erp() };
        says(&judged(&wanting("", ""), seen, crm()), "fusion.sets", expected, word);
    }
}

#[test]
fn classes_and_usages_are_known_or_that_cannot_be_told() {
    let used = |classes: &[&str]| {
        Some(Asked::Answered(classes.iter().map(|class| (*class).to_owned()).collect::<BTreeSet<String>>()))
    };
    for (profiles, expected, word) in [
        (used(&["DEFAULT"]), Severity::Ok, "DEFAULT"),
        (used(&["Default"]), Severity::Warning, "is written \"Default\" here"),
        (used(&["LARGE"]), Severity::Note, "have \"LARGE\""),
        (used(&[]), Severity::Note, "cannot be told"),
        (None, Severity::Note, "Manage Receivables Customer Profile Classes"),
    ] {
        let seen = ErpReady { profiles, ..erp() };
        says(&judged(&wanting("", ""), seen, crm()), "fusion.profile_classes", expected, word);
    }
    for (class, expected) in
        [("Retail", Severity::Ok), ("retail", Severity::Warning), ("Other", Severity::Note)]
    {
        let wanted = wanting("", &format!("customer_class = \"{class}\""));
        says(&judged(&wanted, erp(), crm()), "fusion.customer_classes", expected, class);
    }
    for (usage, asked, expected, word) in [
        ("EXTERNAL_LEGAL_ENTITY", true, Severity::Ok, "there are parties"),
        ("EXTERNAL_LEGAL_ENTITY", false, Severity::Note, "Oracle knows it"),
        ("SALES_PROSPECT", true, Severity::Ok, "none of customer_usages"),
        ("SUPPLYER", false, Severity::Warning, "party_usage"),
        ("CUSTOMER", true, Severity::Warning, "REST is said to refuse"),
    ] {
        let wanted = wanting(&format!("party_usage = \"{usage}\""), "");
        let seen = ErpReady { usage: Asked::Answered(asked), ..erp() };
        says(&judged(&wanted, seen, crm()), "fusion.party_usage", expected, word);
    }
    let seen = ErpReady { usage: refused(Cause::Forbidden, "403"), ..erp() };
    says(&judged(&wanting("", ""), seen, crm()), "fusion.party_usage", Severity::Note, "cannot be told");
}

#[test]
fn whatever_rules_name_exists_or_is_told() {
    for (unit, name, expected, word) in [
        ("when = { pipeline = [\"1\"] }", "pipedrive.pipelines", Severity::Ok, "exist"),
        (
            "when = { pipeline = [\"EU Sales\"] }",
            "pipedrive.pipelines",
            Severity::Problem,
            "\"EU Sales\" (US1)",
        ),
        ("when = { pipeline = [\"2\"] }", "pipedrive.pipelines", Severity::Problem, "when.pipeline"),
        ("when = { owner = [\"5@acme.example\"] }", "pipedrive.owners", Severity::Ok, "exist"),
        ("when = { owner = [\"Bob Gone\"] }", "pipedrive.owners", Severity::Warning, "log in"),
        ("when = { owner = [\"Carl\"] }", "pipedrive.owners", Severity::Problem, "\"Carl\" (US1)"),
    ] {
        says(&judged(&wanting("", unit), erp(), crm()), name, expected, word);
    }
    for (section, expected, word) in [
        ("review_above = { USD = 1 }", Severity::Ok, "exist"),
        ("review_above = { USD = 1, ISK = 1 }", Severity::Warning, "ISK"),
    ] {
        says(&judged(&wanting(section, ""), erp(), crm()), "pipedrive.currencies", expected, word);
    }
    let scope = |name: &str| refused(Cause::Forbidden, name);
    let blind = CrmReady {
        won: refused(Cause::Forbidden, "403"),
        pipelines: Some(refused(Cause::Forbidden, "403")),
        users: Some(refused(Cause::Forbidden, "403")),
        currencies: Some(scope("403")),
        ..crm()
    };
    let all = wanting("review_above = { USD = 1 }", "when = { pipeline = [\"1\"], owner = [\"5\"] }");
    let report = judged(&all, erp(), blind);
    says(&report, "pipedrive.deals.readable", Severity::Problem, "deals:read");
    says(&report, "pipedrive.pipelines", Severity::Problem, "deals:read");
    says(&report, "pipedrive.owners", Severity::Problem, "users:read");
    says(&report, "pipedrive.currencies", Severity::Note, "cannot be told");
    assert!(report.handovers.is_none(), "what cannot be read is not forecast");
}

#[test]
fn a_forecast_tells_older_deals_from_those_to_come() {
    let rows = vec![
        won(1, Some(11), "2026-01-01T00:00:00Z"),
        won(2, Some(11), "2026-01-02T00:00:00Z"),
        won(3, Some(12), "2026-01-03T00:00:00Z"),
        won(4, None, "2026-01-04T00:00:00Z"),
        won(5, Some(13), "2026-03-01T00:00:00Z"),
    ];
    let open = vec![won(6, Some(12), "2026-01-01T00:00:00Z"), won(7, Some(14), "2026-01-01T00:00:00Z")];
    let seen = CrmReady {
        won: Asked::Answered(DealsSeen { rows, more: true }),
        open: Asked::Answered(DealsSeen { rows: open, more: false }),
        activated_at: Some("2026-02-01T00:00:00Z".parse().unwrap()),
        customers: BTreeSet::from([OrgId(12)]),
        ..crm()
    };
    let told = |seen| judged(&wanting("", ""), erp(), seen).handovers.unwrap();
    let forecast = told(seen.clone());
    assert_eq!((forecast.won_deals, forecast.more_won_deals, forecast.older_deals), (5, true, 4));
    assert_eq!((forecast.older_organizations, forecast.won_without_organization), (1, 1), "12 is a customer");
    assert_eq!((forecast.open_deals, forecast.organizations_when_won), (2, 1));
    let never = told(CrmReady { activated_at: None, ..seen });
    assert_eq!((never.older_deals, never.older_organizations, never.since), (5, 2, None));
}

#[test]
fn marks_are_labels_and_fields_that_exist() {
    let options = |name: &str, options: &[&str], labels| KnownField {
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        labels,
        ..field(name, "enum")
    };
    let fields = vec![
        (Fielded::Organizations, Asked::Answered(vec![options("Label", &["To ERP"], true)])),
        (Fielded::Deals, Asked::Answered(vec![options("Send to", &["ERP", "nobody"], false)])),
    ];
    let of = |name: &str, value: &str| sync_core::handover::FieldIs {
        name: name.to_owned(),
        values: vec![value.to_owned()],
    };
    let code = field("", "").code;
    for (mark, expected) in [
        (sales::Named::Label("to erp"), Severity::Ok),
        (sales::Named::Label("elsewhere"), Severity::Problem),
        (sales::Named::Field(&of("send to", "erp")), Severity::Ok),
        (sales::Named::Field(&of(&code, "erp")), Severity::Ok),
        (sales::Named::Field(&of("send to", "moon")), Severity::Problem),
        (sales::Named::Field(&of("sent", "erp")), Severity::Problem),
    ] {
        assert_eq!(sales::marked(&[mark], &fields, "pipedrive.reachable").severity, expected);
    }
}
