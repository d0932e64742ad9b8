//! Whether customers could be created in the ERP (oracle-fusion.md 1.4, 1.5): only where `[connection.customers_from_crm]` is
//! configured. What no read can tell is said so, with the place where a person sees it.

use std::collections::BTreeSet;

use oracle_fusion::SourceSystem;
use sync_core::ids::SetId;

use super::super::finding::{Finding, Severity};
use super::super::observe::Asked;
use super::super::readiness::ErpReady;
use super::super::trouble::Cause;
use super::access::seen;
use super::fusion::SECURITY;
use super::same;
use crate::config::{BusinessUnit, Connection, CustomersFromCrm};

/// Every finding there is where customers are created.
pub(super) const NAMES: [&str; 8] = [
    "fusion.party_lookup",
    "fusion.party_children",
    "fusion.party_usage",
    "fusion.party_create",
    ACCOUNT_SERVICE,
    PROFILE_SERVICE,
    "fusion.sets",
    "fusion.profile_classes",
];

const ACCOUNT_SERVICE: &str = "fusion.account_service";
const PROFILE_SERVICE: &str = "fusion.profile_service";
const SOURCE_SYSTEM: &str = "fusion.source_system";
const SETUP: &str = "Oracle Fusion: Setup and Maintenance, Manage Trading Community Source Systems";
const UNITS: &str = "[[connection.customers_from_crm.business_unit]]";

/// What our references name: each has to be enabled for the source system (1.4).
const TABLES: [(&str, &str); 5] = [
    ("HZ_PARTIES", "parties"),
    ("HZ_PARTY_SITES", "addresses"),
    ("HZ_CUST_ACCOUNTS", "accounts"),
    ("HZ_CUST_ACCT_SITES_ALL", "sites"),
    ("HZ_CUST_SITE_USES_ALL", "site uses"),
];

/// Usages that Oracle's own view of customers takes for customers (1.1).
const CUSTOMERS: [&str; 5] =
    ["CUSTOMER", "SALES_ACCOUNT", "SALES_PROSPECT", "LEGAL_ENTITY", "EXTERNAL_LEGAL_ENTITY"];

pub(super) fn judge(
    connection: &Connection,
    section: &CustomersFromCrm,
    ready: &ErpReady,
    blocked_by: &'static str,
) -> Vec<Finding> {
    let ErpReady { by_reference, account_service, accounts, profiles, sets: _, usage, children, .. } = ready;
    let mut findings = vec![
        source_system(section, ready, blocked_by),
        lookup(by_reference, blocked_by),
        self::children(children.as_ref(), blocked_by),
        self::usage(connection, section, usage, blocked_by),
        create(),
        // The lookup is what every handover begins with; a find without a reference may be too much for a large pod.
        service(ACCOUNT_SERVICE, "CustomerAccountService", Some(account_service), blocked_by),
        service(PROFILE_SERVICE, "ReceivablesCustomerProfileService", profiles.as_ref(), blocked_by),
        sets(section, ready, blocked_by),
    ];
    findings.extend(ready.persons.as_ref().map(|asked| persons(asked, blocked_by)));
    let used = profiles.as_ref().and_then(Asked::answer);
    let wanted = section.business_unit.iter().map(|unit| unit.profile_class.as_str());
    findings.push(classes(&PROFILE_CLASSES, wanted, used));
    let wanted = section.business_unit.iter().map(|unit| unit.customer_class.as_str());
    let wanted: Vec<&str> = wanted.filter(|class| !class.trim().is_empty()).collect();
    if !wanted.is_empty() {
        let used: Option<BTreeSet<String>> = accounts
            .answer()
            .map(|accounts| accounts.iter().filter_map(|account| account.class.clone()).collect());
        findings.push(classes(&CUSTOMER_CLASSES, wanted.into_iter(), used.as_ref()));
    }
    findings
}

