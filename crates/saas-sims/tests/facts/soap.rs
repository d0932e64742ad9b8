//! SOAP calls to a pod, and their answers as trees with resolved namespaces.

use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use saas_sims::fusion::{Edit, FusionSettings, FusionSim};
use serde_json::{Value, json};

use crate::http::{Answer, FORM, Pod, send};

pub(crate) const SERVICE: &str = "/crmService/CustomerAccountService";
pub(crate) const PROFILES: &str = "/fscmService/ReceivablesCustomerProfileService";
pub(crate) const ACTIONS: &str =
    "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/applicationModule/";
pub(crate) const CUS: &str = "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/";
pub(crate) const PAR: &str = "http://xmlns.oracle.com/apps/cdm/foundation/parties/partyService/";
pub(crate) const PROFILE: &str =
    "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/";
pub(crate) const ENV: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(crate) const ERRORS: &str = "http://xmlns.oracle.com/adf/svc/errors/";
pub(crate) const XML: (&str, &str) = ("content-type", "text/xml;charset=UTF-8");
pub(crate) const SET: &str = "300000001127004";
pub(crate) const BY: &str = "<cus:CreatedByModule>HZ_WS</cus:CreatedByModule>";

/// An element of an answer.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) nil: bool,
    pub(crate) text: String,
    pub(crate) children: Vec<Node>,
}

impl Node {
    pub(crate) fn all<'a>(&'a self, name: &str) -> std::vec::IntoIter<&'a Node> {
        let found: Vec<&Node> = self.children.iter().filter(|child| child.name == name).collect();
        found.into_iter()
    }

    /// The only child of that name.
    #[track_caller]
    pub(crate) fn one(&self, name: &str) -> &Node {
        let found: Vec<&Node> = self.all(name).collect();
        assert_eq!(found.len(), 1, "{name} in {self:#?}");
        found[0]
    }

    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> &str {
        &self.one(name).text
    }

    #[track_caller]
    pub(crate) fn id(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap()
    }
}

pub(crate) fn read(text: &str) -> Node {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let (namespace, name) = reader.resolver().resolve_element(start.name());
                let namespace = match namespace {
                    ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
                    ResolveResult::Unbound => String::new(),
                    ResolveResult::Unknown(prefix) => panic!("{prefix} isn't declared"),
                };
                let nil = start.attributes().flatten().any(|one| one.key.local_name().as_ref() == "nil");
                let name = name.into_inner().to_owned();
                open.push(Node { namespace, name, nil, ..Node::default() });
            }
            Event::End(_) => {
                let done = open.pop().unwrap();
                open.last_mut().unwrap().children.push(done);
            }
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                open.last_mut().unwrap().text.push_str(quick_xml::escape::resolve_xml_entity(&name).unwrap());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    open.pop().unwrap().children.pop().unwrap()
}

/// What a fault says.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) text: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) attributes: Vec<String>,
}

/// The fault of an answer, which is always a 500.
#[track_caller]
pub(crate) fn fault(answer: &Answer) -> Fault {
    answer.refused(500);
    assert!(answer.header("content-type").starts_with("text/xml"));
    let body = read(&answer.text);
    let fault = body.one("Body").one("Fault");
    assert_eq!(fault.namespace, ENV);
    assert!(fault.text("faultcode").starts_with("env:"));
    let error = fault.all("detail").next().map(|detail| detail.one("ServiceErrorMessage"));
    let part = |name| error.map(|error| error.text(name).to_owned()).unwrap_or_default();
    let culprits = error.into_iter().flat_map(|error| error.all("detail"));
    Fault {
        text: fault.text("faultstring").to_owned(),
        code: part("code"),
        message: part("message"),
        attributes: culprits.map(|culprit| culprit.text("attributeName").to_owned()).collect(),
    }
}

/// The values in a good answer.
#[track_caller]
pub(crate) fn values(answer: &Answer) -> Vec<Node> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut body = read(&answer.text).children.pop().unwrap();
    let mut response = body.children.pop().unwrap();
    assert!(response.name.ends_with("Response"));
    response.children.pop().unwrap().children
}

/// The value in an answer that has one.
#[track_caller]
pub(crate) fn value(answer: &Answer) -> Node {
    let mut values = values(answer);
    assert_eq!(values.len(), 1, "{}", answer.text);
    values.pop().unwrap()
}

/// A new address of a party, as a site names it.
pub(crate) fn address_of(pod: &Pod, party: i64) -> i64 {
    pod.sim.add_child(party, "Address", Edit::set(json!({"Country": "US"}))).unwrap()
}

