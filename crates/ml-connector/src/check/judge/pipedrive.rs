//! The CRM's side (pipedrive.md 1.7, 2, 3, 4).

use ::pipedrive::{Fielded, KnownField, WhoAmI};
use sync_core::hooks::MOST_SUBSCRIPTIONS;
use sync_engine::subscriptions::NEARLY_FULL;
use sync_store::MissingScope;

use super::super::finding::{Finding, FirstLoad};
use super::super::observe::{PipedriveSeen, WebhooksSeen};
use super::super::trouble::{Cause, Trouble};
use super::super::{Doing, missing_scopes};
use super::access::{Access, Door, access, seen};
use super::{Asked, budget, counted, documents, fields, grant, sales};
use crate::config::{Connection, Credentials, Webhooks};
use crate::wire::handover_policy;

/// Every finding there is when the side could be asked.
pub(super) const NAMES: [&str; 12] = [
    "pipedrive.reachable",
    "pipedrive.credentials",
    "pipedrive.clock",
    "pipedrive.company",
    "pipedrive.permissions",
    "pipedrive.organizations.readable",
    "pipedrive.fields.readable",
    "pipedrive.fields.missing",
    "pipedrive.fields.type",
    "pipedrive.fields.duplicate",
    "pipedrive.plan",
    "pipedrive.budget",
];

const RIGHTS: &str = "Pipedrive: Manage users > Permission sets, or the app in Developer Hub > OAuth scopes";

pub(super) fn judge(
    connection: &Connection,
    pipedrive: &PipedriveSeen,
    first_load: &FirstLoad,
) -> Vec<Finding> {
    let end = end(pipedrive);
    let Access { findings, blocked_by } =
        grant::without(pipedrive).unwrap_or_else(|| access(&door(connection), end, entered(pipedrive)));
    let mut findings = Vec::from(findings);
    findings.extend(grant::judge(connection, pipedrive, end));
    findings.push(super::clock("pipedrive.clock", pipedrive.ahead, blocked_by));
    findings.extend(company(connection, pipedrive, blocked_by));
    findings.extend(scopes(connection, pipedrive));
    findings.push(organizations(pipedrive, blocked_by));
    findings.extend(fields::judge(connection, pipedrive, blocked_by));
    findings.push(budget::plan(connection, pipedrive, blocked_by));
    findings.push(budget::judge(connection, pipedrive, first_load, end.map(|end| &end.cause)));
    findings.extend(documents::forecast(connection, budget::left_a_day(connection, pipedrive)));
    if let (Some(policy), Some(ready)) = (handover_policy(connection), &pipedrive.ready) {
        findings.extend(sales::judge(&policy, ready, &pipedrive.fields, blocked_by));
    }
    findings.extend(connection.webhooks.as_ref().map(|wanted| webhooks(wanted, pipedrive.webhooks.as_ref())));
    findings
}

/// What vouches for webhooks: Pipedrive itself signs nothing (5.5).
fn webhooks(webhooks: &Webhooks, seen: Option<&Asked<WebhooksSeen>>) -> Finding {
    let name = "pipedrive.webhooks";
    if webhooks.basic.is_empty() {
        return Finding::warning(
            name,
            "only a digest vouches for webhooks, and Pipedrive adds none: what comes from it directly is rejected, and ten \
             rejections ban the webhook",
        )
        .remedy(
            "give a user and a password, which Pipedrive does offer, or let all webhooks come through a gateway that signs them",
            "[connection.webhooks] basic",
        );
    }
    let refusal = seen.and_then(Asked::refusal);
    match seen.and_then(Asked::answer) {
        Some(WebhooksSeen { listed, ours: false }) if *listed >= MOST_SUBSCRIPTIONS => Finding::warning(
            name,
            format!("there are {listed} webhooks already, and Pipedrive takes {MOST_SUBSCRIPTIONS} of a user: everything is polled"),
        )
        .remedy("delete some that nobody needs", "Pipedrive: Tools and apps > Webhooks"),
        Some(WebhooksSeen { listed, ours: _ }) if *listed >= NEARLY_FULL => Finding::warning(
            name,
            format!("there are {listed} webhooks already; Pipedrive takes {MOST_SUBSCRIPTIONS} of a user"),
        )
        .remedy("delete some that nobody needs", "Pipedrive: Tools and apps > Webhooks"),
        Some(WebhooksSeen { listed: _, ours: true }) => {
            Finding::ok(name, "a webhook leads to us; `run` looks after it, and `webhooks` tells how it fares")
        }
        Some(WebhooksSeen { listed: _, ours: false }) => {
            Finding::note(name, "no webhook leads to us yet: `run` registers one; until it works everything is polled")
        }
        None => match refusal {
            Some(trouble) => refused(
                Finding::warning(name, format!("webhooks cannot be looked at, everything is polled: {}", super::access::seen(trouble))),
                trouble,
                "let the user be an administrator; an app needs the scope webhooks:full or admin",
            ),
            None => Finding::not_checked(name, "pipedrive.reachable"),
        },
    }
}

