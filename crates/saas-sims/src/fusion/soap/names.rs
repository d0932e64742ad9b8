//! The namespaces of the services (section 1.4; of source systems: see `source_systems.rs`).

pub(crate) const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(crate) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
pub(crate) const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
/// Content of findCriteria and findControl.
pub(crate) const FIND: &str = "http://xmlns.oracle.com/adf/svc/types/";
/// Content of a fault's detail.
pub(crate) const ERRORS: &str = "http://xmlns.oracle.com/adf/svc/errors/";
/// Content of OriginalSystemReference.
pub(crate) const PARTY: &str = "http://xmlns.oracle.com/apps/cdm/foundation/parties/partyService/";
/// Content of a customer account.
pub(crate) const ACCOUNT: &str =
    "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/";
/// Content of a customer profile.
pub(crate) const PROFILE: &str =
    "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/";

/// Content of a source system.
pub(crate) const SOURCE_SYSTEM: &str =
    "http://xmlns.oracle.com/apps/cdm/foundation/parties/sourceSystemService/";

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Account,
    Profile,
    SourceSystem,
}

impl Service {
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/crmService/CustomerAccountService" | "/foundationParties/CustomerAccountService" => {
                Some(Self::Account)
            }
            "/fscmService/ReceivablesCustomerProfileService" => Some(Self::Profile),
            "/crmService/FoundationSourceSystemService" => Some(Self::SourceSystem),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Account => "CustomerAccountService",
            Self::Profile => "ReceivablesCustomerProfileService",
            Self::SourceSystem => "FoundationSourceSystemService",
        }
    }

    /// What stands before the operation in SOAPAction: the services of parties have the segment `applicationModule`.
    pub(crate) fn actions(self) -> String {
        match self {
            Self::Account => format!("{ACCOUNT}applicationModule/"),
            Self::Profile => PROFILE.to_owned(),
            Self::SourceSystem => format!("{SOURCE_SYSTEM}applicationModule/"),
        }
    }

    /// The namespace of operations and their direct parameters.
    pub(crate) fn types(self) -> String {
        format!("{}types/", self.actions())
    }

    pub(crate) fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Account => &[
                "createCustomerAccount",
                "mergeCustomerAccount",
                "updateCustomerAccount",
                "getCustomerAccount",
                "findCustomerAccount",
                "getCustomerAccountByOriginalSystemReference",
            ],
            Self::Profile => &["createCustomerProfile", "getActiveCustomerProfile", "updateCustomerProfile"],
            Self::SourceSystem => &["findSourceSystem"],
        }
    }

    /// Operations that the real service has and the simulator has not.
    pub(crate) fn not_modelled(self) -> &'static [&'static str] {
        match self {
            Self::Account => &["processCustomerAccount"],
            Self::Profile => &[],
            Self::SourceSystem => &["getSourceSystem", "createSourceSystem", "updateSourceSystem"],
        }
    }
}
