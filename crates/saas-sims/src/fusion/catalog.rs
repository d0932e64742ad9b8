//! Which resources there are, and their keys, finders and children (sections 1 to 3).

use std::sync::LazyLock;

use super::accounts::ACCOUNTS;
use super::parties::PARTIES;
use super::persons::{self, PERSONS};
use super::resource::{Attribute, Finder, How, Kind, Resource, Writes, attributes};

const CRM: &str = "crmRestApi";
const FSCM: &str = "fscmRestApi";

/// Which reference data set each business unit has, group by group (section 1.4, SetId).
pub(crate) const SETS: &str = "setIdAssignmentsBusinessUnit";

/// The resource of that name under that root.
pub(crate) fn top(root: &str, name: &str) -> Option<&'static Resource> {
    all().find(|resource| resource.parent.is_none() && resource.root == root && resource.name == name)
}

/// The child collection of that name.
pub(crate) fn child(parent: &Resource, name: &str) -> Option<&'static Resource> {
    all().find(|resource| resource.parent == Some(parent.name) && resource.name == name)
}

/// The resource by its full name, `hubOrganizations/Address` for example.
pub(crate) fn by_full_name(name: &str) -> Option<&'static Resource> {
    all().find(|resource| resource.full_name() == name)
}

/// Parties, accounts, persons and all others.
pub(crate) fn all() -> impl Iterator<Item = &'static Resource> {
    let first: [&'static Resource; 3] = [&PARTIES, &ACCOUNTS, &PERSONS];
    first.into_iter().chain(OTHERS.iter())
}

/// All resources but parties and accounts.
pub(crate) static OTHERS: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    let mut all = party_children();
    all.extend(persons::children());
    all.extend(receivables());
    all.extend(orders());
    all.push(Resource {
        opaque: true,
        finders: const { &[Finder::key("DeterminantFinder", &[("bindBusinessUnitCode", "OrganizationCode")])] },
        writes: Writes::NotModelled,
        ..resource(FSCM, SETS, "DeterminantValue", include_str!("../../fixtures/set_id_assignments.txt"))
    });
    all
});

fn resource(root: &'static str, name: &'static str, id: &'static str, fixture: &'static str) -> Resource {
    Resource {
        name,
        root,
        parent: None,
        id,
        key: id,
        opaque: false,
        owner: None,
        attributes: attributes(fixture),
        finders: &[],
        children: &[],
        writes: Writes::None,
    }
}

fn party_children() -> Vec<Resource> {
    let child = |name, id, owner, fixture, finders| Resource {
        parent: Some(PARTIES.name),
        owner: Some(owner),
        finders,
        writes: Writes::All,
        ..resource(CRM, name, id, fixture)
    };
    let address =
        child("Address", "AddressId", "PartyId", include_str!("../../fixtures/hub_address.txt"), ADDRESS);
    vec![
        Resource { key: "AddressNumber", ..address },
        child(
            "ContactPoint",
            "ContactPointId",
            "PartyId",
            include_str!("../../fixtures/hub_contact_point.txt"),
            const { &[Finder::key("PrimaryKey", &[("ContactPointId", "ContactPointId")])] },
        ),
        child(
            "Relationship",
            "RelationshipRecId",
            "SubjectPartyId",
            include_str!("../../fixtures/hub_relationship.txt"),
            const { &[Finder::key("PrimaryKey", &[("RelationshipRecId", "RelationshipRecId")])] },
        ),
        child(
            "SourceSystemReference",
            "SourceSystemReferenceId",
            "PartyId",
            include_str!("../../fixtures/hub_source_system_reference.txt"),
            const { &[Finder::key("PrimaryKey", &[("SourceSystemReferenceId", "SourceSystemReferenceId")])] },
        ),
        child(
            "UsageAssignment",
            "PartyUsageAssignmentId",
            "PartyId",
            include_str!("../../fixtures/hub_usage_assignment.txt"),
            const { &[Finder::key("PrimaryKey", &[("PartyUsageAssignmentId", "PartyUsageAssignmentId")])] },
        ),
    ]
}

fn receivables() -> Vec<Resource> {
    let installments = resource(
        FSCM,
        "receivablesInvoiceInstallments",
        "InstallmentId",
        include_str!("../../fixtures/invoice_installments.txt"),
    );
    let flexfield = resource(
        FSCM,
        "receivablesInvoiceDFF",
        "CustomerTrxId",
        include_str!("../../fixtures/invoice_dff.txt"),
    );
    let of_transaction = resource(
        FSCM,
        "receivablesInvoiceTransactionDFF",
        "CustomerTrxId",
        include_str!("../../fixtures/invoice_transaction_dff.txt"),
    );
    let invoices = resource(
        FSCM,
        "receivablesInvoices",
        "CustomerTransactionId",
        include_str!("../../fixtures/invoices.txt"),
    );
    let memos = resource(
        FSCM,
        "receivablesCreditMemos",
        "CustomerTransactionId",
        include_str!("../../fixtures/credit_memos.txt"),
    );
    let receipts = resource(
        FSCM,
        "standardReceipts",
        "StandardReceiptId",
        include_str!("../../fixtures/standard_receipts.txt"),
    );
    let sites = resource(
        FSCM,
        "receivablesCustomerAccountSiteActivities",
        "BillToSiteUseId",
        include_str!("../../fixtures/site_activities.txt"),
    );
    vec![
        Resource {
            finders: INVOICE,
            children: &[
                "receivablesInvoiceInstallments",
                "receivablesInvoiceDFF",
                "receivablesInvoiceTransactionDFF",
                "receivablesInvoiceLines",
            ],
            writes: Writes::NotModelled,
            ..invoices
        },
        Resource {
            parent: Some("receivablesInvoices"),
            finders: const { &[Finder::key("PrimaryKey", &[("InstallmentId", "InstallmentId")])] },
            ..installments
        },
        Resource { parent: Some("receivablesInvoices"), ..with_segment(flexfield) },
        Resource { parent: Some("receivablesInvoices"), ..with_segment(of_transaction) },
        Resource {
            finders: const { &[Finder::key("PrimaryKey", &[("CustomerTransactionId", "CustomerTransactionId")])] },
            writes: Writes::NotModelled,
            ..memos
        },
        Resource {
            finders: const { &[Finder::key("PrimaryKey", &[("StandardReceiptId", "StandardReceiptId")])] },
            writes: Writes::NotModelled,
            ..receipts
        },
        Resource {
            finders: const { &[Finder::key("PrimaryKey", &[("BillToSiteUseId", "BillToSiteUseId")])] },
            ..sites
        },
    ]
}