/// What is said where customers are not created.
pub(super) fn no_source_system() -> Finding {
    Finding::ok(
        SOURCE_SYSTEM,
        "not needed: without [connection.customers_from_crm] nothing is written to the ERP",
    )
}

/// Whether a refusal is about a source system that is not set up: HZ-120559, whatever its words.
fn names_unknown_system(asked: &Asked<()>) -> bool {
    asked.refusal().is_some_and(|trouble| trouble.said.contains("120559"))
}

/// The first write with a source system that is not set up fails with HZ-120559 (1.4).
fn source_system(section: &CustomersFromCrm, ready: &ErpReady, blocked_by: &'static str) -> Finding {
    let (name, code) = (SOURCE_SYSTEM, &section.source_system);
    let set_up = "set it up, type Spoke, and enable it for parties, addresses, accounts, sites and site uses";
    if names_unknown_system(&ready.by_reference) || names_unknown_system(&ready.account_service) {
        let said =
            format!("the pod knows no source system {code} (HZ-120559): every create would be refused");
        return Finding::problem(name, said).remedy(set_up, SETUP);
    }
    match &ready.source_system {
        Asked::Answered(Some(system)) => registered(name, code, system),
        Asked::Answered(None) => Finding::problem(
            name,
            format!("the pod shows no source system {code}: every create would be refused (HZ-120559)"),
        )
        .remedy(
            format!("{set_up}; if it is there, write its code exactly, or let our user see source systems"),
            format!("{SETUP}; [connection.customers_from_crm] source_system"),
        ),
        Asked::Failed(trouble) => Finding::note(
            name,
            format!("whether the source system {code} is set up cannot be told: {}", seen(trouble)),
        )
        .remedy(format!("see whether it is there; if not, {set_up}"), SETUP),
        Asked::NotAsked => Finding::not_checked(name, blocked_by),
    }
}

fn registered(name: &'static str, code: &str, system: &SourceSystem) -> Finding {
    let SourceSystem { active, for_parties, tables } = system;
    if !active {
        let said = format!("the source system {code} is set up, but not in use any more");
        return Finding::problem(name, said).remedy("make it active again, or name another one", SETUP);
    }
    if *for_parties == Some(false) {
        let said = format!("the source system {code} is set up, but not for Trading Community records");
        return Finding::problem(name, said).remedy("enable it for Trading Community members", SETUP);
    }
    let missing: Vec<&str> = TABLES
        .iter()
        .filter(|(table, _)| !tables.iter().any(|enabled| enabled == table))
        .map(|(_, people)| *people)
        .collect();
    if !tables.is_empty() && !missing.is_empty() {
        let said = format!("the source system {code} does not seem to be enabled for {}", missing.join(", "));
        return Finding::warning(name, said).remedy("enable it for these entities, too", SETUP);
    }
    let unsaid = if tables.is_empty() { "; for which records it is enabled is not told" } else { "" };
    Finding::ok(name, format!("the source system {code} is set up{unsaid}"))
}

/// What every handover begins with.
fn lookup(asked: &Asked<()>, blocked_by: &'static str) -> Finding {
    let found = by_reference("fusion.party_lookup", "parties", asked, blocked_by);
    found.unwrap_or_else(|finding| {
        Finding { severity: Severity::Problem, ..finding }.remedy(
            "nothing is created before this works: let that user use the finder SourceSystemReferenceRF of \
             hubOrganizations",
            SECURITY,
        )
    })
}

/// What every contact begins with; a customer needs none.
fn persons(asked: &Asked<()>, blocked_by: &'static str) -> Finding {
    let found = by_reference("fusion.person_lookup", "persons, who become contacts,", asked, blocked_by);
    found.unwrap_or_else(|finding| {
        finding.remedy(
            "customers are created all the same, without contacts: let that user use the finder SourceSystemReferenceRF of \
             hubPersons, or write contact = false",
            SECURITY,
        )
    })
}

