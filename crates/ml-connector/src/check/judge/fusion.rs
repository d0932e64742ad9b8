//! The ERP's side (oracle-fusion.md 1, 4.8, 5).

use std::collections::BTreeMap;

use oracle_fusion::Subject;

use super::super::finding::Finding;
use super::super::observe::{Asked, FusionSeen, ResourceSeen};
use super::super::trouble::{Cause, Trouble};
use super::access::{Access, Door, access, seen};
use super::{creates, grouped};
use crate::config::Connection;

/// Every finding there is when the side could be asked.
pub(super) const NAMES: [&str; 11] = [
    "fusion.reachable",
    "fusion.credentials",
    "fusion.clock",
    PARTIES.readable,
    PARTIES.shape,
    PARTIES.empty,
    ACCOUNTS.readable,
    ACCOUNTS.shape,
    ACCOUNTS.empty,
    "fusion.customers",
    "fusion.source_system",
];

/// Names of the findings about a resource.
struct Names {
    readable: &'static str,
    shape: &'static str,
    empty: &'static str,
}

const PARTIES: Names = Names {
    readable: "fusion.parties.readable",
    shape: "fusion.parties.shape",
    empty: "fusion.parties.empty",
};

const ACCOUNTS: Names = Names {
    readable: "fusion.accounts.readable",
    shape: "fusion.accounts.shape",
    empty: "fusion.accounts.empty",
};

pub(super) const SECURITY: &str =
    "Oracle Fusion: Security Console, and the roles of the user that stands for our client";

pub(super) fn judge(connection: &Connection, fusion: &FusionSeen) -> Vec<Finding> {
    let FusionSeen { parties, accounts, services, relationships, documents, ready, ahead, .. } = fusion;
    let ends = [parties, accounts].into_iter().flat_map(|seen| [seen.shape.end(), seen.any.end()]);
    let entered = [parties, accounts].into_iter().any(ResourceSeen::entered);
    let Access { findings, blocked_by } = access(&door(connection), ends.flatten().next(), entered);
    let mut findings = Vec::from(findings);
    findings.push(super::clock("fusion.clock", *ahead, blocked_by));
    findings.extend(resource(Subject::Parties, &PARTIES, parties, blocked_by));
    findings.push(match parties.any.answer() {
        Some(true) => Finding::ok(PARTIES.empty, "parties are visible"),
        Some(false) => Finding::problem(
            PARTIES.empty,
            "the pod answers 200 without a single party: that is how it answers a user without access to the data",
        )
        .remedy("give that user a role with access to the data of all customers, not only the privilege", SECURITY),
        None => Finding::not_checked(PARTIES.empty, because(parties, PARTIES.readable, blocked_by)),
    });
    findings.extend(resource(Subject::Accounts, &ACCOUNTS, accounts, blocked_by));
    findings.push(accounts_empty(connection, accounts, blocked_by));
    findings.push(customer_count(connection, fusion, blocked_by));
    findings.extend(own_fields(connection, parties, blocked_by));
    findings.extend(services.as_ref().map(|asked| self::services(asked, blocked_by)));
    findings.extend(relationships.as_ref().map(|asked| hierarchy(connection, asked, blocked_by)));
    findings.extend(documents.as_ref().map(|asked| super::documents::readable(asked, blocked_by)));
    match (&connection.customers_from_crm, ready) {
        (Some(section), Some(ready)) => {
            findings.extend(creates::judge(connection, section, ready, blocked_by));
        }
        (Some(_), None) | (None, _) => findings.push(creates::no_source_system()),
    }
    findings
}

/// What is mapped that only the services tell.
fn services(asked: &Asked<()>, blocked_by: &'static str) -> Finding {
    let name = "fusion.services";
    match asked {
        Asked::Answered(()) => Finding::ok(name, "the SOAP services for accounts and profiles answer"),
        Asked::Failed(trouble) => Finding::problem(
            name,
            format!("the SOAP services for accounts and profiles, which tell class and payment terms: {}", seen(trouble)),
        )
        .remedy(
            "give that user the privileges of CustomerAccountService and ReceivablesCustomerProfileService, or map neither \
             account_class nor payment_terms",
            SECURITY,
        ),
        Asked::NotAsked => Finding::not_checked(name, blocked_by),
    }
}

