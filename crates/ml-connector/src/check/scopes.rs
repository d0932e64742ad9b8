//! The scopes of an app that we want (pipedrive.md 4.2), and what does not work without them.

use sync_store::MissingScope;

struct Want {
    /// Any of these is enough; the first one is the one to ask for.
    any: &'static [&'static str],
    without: &'static str,
    /// Whether what exists today needs it.
    now: bool,
    /// Whether only those need it who take webhooks in.
    webhooks: bool,
}

const fn want(any: &'static [&'static str], without: &'static str, now: bool) -> Want {
    Want { any, without, now, webhooks: false }
}

const WANTED: [Want; 8] = [
    want(&["base"], "it is not told whose access it is", true),
    want(&["contacts:full"], "organizations can neither be read nor written: nothing works", true),
    want(
        &["contact-fields:full", "admin"],
        "the custom fields that carry the ERP's ids cannot be created: nothing works",
        true,
    ),
    want(&["search:read"], "an organization whose creation got no answer cannot be looked for", true),
    want(&["users:read"], "owners of organizations cannot be told by name", true),
    want(&["deals:full"], "won deals become no customers of the ERP", false),
    want(
        &["deal-fields:full", "admin"],
        "handovers are not shown on deals, and marks on deals not seen",
        false,
    ),
    Want {
        any: &["webhooks:full", "admin"],
        without: "webhooks cannot be registered by the connector",
        now: false,
        webhooks: true,
    },
];

/// What is wanted and was not granted.
pub fn missing(granted: &[String], webhooks: bool) -> Vec<MissingScope> {
    let lacks = |want: &&Want| {
        let granted = want.any.iter().any(|scope| granted.iter().any(|has| has == scope));
        !granted && (webhooks || !want.webhooks)
    };
    let told = |Want { any, without, now, webhooks: _ }: &Want| MissingScope {
        scope: any.first().copied().unwrap_or_default().to_owned(),
        without: (*without).to_owned(),
        needed_now: *now,
    };
    WANTED.iter().filter(lacks).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn any_scope_of_a_kind_is_enough_and_webhooks_are_wanted_by_those_who_take_them() {
        let lacking = |granted: &str, webhooks| -> Vec<String> {
            let granted: Vec<String> = granted.split(',').map(str::to_owned).collect();
            missing(&granted, webhooks).into_iter().map(|missing| missing.scope).collect()
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
}