/// Whether these can be looked for by our reference; the error is a warning that they cannot.
fn by_reference(
    name: &'static str,
    what: &str,
    asked: &Asked<()>,
    blocked_by: &'static str,
) -> Result<Finding, Finding> {
    match asked {
        Asked::Answered(()) => Ok(Finding::ok(name, format!("{what} can be looked for by our reference"))),
        Asked::Failed(_) if names_unknown_system(asked) => Ok(Finding::not_checked(name, SOURCE_SYSTEM)),
        Asked::Failed(trouble) => {
            let said = format!("{what} cannot be looked for by our reference: {}", seen(trouble));
            Err(Finding::warning(name, said))
        }
        Asked::NotAsked => Ok(Finding::not_checked(name, blocked_by)),
    }
}

fn children(asked: Option<&Asked<bool>>, blocked_by: &'static str) -> Finding {
    let name = "fusion.party_children";
    match asked {
        Some(Asked::Answered(true)) => Finding::ok(name, "addresses and usages of parties can be read"),
        Some(Asked::Answered(false)) | None => Finding::note(
            name,
            "whether addresses and usages of parties can be read cannot be told: there is no account whose party is shown",
        ),
        Some(Asked::Failed(trouble)) => {
            let said = format!("addresses and usages of parties cannot be read: {}", seen(trouble));
            Finding::problem(name, said).remedy(
                "let that user read the children Address and UsageAssignment of hubOrganizations",
                SECURITY,
            )
        }
        Some(Asked::NotAsked) => Finding::not_checked(name, blocked_by),
    }
}

fn usage(
    connection: &Connection,
    section: &CustomersFromCrm,
    asked: &Asked<bool>,
    blocked_by: &'static str,
) -> Finding {
    let (name, code) = ("fusion.party_usage", &section.party_usage);
    let key = "[connection.customers_from_crm] party_usage";
    let counts = connection.oracle.customer_usages.contains(code);
    let counted = if counts {
        String::new()
    } else {
        "; it is none of customer_usages, so until it has an account such a party is not taken for a customer"
            .to_owned()
    };
    if code == "CUSTOMER" {
        // https://community.oracle.com/customerconnect/discussion/679769: the screens give it, the REST resource does not.
        let said = format!(
            "REST is said to refuse the usage {code} for new parties, which only the screens give{counted}"
        );
        return Finding::warning(name, said).remedy("write EXTERNAL_LEGAL_ENTITY, unless it works here", key);
    }
    match asked {
        Asked::Answered(true) => {
            Finding::ok(name, format!("there are parties with the usage {code}{counted}"))
        }
        Asked::Answered(false) if CUSTOMERS.contains(&code.as_str()) => Finding::note(
            name,
            format!("no party has the usage {code} yet; Oracle knows it for customers{counted}"),
        ),
        Asked::Answered(false) => Finding::warning(
            name,
            format!("no party has the usage {code}, and it is none that Oracle knows for customers{counted}"),
        )
        .remedy(format!("write one of {}", CUSTOMERS[1..].join(", ")), key),
        Asked::Failed(trouble) => {
            Finding::note(name, format!("whether there is a usage {code} cannot be told: {}", seen(trouble)))
        }
        Asked::NotAsked => Finding::not_checked(name, blocked_by),
    }
}

/// The one right that no read shows.
fn create() -> Finding {
    Finding::note(
        "fusion.party_create",
        "whether our user may create parties, accounts and profiles cannot be told without creating one: the right to read \
         them is another one, and Oracle publishes no names for them",
    )
    .remedy(
        "hand one organization over on a test pod first: `ml-connector sync --organization ID`; what is refused is asked \
         about with the ERP's words",
        SECURITY,
    )
}

