//! One SOAP call: its message, its headers, and the values of its answer (oracle-fusion.md 1.4).

use std::marker::PhantomData;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use saas_http::Endpoint;

use super::{
    ENVELOPE,
    fault::Fault,
    tree::{Element, parse},
    write,
};

/// One of the services.
pub(crate) trait Service: Send + Sync {
    /// Below the base URL.
    const PATH: &'static str;
    /// What SOAPAction begins with.
    const ACTIONS: &'static str;
    /// Namespaces by prefix; `typ` is that of operations and their parameters.
    const SPACES: &'static [(&'static str, &'static str)];
}

/// One operation of a service.
pub(crate) trait Operation: Send + Sync {
    type Service: Service;
    /// What logs and errors call it.
    const NAME: &'static str;
    /// What the service calls it.
    const OPERATION: &'static str;
    const WRITE: bool;
}

/// A call of an operation.
pub(crate) struct SoapCall<O> {
    /// The parameters as XML, in the order of the schema.
    parameters: Vec<String>,
    kind: PhantomData<O>,
}

impl<O: Operation> SoapCall<O> {
    pub(crate) fn of(_: O, parameters: Vec<String>) -> Self {
        Self { parameters, kind: PhantomData }
    }
}

impl<O: Operation> Endpoint for SoapCall<O> {
    const NAME: &'static str = O::NAME;
    const METHOD: Method = Method::POST;
    const WRITE: bool = O::WRITE;
    const CONTENT_TYPE: &'static str = "text/xml;charset=UTF-8";
    const ACCEPT: &'static str = "text/xml";

    /// One element for each value.
    type Output = Vec<Element>;

    fn path(&self) -> String {
        O::Service::PATH.to_owned()
    }

    fn bytes(&self) -> Option<Bytes> {
        let operation = write::node(&format!("typ:{}", O::OPERATION), &self.parameters);
        Some(Bytes::from(write::envelope(O::Service::SPACES, &operation)))
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let action = HeaderValue::from_str(&format!("{}{}", O::Service::ACTIONS, O::OPERATION));
        action.into_iter().map(|action| (HeaderName::from_static("soapaction"), action)).collect()
    }

    fn decode(body: &[u8]) -> Result<Self::Output, String> {
        let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
        let root = parse(text);
        let root = root.map_err(|what| format!("the answer is not the XML expected: {what}"))?;
        let body = root.all(ENVELOPE, "Body").next().filter(|_| root.is(ENVELOPE, "Envelope"));
        let body = body.ok_or("the answer is not a SOAP envelope with a body")?;
        if let Some(fault) = body.all(ENVELOPE, "Fault").next() {
            return Err(format!("a fault with a status of success: {}", Fault::from(fault).words));
        }
        let name = format!("{}Response", O::OPERATION);
        let response = body.named(&name).next().ok_or_else(|| format!("the answer has no {name}"))?;
        values(response)
    }
}

/// `Value` elements in one `result` or several, or results that are values themselves.
fn values(response: &Element) -> Result<Vec<Element>, String> {
    let mut values = Vec::new();
    for result in &response.children {
        if result.name != "result" {
            return Err(format!("{} has something else than a result", response.name));
        }
        if result.nil || result.children.is_empty() {
            continue;
        }
        if result.named("Value").next().is_some() {
            values.extend(result.named("Value").filter(|value| !value.nil).cloned());
        } else {
            values.push(result.clone());
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;
    struct Get;

    impl Service for Nowhere {
        const PATH: &'static str = "x";
        const ACTIONS: &'static str = "urn:x/";
        const SPACES: &'static [(&'static str, &'static str)] = &[("typ", "urn:t")];
    }

    impl Operation for Get {
        type Service = Nowhere;
        const NAME: &'static str = "x.get";
        const OPERATION: &'static str = "get";
        const WRITE: bool = false;
    }

    fn decoded(inside: &str) -> Result<Vec<String>, String> {
        let text = format!("<s:Envelope xmlns:s=\"{ENVELOPE}\"><s:Body>{inside}</s:Body></s:Envelope>");
        let values = SoapCall::<Get>::decode(text.as_bytes())?;
        Ok(values.iter().map(|value| value.children[0].text.clone()).collect())
    }

    #[test]
    fn values_are_one_or_several_or_the_results_themselves() {
        for (inside, wanted) in [
            ("<result/>", vec![]),
            ("", vec![]),
            (
                "<result xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><Value i:nil=\"1\"/></result>",
                vec![],
            ),
            ("<result><Value><id>1</id></Value></result>", vec!["1"]),
            ("<result><Value><id>1</id></Value><Value><id>2</id></Value></result>", vec!["1", "2"]),
            ("<result><id>1</id></result><result><id>2</id></result>", vec!["1", "2"]),
        ] {
            let response = format!("<n:getResponse xmlns:n=\"urn:t\">{inside}</n:getResponse>");
            assert_eq!(decoded(&response).unwrap(), wanted, "{inside}");
        }
    }

    #[test]
    fn an_answer_to_something_else_is_not_empty_but_unreadable() {
        for inside in ["", "<otherResponse/>", "<getResponse><results/></getResponse>"] {
            assert!(decoded(inside).is_err(), "{inside}");
        }
        let fault = format!("<f:Fault xmlns:f=\"{ENVELOPE}\"><faultstring>No</faultstring></f:Fault>");
        assert_eq!(decoded(&fault).unwrap_err(), "a fault with a status of success: No");
        for body in ["<html><body>sign in</body></html>", "{}", "<Envelope><Body/></Envelope>"] {
            assert!(SoapCall::<Get>::decode(body.as_bytes()).is_err(), "{body}");
        }
    }
}