/// Which relationships make parents and daughters is a matter of codes, and each pod may have its own (1.2).
fn hierarchy(
    connection: &Connection,
    asked: &Asked<BTreeMap<String, usize>>,
    blocked_by: &'static str,
) -> Finding {
    let name = "fusion.relationships";
    let codes = match asked {
        Asked::Answered(codes) => codes,
        Asked::Failed(trouble) => {
            let said = format!("relationships of parties: {}", seen(trouble));
            let remedy = "let that user read the relationships of parties, or write hierarchy = false";
            return Finding::problem(name, said).remedy(remedy, SECURITY);
        }
        Asked::NotAsked => return Finding::not_checked(name, blocked_by),
    };
    let wanted = [&connection.customers.parent_codes, &connection.customers.daughter_codes];
    let wanted: Vec<&String> = wanted.into_iter().flatten().collect();
    let counts = |code: &&String| wanted.contains(code);
    let told: Vec<String> = codes.iter().map(|(code, times)| format!("{code} ({times})")).collect();
    if codes.is_empty() {
        return Finding::note(name, "none of the first parties has any relationship");
    }
    if codes.keys().any(|code| counts(&code)) {
        return Finding::ok(name, format!("relationships of the first parties: {}", told.join(", ")));
    }
    let said = format!("the relationships of the first parties have other codes: {}", told.join(", "));
    Finding::warning(name, said).remedy(
        "name the codes that make parents and daughters here",
        "[connection.customers] parent_codes, daughter_codes",
    )
}

fn door(connection: &Connection) -> Door<'_> {
    Door {
        system: "Oracle Fusion",
        reachable: "fusion.reachable",
        first: PARTIES.readable,
        credentials: "fusion.credentials",
        budget: "fusion.reachable",
        section: "[connection.oracle]",
        base_url: &connection.oracle.base_url,
        token: Some((&connection.oracle.token_url, "token_url")),
        refused: if connection.oracle.assertion.is_some() { unsigned } else { refused },
    }
}

/// A token is not access: the pod knows a user for it, or not (5).
fn refused(trouble: &Trouble) -> (String, String) {
    let (what, place) = if !trouble.token {
        (
            "the identity domain gave a token, but the pod takes it for nobody's: create a Fusion user whose name is the \
             client id, or map the client to one; location based access control answers like this, too",
            SECURITY,
        )
    } else if trouble.said.contains("invalid_scope") {
        (
            "copy the scope again: for Fusion audience and scope are one string without a blank in between",
            "[connection.oracle] scope",
        )
    } else {
        (
            "copy client id and secret again; the client must be active and allow the grant client_credentials",
            "[connection.oracle] client_id, client_secret",
        )
    };
    (what.to_owned(), place.to_owned())
}

/// The same of a client that signs. The identity domain's words are its own, so every remedy names what else it may be.
fn unsigned(trouble: &Trouble) -> (String, String) {
    let words = trouble.said.to_ascii_lowercase();
    let says = |marks: &[&str]| marks.iter().any(|mark| words.contains(mark));
    if !trouble.token || !words.contains("invalid_client") {
        return refused(trouble);
    }
    let (what, place) = if says(&["clock", "expired", "not yet", "in the future"]) {
        (
            "let this machine keep its time by NTP: an assertion tells from when to when it is good",
            "this machine (timedatectl)",
        )
    } else if says(&["audience"]) {
        (
            "write the audience that this identity domain wants: \"https://identity.oraclecloud.com/\", of older tenants \
             \"oauth.idm.oracle.com\"",
            "[connection.oracle] assertion.audience",
        )
    } else if says(&["used before", "replay", "jti"]) {
        (
            "nothing of ours is sent twice: see whether a proxy on the way repeats requests",
            "[connection.oracle] token_url",
        )
    } else {
        (
            "upload the certificate of this key to the application and name it by certificate or by its alias as kid; copy the \
             client id again; the client must be active and allow the grant client_credentials and trusted clients",
            "[connection.oracle] client_id, assertion; OCI: the identity domain's application, its certificates",
        )
    };
    (what.to_owned(), place.to_owned())
}

impl ResourceSeen {
    fn entered(&self) -> bool {
        self.shape.entered() || self.any.entered()
    }
}

/// Why something about a resource is not known.
fn because(resource: &ResourceSeen, readable: &'static str, blocked_by: &'static str) -> &'static str {
    if resource.any.refusal().is_some() { readable } else { blocked_by }
}

fn resource(
    subject: Subject,
    names: &Names,
    resource: &ResourceSeen,
    blocked_by: &'static str,
) -> [Finding; 2] {
    let name = subject.resource();
    let readable = match (resource.any.answer(), resource.any.refusal()) {
        (Some(_), _) => Finding::ok(names.readable, format!("{name} can be read")),
        (None, Some(trouble)) => unreadable(name, names.readable, trouble),
        (None, None) => Finding::not_checked(names.readable, blocked_by),
    };
    let shape = match (resource.shape.answer(), resource.shape.refusal()) {
        (Some(shape), _) if shape.unfit.is_empty() => {
            Finding::ok(names.shape, format!("{name} has every attribute that is read"))
        }
        (Some(shape), _) => Finding::problem(names.shape, shape.unfit.join(", ")).remedy(
            "see whether a quarterly update took it away or a role hides it, and update ml-connector; until then nothing is \
             read, so that nothing is taken for empty",
            "ml-connector, or Oracle Fusion's release notes",
        ),
        (None, Some(trouble)) => {
            let said = format!("{name} does not describe itself ({}); it would be read unchecked", seen(trouble));
            let finding = Finding::warning(names.shape, said);
            if trouble.cause == Cause::Forbidden {
                finding.remedy("let our user read descriptions, too", SECURITY)
            } else {
                finding.remedy("see what is said of reading it", names.readable)
            }
        }
        (None, None) => Finding::not_checked(names.shape, blocked_by),
    };
    [readable, shape]
}

