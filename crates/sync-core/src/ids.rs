//! Identities of the two remote systems and of our own rows, as types that cannot be mixed up.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// `PartyId` of a Fusion party: NUMBER(18), fits i64 (oracle-fusion.md 1.1). The identity of a customer.
    PartyId
);
id!(
    /// `CustomerAccountId` of a Fusion AR account (oracle-fusion.md 1.3); a party may own several.
    AccountId
);
id!(
    /// `id` of a Pipedrive organization (pipedrive.md 1.5).
    OrgId
);
id!(
    /// `id` of a relationship between two Pipedrive organizations (v1 organizationRelationships).
    RelationId
);
id!(
    /// `RelationshipId` between two Fusion parties (oracle-fusion.md 1.2); each party may have a row for it.
    RelationshipId
);
id!(
    /// `id` of a Pipedrive webhook, of which deliveries are told as `webhook_id` (pipedrive.md 5.1).
    SubscriptionId
);
id!(
    /// `id` of a Pipedrive deal (pipedrive.md 1.6).
    DealId
);
id!(
    /// `id` of a Pipedrive person (SPEC-v2, `/persons`).
    PersonId
);
id!(
    /// `id` of a Pipedrive activity (SPEC-v2, `/activities`).
    ActivityId
);
id!(
    /// `id` of a Pipedrive note (pipedrive.md 6).
    NoteId
);
id!(
    /// `CustomerTransactionId` of a Fusion invoice or credit memo (oracle-fusion.md 2).
    TransactionId
);
id!(
    /// `HeaderId` of a Fusion sales order (oracle-fusion.md 3.2).
    SalesOrderId
);
id!(
    /// `POHeaderId` of a Fusion purchase order (oracle-fusion.md 3.1).
    PurchaseOrderId
);
id!(
    /// `AddressId` of a party's address: the `PartySiteId` of SOAP (oracle-fusion.md 1.2).
    PartySiteId
);
id!(
    /// `CustomerAccountSiteId`: an address used by an account (oracle-fusion.md 1.4).
    AccountSiteId
);
id!(
    /// `SiteUseId`: what an account's site is used for, to bill to for example (oracle-fusion.md 1.4).
    SiteUseId
);
id!(
    /// `CustomerAccountRoleId`: somebody who is a contact of an account (docs: oesws,
    /// Add-a-New-Role-to-an-Existing-Account-Contact).
    AccountContactId
);
id!(
    /// `SetId`: the reference data set that a site belongs to (oracle-fusion.md 1.4).
    SetId
);
id!(
    /// `CustomerAccountProfileId`: an account's credit profile (oracle-fusion.md 1.4).
    ProfileId
);
id!(
    /// Row number of a connection in our store.
    ConnectionId
);
id!(
    /// Row number of an intent, unique within its connection and growing.
    IntentId
);
id!(
    /// Row number of a run (one `sync`, or one life of the daemon), unique within its connection and growing.
    RunId
);
id!(
    /// Row number of a wish (somebody asked for a sync now), unique within its connection and growing.
    WishId
);