/// What ended the asking, if anything did.
fn end(pipedrive: &PipedriveSeen) -> Option<&Trouble> {
    let fields = pipedrive.fields.iter().find_map(|(_, asked)| asked.end());
    pipedrive.me.end().or(fields).or_else(|| pipedrive.organizations.end())
}

/// Whether anything shows that we were let in.
fn entered(pipedrive: &PipedriveSeen) -> bool {
    let fields = |(_, asked): &(Fielded, Asked<Vec<KnownField>>)| asked.entered();
    pipedrive.me.entered() || pipedrive.organizations.entered() || pipedrive.fields.iter().any(fields)
}

/// What to do about one thing that is refused, while the company as such answers.
pub(super) fn refused(finding: Finding, trouble: &Trouble, needed: &str) -> Finding {
    match trouble.cause {
        Cause::Forbidden => finding.remedy(needed, RIGHTS),
        Cause::Missing => finding.remedy(
            "there is no such path: write the company's address, without a path",
            "[connection.pipedrive] base_url",
        ),
        _ => finding.remedy(
            "this answer is not one that we know: check again, or report it with the correlation id",
            "ml-connector's issues",
        ),
    }
}

fn door(connection: &Connection) -> Door<'_> {
    let token = match connection.pipedrive.credentials() {
        Ok(Credentials::OAuth(oauth)) => Some((&oauth.token_url, "oauth.token_url")),
        Ok(Credentials::ApiToken(_)) | Err(_) => None,
    };
    Door {
        system: "Pipedrive",
        reachable: "pipedrive.reachable",
        first: "pipedrive.organizations.readable",
        credentials: "pipedrive.credentials",
        budget: "pipedrive.budget",
        section: "[connection.pipedrive]",
        base_url: &connection.pipedrive.base_url,
        token,
        refused: if token.is_some() { refused_app } else { refused_token },
    }
}

fn refused_token(_: &Trouble) -> (String, String) {
    let what = "copy the token again (Pipedrive: Personal preferences > API); making a new one ends the old one, and a \
                permission set may switch the API off";
    (what.to_owned(), "[connection.pipedrive] api_token".to_owned())
}

/// A refresh token dies after 60 days without use, and with the installation (4.2).
fn refused_app(trouble: &Trouble) -> (String, String) {
    let said = trouble.said.to_lowercase();
    if trouble.token && (said.contains("invalid_client") || said.contains("invalid client")) {
        let what =
            "copy client id and client secret of the app again (Developer Hub > OAuth & access scopes)";
        return (what.to_owned(), "[connection.pipedrive] oauth.client_id, oauth.client_secret".to_owned());
    }
    let what = "give access again with `ml-connector connect` and the name of the connection; access ends when the app is \
                uninstalled, and after 60 days without use";
    (what.to_owned(), "ml-connector connect".to_owned())
}

fn company(connection: &Connection, pipedrive: &PipedriveSeen, blocked_by: &'static str) -> [Finding; 2] {
    let (name, permissions) = ("pipedrive.company", "pipedrive.permissions");
    match (pipedrive.me.answer(), pipedrive.me.refusal()) {
        (Some(me), _) => [whose(connection, me, pipedrive.belongs_to), rights(me)],
        (None, Some(trouble)) => [
            refused(
                Finding::warning(
                    name,
                    format!("it is not told whose credentials these are: {}", seen(trouble)),
                ),
                trouble,
                "an app needs the scope base",
            ),
            Finding::not_checked(permissions, name),
        ],
        (None, None) => {
            [Finding::not_checked(name, blocked_by), Finding::not_checked(permissions, blocked_by)]
        }
    }
}

