//! SOAP as such: namespaces, headers, faults, WSDL, authentication (sections 1.4, 5, 9.11).

use std::collections::BTreeSet;

use jiff::SignedDuration;
use saas_sims::fusion::FusionSettings;

use crate::http::send;
use crate::soap::{
    ACTIONS, BY, CUS, Desk, ENV, ERRORS, PROFILES, SERVICE, XML, envelope, fault, read, reference, value,
};

const CREATE: &str = "createCustomerAccount";

/// A create with one text of the message exchanged for another.
async fn changed(desk: &Desk, from: &str, to: &str) -> crate::http::Answer {
    let content = format!("<typ:customerAccount>{}</typ:customerAccount>", desk.full("org:1"));
    let body = envelope(CREATE, &content);
    assert!(body.contains(from), "{from}");
    desk.post(SERVICE, &format!("{ACTIONS}{CREATE}"), &body.replace(from, to)).await
}

#[tokio::test]
async fn every_namespace_counts_and_a_wrong_one_is_an_unknown_method() {
    let desk = Desk::new().await;
    let types = format!("{ACTIONS}types/");
    let wrong = [
        (types.as_str(), CUS),
        (CUS, types.as_str()),
        ("typ:customerAccount>", "cus:customerAccount>"),
        ("cus:PartyId>", "typ:PartyId>"),
        ("cus:OriginalSystemReference>", "par:OriginalSystemReference>"),
        ("par:OrigSystem>", "cus:OrigSystem>"),
        ("cus:SiteUseCode>", "par:SiteUseCode>"),
        (CREATE, "makeCustomerAccount"),
    ];
    for (from, to) in wrong {
        let answer = changed(&desk, from, to).await;
        assert_eq!(fault(&answer).text, "Unknown method", "{from} -> {to}");
    }
    assert_eq!(desk.count(), 0);
    let body = envelope(CREATE, &format!("<typ:customerAccount>{}</typ:customerAccount>", desk.least()));
    let renamed = body
        .replace("soap:", "other:")
        .replace(":soap", ":other")
        .replace("cus:", "x:")
        .replace(":cus=", ":x=");
    value(&desk.post(SERVICE, &format!("{ACTIONS}{CREATE}"), &renamed).await);
}

#[tokio::test]
async fn soap_action_is_namespace_and_operation_quoted_or_not() {
    let desk = Desk::new().await;
    let body = envelope(CREATE, &format!("<typ:customerAccount>{}</typ:customerAccount>", desk.least()));
    let good = format!("{ACTIONS}{CREATE}");
    for action in [good.clone(), format!("\"{good}\"")] {
        value(&desk.post(SERVICE, &action, &body).await);
    }
    let other = format!("{ACTIONS}mergeCustomerAccount");
    for action in ["", CREATE, other.as_str(), &format!("{ACTIONS}types/{CREATE}"), &format!("\"{good}")] {
        assert_eq!(fault(&desk.post(SERVICE, action, &body).await).text, "Unknown method", "{action}");
    }
    assert_eq!(desk.count(), 2);
}

#[tokio::test]
async fn the_content_type_is_text_xml_in_utf_8() {
    let desk = Desk::new().await;
    let body = envelope(CREATE, &format!("<typ:customerAccount>{}</typ:customerAccount>", desk.least()));
    let action = format!("{ACTIONS}{CREATE}");
    for media in
        ["application/xml; charset=utf-8", "text/xml", "text/xml; charset=latin1", "application/json"]
    {
        let headers =
            [("authorization", desk.bearer.as_str()), ("content-type", media), ("soapaction", &action)];
        send(&desk.pod.router, "POST", SERVICE, &headers, &body).await.refused(415);
    }
    let quoted = ("content-type", "text/xml; charset=\"utf-8\"");
    let headers = [("authorization", desk.bearer.as_str()), quoted, ("soapaction", &action)];
    value(&send(&desk.pod.router, "POST", SERVICE, &headers, &body).await);
}

#[tokio::test]
async fn messages_that_are_no_soap_are_faults() {
    let desk = Desk::new().await;
    let good = envelope(CREATE, &format!("<typ:customerAccount>{}</typ:customerAccount>", desk.least()));
    let doctype = good.replace("?><soap", "?><!DOCTYPE x [<!ENTITY e 'x'>]><soap");
    let entity = good.replace("HZ_WS", "&e;");
    let soap12 = good.replace(ENV, "http://www.w3.org/2003/05/soap-envelope");
    let cut = &good[..good.len() - 10];
    let two = good.replace("</soap:Body>", "<typ:getCustomerAccount/></soap:Body>");
    for body in ["", "{}", "<x/>", doctype.as_str(), &entity, &soap12, cut, &two] {
        let answer = desk.post(SERVICE, &format!("{ACTIONS}{CREATE}"), body).await;
        assert!(fault(&answer).text.starts_with("The message isn't valid"), "{body}");
    }
    assert_eq!(desk.count(), 0);
}

#[tokio::test]
async fn what_is_not_modelled_is_refused_and_not_ignored() {
    let desk = Desk::new().await;
    let header = ("<soap:Header/>", "<soap:Header><cus:x/></soap:Header>");
    let attribute = ("cus:AccountName>", "cus:TaxCode>");
    for (from, to) in [header, attribute, (CREATE, "processCustomerAccount")] {
        let text = fault(&changed(&desk, from, to).await).text;
        assert!(text.ends_with("is not modelled by this simulator"), "{text}");
    }
    assert_eq!(desk.count(), 0);
}