/// One resource that is refused, while the pod as such lets us in.
fn unreadable(resource: &str, name: &'static str, trouble: &Trouble) -> Finding {
    let finding = Finding::problem(name, format!("{resource}: {}", seen(trouble)));
    match trouble.cause {
        Cause::Forbidden => finding.remedy(
            format!(
                "give that user a role that may call {resource} over REST; the seeded roles often lack it, so make one of \
                 your own"
            ),
            SECURITY,
        ),
        Cause::Missing => finding.remedy(
            "there is no such path: is it the address of the pod itself, and does it have this REST version?",
            "[connection.oracle] base_url, api_version",
        ),
        _ => finding.remedy(
            "this answer is not one that we know: report it with the correlation id",
            "ml-connector's issues, and Oracle Support",
        ),
    }
}

fn accounts_empty(connection: &Connection, accounts: &ResourceSeen, blocked_by: &'static str) -> Finding {
    let name = ACCOUNTS.empty;
    match accounts.any.answer() {
        Some(true) => Finding::ok(name, "AR accounts are visible"),
        Some(false) => {
            let said = "the pod answers 200 without a single AR account: a user without data access gets this answer, too";
            let needed = connection.customers.account_required;
            let finding = if needed { Finding::problem(name, said) } else { Finding::warning(name, said) };
            finding.remedy(
                "give that user access to the data of your customer accounts (reference data sets, business units); without \
                 it only party usages tell who is a customer, and account numbers stay empty",
                SECURITY,
            )
        }
        None => Finding::not_checked(name, because(accounts, ACCOUNTS.readable, blocked_by)),
    }
}

/// Customers in the ERP, as far as it counted them.
pub(super) fn customers(connection: &Connection, fusion: &FusionSeen) -> Option<u64> {
    let by_usage = fusion.customers.answer().copied().flatten();
    let by_account = fusion.account_count.answer().copied().flatten();
    if connection.customers.account_required { by_account } else { by_usage.max(by_account) }
}

fn customer_count(connection: &Connection, fusion: &FusionSeen, blocked_by: &'static str) -> Finding {
    let name = "fusion.customers";
    let usages = connection.oracle.customer_usages.join(", ");
    match (fusion.parties.any.answer(), customers(connection, fusion)) {
        (None, _) => Finding::not_checked(name, because(&fusion.parties, PARTIES.readable, blocked_by)),
        (Some(false), _) => Finding::not_checked(name, PARTIES.empty),
        (Some(true), None) => {
            Finding::note(name, "the pod does not count, so it is not known how many customers there are")
        }
        (Some(true), Some(0)) => Finding::warning(
            name,
            format!("there are parties, but none that is a customer: no usage of {usages}, no AR account"),
        )
        .remedy("name the usages that your customers have", "[connection.oracle] customer_usages"),
        (Some(true), Some(_)) => {
            let told = |count: Option<&Option<u64>>| {
                let count = count.copied().flatten();
                count.map_or_else(|| "an unknown number of".to_owned(), grouped)
            };
            let (by_usage, by_account) =
                (told(fusion.customers.answer()), told(fusion.account_count.answer()));
            Finding::ok(
                name,
                format!("about {by_usage} parties with a usage of {usages}; {by_account} AR accounts"),
            )
        }
    }
}

fn own_fields(connection: &Connection, parties: &ResourceSeen, blocked_by: &'static str) -> Option<Finding> {
    let name = "fusion.own_fields";
    let wanted = connection.fields.table().attributes();
    if wanted.is_empty() {
        return None;
    }
    Some(match (parties.shape.answer(), parties.shape.refusal()) {
        (Some(shape), _) if shape.own_unknown.is_empty() => {
            let wanted: Vec<String> = wanted.into_iter().collect();
            Finding::ok(name, format!("expressions read {}", wanted.join(", ")))
        }
        (Some(shape), _) => {
            let said = format!("parties have no attribute {}", shape.own_unknown.join(", "));
            Finding::problem(name, said).remedy(
                "correct the name (letter case counts; an attribute of your own ends in _c), or remove the field",
                "[connection.fields] own: expression",
            )
        }
        (None, Some(_)) => Finding::not_checked(name, PARTIES.shape),
        (None, None) => Finding::not_checked(name, blocked_by),
    })
}
