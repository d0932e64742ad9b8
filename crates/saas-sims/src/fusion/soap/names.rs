//! The namespaces of the two services (section 1.4).

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

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Account,
    Profile,
}

impl Service {
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/crmService/CustomerAccountService" | "/foundationParties/CustomerAccountService" => {
                Some(Self::Account)
            }
            "/fscmService/ReceivablesCustomerProfileService" => Some(Self::Profile),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Account => "CustomerAccountService",
            Self::Profile => "ReceivablesCustomerProfileService",
        }
    }

    /// What stands before the operation in SOAPAction: only one service has the segment `applicationModule`.
    pub(crate) fn actions(self) -> String {
        match self {
            Self::Account => format!("{ACCOUNT}applicationModule/"),
            Self::Profile => PROFILE.to_owned(),
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
        }
    }

    /// Operations that the real service has and the simulator has not.
    pub(crate) fn not_modelled(self) -> &'static [&'static str] {
        match self {
            Self::Account => &["processCustomerAccount"],
            Self::Profile => &[],
        }
    }
}