#[tokio::test]
async fn a_fault_carries_a_service_error_message_with_escaped_markup() {
    let desk = Desk::new().await;
    let answer = changed(&desk, SET_ID, "<cus:SetId>1</cus:SetId>").await;
    let body = read(&answer.refused(500).text);
    let error = body.one("Body").one("Fault").one("detail").one("ServiceErrorMessage");
    assert_eq!(error.namespace, ERRORS);
    assert_eq!(error.text("severity"), "SEVERITY_ERROR");
    assert!(error.text("exceptionClassName").starts_with("oracle."));
    let message = error.text("message");
    assert!(message.starts_with("<MESSAGE><TEXT>") && message.ends_with("</TEXT></MESSAGE>"), "{message}");
    assert!(answer.text.contains("&lt;MESSAGE&gt;"));
    let culprit = error.one("detail");
    assert_eq!((culprit.text("attributeName"), culprit.text("objectName")), ("SetId", "CustomerAccountSite"));
    assert!(culprit.text("message").starts_with("<MESSAGE>"));
}

const SET_ID: &str = "<cus:SetId>300000001127004</cus:SetId>";

#[tokio::test]
async fn prefixes_change_from_answer_to_answer() {
    let desk = Desk::new().await;
    let mut roots = BTreeSet::new();
    for key in 0..12 {
        let content = desk.least() + &reference(&key.to_string(), "HZ_CUST_ACCOUNTS");
        let answer = desk.create(&content).await;
        let value = value(&answer);
        assert_eq!((value.namespace.as_str(), value.name.as_str()), (CUS, "Value"));
        assert_eq!(value.one("OriginalSystemReference").one("OrigSystem").namespace, crate::soap::PAR);
        let at = answer.text.find(":Value").map_or(0, |at| at - 3);
        roots.insert(answer.text[at..at + 9].to_owned());
    }
    assert!(roots.len() > 3, "{roots:?}");
}

#[tokio::test]
async fn answers_name_their_action_and_stand_in_the_types_namespace() {
    let desk = Desk::new().await;
    let answer = desk.create(&desk.least()).await;
    let envelope = read(&answer.text);
    let response = &envelope.one("Body").children[0];
    assert_eq!(
        (response.namespace.clone(), response.name.as_str()),
        (format!("{ACTIONS}types/"), "createCustomerAccountResponse")
    );
    assert_eq!(response.one("result").namespace, format!("{ACTIONS}types/"));
    assert_eq!(envelope.one("Header").text("Action"), format!("{ACTIONS}{CREATE}Response"));
    assert!(answer.header("x-oracle-dms-ecid").starts_with("006"));
}

#[tokio::test]
async fn the_wsdl_names_the_operations() {
    let desk = Desk::new().await;
    let headers = [("authorization", desk.bearer.as_str())];
    for (path, operation) in [(SERVICE, CREATE), (PROFILES, "getActiveCustomerProfile")] {
        let answer = send(&desk.pod.router, "GET", &format!("{path}?WSDL"), &headers, "").await;
        assert_eq!(answer.status, 200);
        let root = read(&answer.text);
        assert!(root.one("portType").all("operation").count() >= 3);
        assert!(answer.text.contains(&format!("name=\"{operation}\"")));
    }
    send(&desk.pod.router, "GET", SERVICE, &headers, "").await.refused(405);
}

#[tokio::test]
async fn the_legacy_path_is_the_same_service() {
    let desk = Desk::new().await;
    let body = envelope(CREATE, &format!("<typ:customerAccount>{}</typ:customerAccount>", desk.least()));
    let path = "/foundationParties/CustomerAccountService";
    value(&desk.post(path, &format!("{ACTIONS}{CREATE}"), &body).await);
    assert_eq!(desk.count(), 1);
}

#[tokio::test]
async fn soap_needs_the_same_bearer_token_as_rest() {
    let desk = Desk::new().await;
    let send_as = |authorization: String| {
        let (router, body) = (desk.pod.router.clone(), envelope(CREATE, BY));
        async move {
            let headers = [("authorization", authorization.as_str()), XML];
            send(&router, "POST", SERVICE, &headers, &body).await
        }
    };
    assert_eq!(send_as("Bearer x".to_owned()).await.refused(401).text, "");
    send_as("Basic bWU6cw==".to_owned()).await.refused(401);
    desk.pod.clock.advance(SignedDuration::from_secs(3600));
    send_as(desk.bearer.clone()).await.refused(401);
}

#[tokio::test]
async fn http_basic_is_taken_only_by_a_switch() {
    let basic = Some(("me".to_owned(), "s".to_owned()));
    let mut desk = Desk::with(FusionSettings { basic, ..FusionSettings::default() }).await;
    desk.bearer = "Basic bWU6cw==".to_owned();
    value(&desk.create(&desk.least()).await);
    desk.bearer = "Basic bWU6eA==".to_owned();
    desk.create(&desk.least()).await.refused(401);
}

#[tokio::test]
async fn statistics_count_by_operation() {
    let desk = Desk::new().await;
    desk.create(&desk.least()).await;
    desk.profile("getActiveCustomerProfile", "").await;
    let counted = desk.pod.sim.stats().by_operation;
    for name in [format!("POST {SERVICE} {CREATE}"), format!("POST {PROFILES} getActiveCustomerProfile")] {
        assert_eq!(counted.get(&name), Some(&(1, 0)), "{counted:?}");
    }
}