/// Whether a SOAP service is there and lets us in. `None`: there was nothing to ask it about.
fn service<T>(
    name: &'static str,
    service: &str,
    asked: Option<&Asked<T>>,
    blocked_by: &'static str,
) -> Finding {
    let Some(asked) = asked else {
        return Finding::note(
            name,
            format!("{service} cannot be asked: our user sees no account to ask about"),
        )
        .remedy("see what is said of AR accounts", "fusion.accounts.empty");
    };
    let trouble = match asked {
        Asked::Answered(_) => return Finding::ok(name, format!("{service} answers our user")),
        Asked::Failed(trouble) => trouble,
        Asked::NotAsked => return Finding::not_checked(name, blocked_by),
    };
    if trouble.said.contains("120559") {
        return Finding::not_checked(name, SOURCE_SYSTEM);
    }
    let finding = Finding::problem(name, format!("{service}: {}", seen(trouble)));
    match trouble.cause {
        Cause::Forbidden | Cause::Rejected(_) => finding.remedy(
            format!(
                "give that user a role that may call {service}, such as one with the duty role Customer Maintenance, which \
                 the seeded Accounts Receivable Manager has (the name of the privilege itself is not published)"
            ),
            SECURITY,
        ),
        Cause::Missing => finding.remedy(
            "there is no such service: is it the address of the pod itself, with /crmService and /fscmService below it?",
            "[connection.oracle] base_url",
        ),
        _ => finding.remedy(
            "let this machine call the SOAP services, too: firewalls and gateways often let only the REST paths through",
            "the network in front of Oracle Fusion",
        ),
    }
}

/// What is known of a unit's set.
enum SetKnown {
    /// A business unit has it for account sites; its code.
    Assigned(String),
    /// Accounts have sites in it.
    Used,
    /// It exists, for other records.
    Elsewhere(String),
    /// All sets were shown, and this is none of them.
    Absent,
    /// Not all were shown, or none.
    Untold,
}

fn set_known(set: SetId, ready: &ErpReady) -> SetKnown {
    let assignments = ready.sets.answer();
    let all = assignments.map(|seen| seen.rows.as_slice()).unwrap_or_default();
    let of_it = || all.iter().filter(move |row| row.set == set);
    if let Some(row) = of_it().find(|row| row.is_for_account_sites()) {
        return SetKnown::Assigned(row.code.clone().unwrap_or_else(|| "without a code".to_owned()));
    }
    let accounts = ready.accounts.answer().into_iter().flatten();
    if accounts.flat_map(|account| &account.sites).any(|site| site.set == Some(set)) {
        return SetKnown::Used;
    }
    let complete = assignments.is_some_and(|seen| !seen.more && !seen.rows.is_empty());
    match of_it().next() {
        Some(row) if complete => {
            SetKnown::Elsewhere(row.group.clone().unwrap_or_else(|| "other records".to_owned()))
        }
        None if complete => SetKnown::Absent,
        Some(_) | None => SetKnown::Untold,
    }
}

fn sets(section: &CustomersFromCrm, ready: &ErpReady, blocked_by: &'static str) -> Finding {
    let name = "fusion.sets";
    if matches!(ready.sets, Asked::NotAsked) && matches!(ready.accounts, Asked::NotAsked) {
        return Finding::not_checked(name, blocked_by);
    }
    let mut worst = Severity::Ok;
    let mut told = Vec::new();
    for BusinessUnit { name: unit, set_id, .. } in &section.business_unit {
        let (severity, words) = match set_known(SetId(*set_id), ready) {
            SetKnown::Assigned(code) => {
                (Severity::Ok, format!("a business unit's for account sites ({code})"))
            }
            SetKnown::Used => (Severity::Ok, "one that accounts have sites in".to_owned()),
            SetKnown::Elsewhere(group) => {
                (Severity::Warning, format!("a business unit's for {group}, not for customer account sites"))
            }
            SetKnown::Absent => (Severity::Warning, "no business unit's at all".to_owned()),
            SetKnown::Untold => {
                (Severity::Note, "not among what could be read, so nothing can be told".to_owned())
            }
        };
        told.push(format!("{unit}: set {set_id} is {words}"));
        worst = worse(worst, severity);
    }
    let why = ready.sets.refusal().map(|trouble| format!(" (assignments: {})", seen(trouble)));
    let told = format!("{}{}", told.join("; "), why.filter(|_| worst != Severity::Ok).unwrap_or_default());
    of_severity(name, worst, told).remedy_unless_ok(
        "copy the number of the set that the unit has for \"Customer Account Site\"; the screen shows its code, the number is \
         SetId in REST setIdAssignmentsBusinessUnit",
        format!("Oracle Fusion: Setup and Maintenance, Manage Business Unit Set Assignment; {UNITS} set_id"),
    )
}