fn orders() -> Vec<Resource> {
    let purchase =
        resource(FSCM, "purchaseOrders", "POHeaderId", include_str!("../../fixtures/purchase_orders.txt"));
    let flexfield =
        resource(FSCM, "DFF", "PoHeaderId", include_str!("../../fixtures/purchase_order_dff.txt"));
    let drafts = resource(
        FSCM,
        "draftPurchaseOrders",
        "POHeaderId",
        include_str!("../../fixtures/draft_purchase_orders.txt"),
    );
    let sales =
        resource(FSCM, "salesOrdersForOrderHub", "HeaderId", include_str!("../../fixtures/sales_orders.txt"));
    let by_header: &[Finder] = const { &[Finder::key("PrimaryKey", &[("POHeaderId", "POHeaderId")])] };
    vec![
        Resource { opaque: true, finders: by_header, children: &["DFF", "lines"], ..purchase },
        Resource { parent: Some("purchaseOrders"), ..with_segment(flexfield) },
        Resource { opaque: true, finders: by_header, writes: Writes::NotModelled, ..drafts },
        Resource { key: "OrderKey", finders: SALES_ORDER, writes: Writes::NotModelled, ..sales },
    ]
}

/// A flexfield with the one context segment that the simulated company has set up: the deal's id.
fn with_segment(mut flexfield: Resource) -> Resource {
    let segment = Attribute { name: "dealId", kind: Kind::Text, queryable: true };
    flexfield.attributes.insert(segment.name, segment);
    flexfield
}

const ADDRESS: &[Finder] = &[
    Finder::key("AddressIdAltKey", &[("AddressId", "AddressId")]),
    Finder::key("AddressNumberAltKey", &[("AddressNumber", "AddressNumber")]),
    Finder::key("AddressNumberRF", &[("AddressNumber", "AddressNumber")]),
    Finder::key(
        "SourceSystemReferenceAltKey",
        &[("SourceSystem", "SourceSystem"), ("SourceSystemReferenceValue", "SourceSystemReferenceValue")],
    ),
];

/// Section 2: what `q` may not name, `invoiceSearch` finds, by equality only.
const INVOICE: &[Finder] = &[
    Finder::key("PrimaryKey", &[("CustomerTransactionId", "CustomerTransactionId")]),
    Finder::any(
        "invoiceSearch",
        &[
            ("AccountingDate", "AccountingDate"),
            ("AllowCompletion", "AllowCompletion"),
            ("BillToCustomerName", "BillToCustomerName"),
            ("BillToCustomerNumber", "BillToCustomerNumber"),
            ("BillToSite", "BillToSite"),
            ("BillingDate", "BillingDate"),
            ("BusinessUnit", "BusinessUnit"),
            ("CrossReference", "CrossReference"),
            ("DocumentNumber", "DocumentNumber"),
            ("DueDate", "DueDate"),
            ("FirstPartyTaxRegistration", "FirstPartyRegistrationNumber"),
            ("InvoiceCurrencyCode", "InvoiceCurrencyCode"),
            ("InvoiceStatus", "InvoiceStatus"),
            ("LegalEntityIdentifier", "LegalEntityIdentifier"),
            ("PaymentTerms", "PaymentTerms"),
            ("PurchaseOrder", "PurchaseOrder"),
            ("ShipToCustomerName", "ShipToCustomerName"),
            ("ShipToSite", "ShipToSite"),
            ("ThirdPartyTaxRegistration", "ThirdPartyRegistrationNumber"),
            ("TransactionDate", "TransactionDate"),
            ("TransactionNumber", "TransactionNumber"),
            ("TransactionSource", "TransactionSource"),
            ("TransactionType", "TransactionType"),
        ],
    ),
];

const SALES_ORDER: &[Finder] = &[
    Finder::key("PrimaryKey", &[("HeaderId", "HeaderId")]),
    Finder::key("findByHeaderId", &[("HeaderId", "HeaderId")]),
    Finder::key("findByOrderKey", &[("OrderKey", "OrderKey")]),
    Finder::key("findByOrderNumber", &[("OrderNumber", "OrderNumber")]),
    Finder {
        name: "findByOrderedDate",
        variables: &[("FromDate", "TransactionOn"), ("ToDate", "TransactionOn")],
        complete: true,
        how: How::Between("TransactionOn"),
    },
    Finder::key(
        "findBySourceOrderNumberAndSystem",
        &[
            ("SourceTransactionNumber", "SourceTransactionNumber"),
            ("SourceTransactionSystem", "SourceTransactionSystem"),
        ],
    ),
];