/// A pod with one party that has one address.
pub(crate) struct Desk {
    pub(crate) pod: Pod,
    pub(crate) party: i64,
    pub(crate) party_site: i64,
    pub(crate) bearer: String,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self::with(FusionSettings::default()).await
    }

    pub(crate) async fn with(settings: FusionSettings) -> Self {
        let pod = Pod::with(settings).await;
        let grant = "grant_type=client_credentials&scope=all&client_id=me&client_secret=s";
        let token = send(&pod.router, "POST", "/oauth2/v1/token", &[FORM], grant).await.ok();
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let edit = json!({"OrganizationName": "Acme Ltd", "PartyUsageCode": "EXTERNAL_LEGAL_ENTITY"});
        let party = pod.sim.add_party(Edit::set(edit)).unwrap();
        let party_site = address_of(&pod, party);
        Self { pod, party, party_site, bearer }
    }

    /// Calls an operation of the account service with the parameters' XML.
    pub(crate) async fn call(&self, operation: &str, parameters: &str) -> Answer {
        let body = envelope(operation, parameters);
        self.post(SERVICE, &format!("{ACTIONS}{operation}"), &body).await
    }

    /// Calls an operation of the profile service with the profile's XML.
    pub(crate) async fn profile(&self, operation: &str, content: &str) -> Answer {
        let body = format!(
            "<s:Envelope xmlns:s=\"{ENV}\" xmlns:typ=\"{PROFILE}types/\" xmlns:cus=\"{PROFILE}\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><s:Body><typ:{operation}>\
             <typ:customerProfile>{content}</typ:customerProfile></typ:{operation}></s:Body></s:Envelope>"
        );
        self.post(PROFILES, &format!("{PROFILE}{operation}"), &body).await
    }

    pub(crate) async fn post(&self, path: &str, action: &str, body: &str) -> Answer {
        let headers = [("authorization", self.bearer.as_str()), XML, ("soapaction", action)];
        send(&self.pod.router, "POST", path, &headers, body).await
    }

    /// Calls an operation whose parameter is a customer account.
    pub(crate) async fn account(&self, operation: &str, content: &str) -> Answer {
        self.call(operation, &format!("<typ:customerAccount>{content}</typ:customerAccount>")).await
    }

    pub(crate) async fn create(&self, content: &str) -> Answer {
        self.account("createCustomerAccount", content).await
    }

    /// Party and module: what the smallest account needs.
    pub(crate) fn least(&self) -> String {
        format!("<cus:PartyId>{}</cus:PartyId>{BY}", self.party)
    }

    /// An account with references, a site and a use, as the connector makes it.
    pub(crate) fn full(&self, key: &str) -> String {
        let site = format!(
            "<cus:PartySiteId>{}</cus:PartySiteId><cus:SetId>{SET}</cus:SetId>{BY}{}",
            self.party_site,
            element(
                "CustomerAccountSiteUse",
                &format!(
                    "<cus:SiteUseCode>BILL_TO</cus:SiteUseCode>{BY}{}",
                    reference(key, "HZ_CUST_SITE_USES_ALL")
                )
            )
        );
        format!(
            "{}<cus:AccountName>Acme &amp; Co</cus:AccountName><cus:CustomerType>R</cus:CustomerType>{}{}",
            self.least(),
            reference(key, "HZ_CUST_ACCOUNTS"),
            element("CustomerAccountSite", &site)
        )
    }

    /// The number of accounts of the party.
    pub(crate) fn count(&self) -> usize {
        self.pod.sim.account_ids(self.party).len()
    }

    pub(crate) fn truth(&self) -> Value {
        let ids = self.pod.sim.account_ids(self.party);
        let rows = |of: fn(&FusionSim, i64) -> Vec<Value>| -> Vec<Value> {
            ids.iter().flat_map(|id| of(&self.pod.sim, *id)).collect()
        };
        json!({"sites": rows(FusionSim::account_sites), "uses": rows(FusionSim::site_uses),
               "references": rows(FusionSim::account_references)})
    }
}

pub(crate) fn element(name: &str, content: &str) -> String {
    format!("<cus:{name}>{content}</cus:{name}>")
}

pub(crate) fn reference(key: &str, table: &str) -> String {
    element(
        "OriginalSystemReference",
        &format!(
            "<par:OrigSystem>PIPEDRIVE</par:OrigSystem><par:OrigSystemReference>{key}</par:OrigSystemReference>\
             <par:OwnerTableName>{table}</par:OwnerTableName><par:CreatedByModule>HZ_WS</par:CreatedByModule>"
        ),
    )
}

pub(crate) fn envelope(operation: &str, parameters: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"{ENV}\" \
         xmlns:typ=\"{ACTIONS}types/\" xmlns:cus=\"{CUS}\" xmlns:par=\"{PAR}\" \
         xmlns:find=\"http://xmlns.oracle.com/adf/svc/types/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soap:Header/><soap:Body>\
         <typ:{operation}>{parameters}</typ:{operation}></soap:Body></soap:Envelope>"
    )
}
