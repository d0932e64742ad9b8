//! The envelope: which operation is called with what, and the answer around its values (section 1.4).

use axum::http::StatusCode;

use super::fault::Fault;
use super::names::{ADDRESSING, ENVELOPE, Service};
use super::write;
use super::xml::{self, Element};
use crate::call::{Call, Reply};
use crate::text::digest;

/// The operation's name in SOAPAction, quoted or not, if the service has it.
pub(crate) fn action(service: Service, call: &Call) -> Option<&'static str> {
    let text = call.header("soapaction")?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let name = text.strip_prefix(service.actions().as_str())?;
    service.operations().iter().copied().find(|operation| *operation == name)
}

/// 415 unless the body is `text/xml` in UTF-8.
pub(crate) fn refuse_media(call: &Call) -> Option<Reply> {
    let full = call.header("content-type").unwrap_or_default();
    let parameters = full.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let utf8 = charsets.any(|(_, value)| value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"));
    let fits = call.media_type() == "text/xml" && utf8;
    (!fits).then(|| Reply::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// The called operation and its parameters, which stand in the namespace of the operation.
pub(crate) fn read(service: Service, call: &Call) -> Result<(&'static str, Vec<Element>), Fault> {
    let text = std::str::from_utf8(&call.body).map_err(|_| Fault::malformed("it isn't UTF-8"))?;
    let envelope = xml::parse(text).map_err(|what| Fault::malformed(&what))?;
    if !envelope.is(ENVELOPE, "Envelope") {
        return Err(Fault::malformed("it has no SOAP 1.1 envelope"));
    }
    let mut parts = envelope.children;
    if parts.first().is_some_and(|first| first.is(ENVELOPE, "Header")) {
        let header = parts.remove(0);
        if !header.children.is_empty() {
            return Err(Fault::not_modelled("A SOAP header"));
        }
    }
    let body = parts.pop().filter(|body| body.is(ENVELOPE, "Body") && parts.is_empty());
    let mut content = body.ok_or_else(|| Fault::malformed("it has no body"))?.children;
    let operation = content.pop().filter(|_| content.is_empty());
    let operation = operation.ok_or_else(|| Fault::malformed("the body has not one element"))?;
    let types = service.types();
    if operation.namespace != types {
        return Err(Fault::unknown_method());
    }
    if service.not_modelled().contains(&operation.name.as_str()) {
        return Err(Fault::not_modelled(&operation.name));
    }
    let called = action(service, call).filter(|action| *action == operation.name);
    let called = called.ok_or_else(Fault::unknown_method)?;
    if operation.children.iter().any(|parameter| parameter.namespace != types) {
        return Err(Fault::unknown_method());
    }
    Ok((called, operation.children))
}

/// The parameters by name: these, in this order, and no others.
pub(crate) fn parameters<const N: usize>(given: &[Element], names: [&str; N]) -> Result<[Element; N], Fault> {
    let all = given.len() == N && given.iter().zip(names).all(|(parameter, name)| parameter.name == name);
    let taken = all.then(|| given.to_vec()).and_then(|given| given.try_into().ok());
    taken.ok_or_else(|| Fault::malformed(&format!("the parameters are {}, in this order", names.join(", "))))
}

/// The text of a simple parameter.
pub(crate) fn text(parameter: &Element) -> Result<&str, Fault> {
    let plain = !parameter.nil && parameter.children.is_empty() && !parameter.text.is_empty();
    if plain { Ok(&parameter.text) } else { Err(Fault::malformed(&format!("{} is empty", parameter.name))) }
}

/// The answer: `result` holds as many `Value` elements as there are values.
pub(crate) fn reply(
    service: Service,
    operation: &str,
    values: Vec<Element>,
    rng: &mut fastrand::Rng,
) -> Reply {
    let types = service.types();
    let result = Element::new(&types, "result").with(values);
    let response = Element::new(&types, &format!("{operation}Response")).with([result]);
    let action = format!("{}{operation}Response", service.actions());
    let id = digest(&["message", &rng.u64(..).to_string()]);
    let id = format!("urn:uuid:{}", id.get(..32).unwrap_or_default());
    let header = Element::new(ENVELOPE, "Header").with([
        Element::leaf(ADDRESSING, "Action", Some(&action)),
        Element::leaf(ADDRESSING, "MessageID", Some(&id)),
    ]);
    let body = Element::new(ENVELOPE, "Body").with([response]);
    let envelope = Element::new(ENVELOPE, "Envelope").with([header, body]);
    Reply::of(StatusCode::OK, "text/xml; charset=utf-8", write::document(&envelope, rng))
}
