//! The scopes of an app that we want (pipedrive.md 4.2), and what does not work without them.

use sync_store::MissingScope;

use crate::config::Connection;

/// Who needs a scope.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Every connection.
    All,
    /// Connections that create customers from what sales wins, or show documents on deals; the others may later.
    Dealers,
    /// Connections that take webhooks in: it works without, a person registers them then.
    Hooked,
}

/// What a connection does beside syncing customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doing {
    /// It takes webhooks in.
    pub webhooks: bool,
    /// It creates customers from what sales wins.
    pub handovers: bool,
    /// It shows documents on deals.
    pub documents: bool,
}

impl Doing {
    /// What this one does.
    pub fn of(connection: &Connection) -> Self {
        Self {
            webhooks: connection.webhooks.is_some(),
            handovers: connection.customers_from_crm.is_some(),
            documents: connection.documents.is_some(),
        }
    }
}

struct Want {
    /// Any of these is enough; the first one is the one to ask for.
    any: &'static [&'static str],
    without: &'static str,
    who: Who,
}

const fn want(any: &'static [&'static str], without: &'static str, who: Who) -> Want {
    Want { any, without, who }
}

const WANTED: [Want; 8] = [
    want(&["base"], "it is not told whose access it is", Who::All),
    want(&["contacts:full"], "organizations can neither be read nor written: nothing works", Who::All),
    want(
        &["contact-fields:full", "admin"],
        "the custom fields that carry the ERP's ids cannot be created: nothing works",
        Who::All,
    ),
    want(&["search:read"], "an organization whose creation got no answer cannot be looked for", Who::All),
    want(&["users:read"], "owners of organizations cannot be told by name", Who::All),
    want(
        &["deals:full"],
        "won deals become no customers of the ERP, and deals show no documents",
        Who::Dealers,
    ),
    want(
        &["deal-fields:full", "admin"],
        "deals do not show what became of their customer or what they were invoiced, and marks on them are not seen",
        Who::Dealers,
    ),
    want(&["webhooks:full", "admin"], "webhooks cannot be registered by the connector", Who::Hooked),
];

/// What is wanted and was not granted.
pub fn missing(granted: &[String], doing: Doing) -> Vec<MissingScope> {
    let lacks = |want: &&Want| {
        let granted = want.any.iter().any(|scope| granted.iter().any(|has| has == scope));
        !granted && (doing.webhooks || want.who != Who::Hooked)
    };
    let told = |Want { any, without, who }: &Want| MissingScope {
        scope: any.first().copied().unwrap_or_default().to_owned(),
        without: (*without).to_owned(),
        needed_now: match who {
            Who::All => true,
            Who::Dealers => doing.handovers || doing.documents,
            Who::Hooked => false,
        },
    };
    WANTED.iter().filter(lacks).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::{Doing, missing};

    #[test]
    fn any_scope_of_a_kind_is_enough_and_webhooks_are_wanted_by_those_who_take_them() {
        let lacking = |granted: &str, webhooks| -> Vec<String> {
            let granted: Vec<String> = granted.split(',').map(str::to_owned).collect();
            let doing = Doing { webhooks, handovers: false, documents: false };
            missing(&granted, doing).into_iter().map(|missing| missing.scope).collect()
        };
        let all = "base,contacts:full,contact-fields:full,search:read,users:read,deals:full,deal-fields:full";
        assert!(lacking(all, false).is_empty());
        assert_eq!(lacking(all, true), ["webhooks:full"]);
        assert!(lacking(&format!("{all},admin"), true).is_empty());
        assert_eq!(
            lacking("base,contacts:read,users:read,admin", false),
            ["contacts:full", "search:read", "deals:full"]
        );
    }

    #[test]
    fn what_deals_need_is_needed_by_those_who_make_customers_of_them() {
        let granted = ["base", "contacts:full", "contact-fields:full", "search:read", "users:read"];
        let granted: Vec<String> = granted.map(str::to_owned).into();
        for (handovers, documents) in [(false, false), (true, false), (false, true)] {
            let missing = missing(&granted, Doing { webhooks: true, handovers, documents });
            let now_needed = handovers || documents;
            let now: Vec<(&str, bool)> =
                missing.iter().map(|missing| (missing.scope.as_str(), missing.needed_now)).collect();
            assert_eq!(
                now,
                [("deals:full", now_needed), ("deal-fields:full", now_needed), ("webhooks:full", false)]
            );
        }
    }
}