/// Whose company it is, and whether it is the one that the address names.
fn whose(connection: &Connection, me: &WhoAmI, belongs_to: Option<i64>) -> Finding {
    let name = "pipedrive.company";
    let WhoAmI { user_id, user_name, company_id, company_name, company_domain, admin: _ } = me;
    let (user, company) = (user_name.as_deref().unwrap_or("?"), company_name.as_deref().unwrap_or("?"));
    let told = format!("user {user_id} \"{user}\" of company {company_id} \"{company}\"");
    if let Some(other) = belongs_to.filter(|known| known != company_id) {
        return Finding::problem(name, format!("{told}, but the connection belongs to company {other}")).remedy(
            "use credentials of that company; another company wants a connection of its own, with another name",
            "[connection.pipedrive]",
        );
    }
    let host = connection.pipedrive.base_url.host_str().unwrap_or_default();
    let addressed = host.strip_suffix(".pipedrive.com").filter(|first| !matches!(*first, "api" | "app"));
    match (addressed, company_domain.as_deref()) {
        (Some(addressed), Some(domain)) if addressed != domain => Finding::warning(
            name,
            format!("{told}, which is {domain}.pipedrive.com, not {host}"),
        )
        .remedy("see which company is meant, and write its address", "[connection.pipedrive] base_url"),
        _ => Finding::ok(name, told),
    }
}

fn rights(me: &WhoAmI) -> Finding {
    let name = "pipedrive.permissions";
    match me.admin {
        Some(true) => Finding::ok(name, "the user is an administrator: it sees every organization and may create fields"),
        Some(false) => Finding::warning(
            name,
            "the user is no administrator: what its visibility groups hide would be taken for deleted, and it may not be \
             allowed to create custom fields",
        )
        .remedy("use the credentials of a user of its own for this, with the rights of an administrator", RIGHTS),
        None => Finding::note(name, "it is not told whether the user is an administrator, who sees every organization"),
    }
}

/// Scopes of an app; a user's own token has none.
fn scopes(connection: &Connection, pipedrive: &PipedriveSeen) -> Option<Finding> {
    let name = "pipedrive.scopes";
    let Ok(Credentials::OAuth(_)) = connection.pipedrive.credentials() else { return None };
    let Some(granted) = &pipedrive.scopes else {
        return Some(Finding::note(name, "which scopes the app was granted was not told"));
    };
    let missing = missing_scopes(granted, Doing::of(connection));
    if missing.is_empty() {
        return Some(Finding::ok(name, "the app has every scope that is wanted"));
    }
    let listed = |missing: &[&MissingScope]| -> String {
        let each = missing.iter().map(|missing| format!("{} ({})", missing.scope, missing.without));
        each.collect::<Vec<_>>().join("; ")
    };
    let (needed, later): (Vec<&MissingScope>, Vec<&MissingScope>) =
        missing.iter().partition(|missing| missing.needed_now);
    let finding = if needed.is_empty() {
        Finding::note(name, format!("the app has what is needed today; it lacks {}", listed(&later)))
    } else {
        Finding::problem(name, format!("the app lacks {}", listed(&[needed, later].concat())))
    };
    Some(finding.remedy(
        "add these scopes to the app, then run `ml-connector connect` again: access keeps the scopes it was given with",
        "Pipedrive: Developer Hub > the app > OAuth & access scopes",
    ))
}

fn organizations(pipedrive: &PipedriveSeen, blocked_by: &'static str) -> Finding {
    let name = "pipedrive.organizations.readable";
    match (pipedrive.organizations.answer(), pipedrive.organizations.refusal()) {
        (Some((count, true)), _) => {
            Finding::ok(name, format!("more than {} are visible", counted(*count, "organization")))
        }
        (Some((count, false)), _) => {
            Finding::ok(name, format!("{} visible to this user", counted(*count, "organization")))
        }
        (None, Some(trouble)) => refused(
            Finding::problem(name, seen(trouble)),
            trouble,
            "let the user read organizations; an app needs the scope contacts:full",
        ),
        (None, None) => Finding::not_checked(name, blocked_by),
    }
}