/// Classes that are configured by name.
struct Classes {
    name: &'static str,
    what: &'static str,
    place: &'static str,
}

const PROFILE_CLASSES: Classes = Classes {
    name: "fusion.profile_classes",
    what: "profile class",
    place: "Oracle Fusion: Receivables, Manage Receivables Customer Profile Classes; \
            [[connection.customers_from_crm.business_unit]] profile_class",
};

const CUSTOMER_CLASSES: Classes = Classes {
    name: "fusion.customer_classes",
    what: "customer class",
    place: "Oracle Fusion: the class of any account on Manage Customers, and its lookup CUSTOMER CLASS; \
            [[connection.customers_from_crm.business_unit]] customer_class",
};

/// No read lists classes: only those that accounts have are known. One that differs by letter case or blanks is a slip.
fn classes<'a>(
    of: &Classes,
    wanted: impl Iterator<Item = &'a str>,
    used: Option<&BTreeSet<String>>,
) -> Finding {
    let Classes { name, what, place } = of;
    let wanted: BTreeSet<&str> = wanted.collect();
    let unused: Vec<&str> =
        wanted.iter().copied().filter(|class| !used.is_some_and(|used| used.contains(*class))).collect();
    let quoted =
        |classes: &[&str]| classes.iter().map(|class| format!("\"{class}\"")).collect::<Vec<_>>().join(", ");
    if unused.is_empty() {
        let all: Vec<&str> = wanted.into_iter().collect();
        return Finding::ok(name, format!("accounts here have the {what} {}", quoted(&all)));
    }
    let slips: Vec<String> = unused
        .iter()
        .filter_map(|class| {
            let close = used?.iter().find(|known| same(known, class))?;
            Some(format!("\"{class}\" is written \"{close}\" here"))
        })
        .collect();
    if !slips.is_empty() {
        return Finding::warning(name, slips.join("; ")).remedy("write it exactly as it is there", *place);
    }
    let known = used.filter(|used| !used.is_empty()).map(|used| {
        let known: Vec<&str> = used.iter().map(String::as_str).collect();
        format!("; the accounts that were looked at have {}", quoted(&known))
    });
    let said = format!(
        "whether there is a {what} {} cannot be told, for none of those accounts has it{}",
        quoted(&unused),
        known.unwrap_or_default()
    );
    Finding::note(name, said).remedy("see whether it is there and active, and write it exactly so", *place)
}

/// The worse one of two.
pub(super) fn worse(left: Severity, right: Severity) -> Severity {
    let rank = |severity| match severity {
        Severity::Ok => 0,
        Severity::Note => 1,
        Severity::NotChecked => 2,
        Severity::Warning => 3,
        Severity::Problem => 4,
    };
    if rank(right) > rank(left) { right } else { left }
}

/// A finding that is as bad as that.
pub(super) fn of_severity(name: &'static str, severity: Severity, seen: String) -> Finding {
    Finding { name, severity, seen, remedy: None }
}

impl Finding {
    /// With a remedy where there is something to do.
    pub(super) fn remedy_unless_ok(self, what: &str, place: String) -> Self {
        if self.severity == Severity::Ok { self } else { self.remedy(what, place) }
    }
}
