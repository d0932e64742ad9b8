//! `?WSDL`: the operations' names and SOAPActions; the types are left out.

use axum::http::StatusCode;
use quick_xml::escape::escape;

use super::names::Service;
use crate::call::{Call, Reply};

pub(crate) fn reply(service: Service, call: &Call) -> Reply {
    let (name, actions) = (service.name(), service.actions());
    let mut port = String::new();
    let mut binding = String::new();
    for operation in service.operations() {
        port.push_str(&format!("<wsdl:operation name=\"{operation}\"/>"));
        binding.push_str(&format!(
            "<wsdl:operation name=\"{operation}\"><soap:operation soapAction=\"{actions}{operation}\"/></wsdl:operation>"
        ));
    }
    let place = escape(format!("https://{}{}", call.host(), call.path)).into_owned();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" \
         xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" xmlns:tns=\"{actions}\" \
         name=\"{name}\" targetNamespace=\"{actions}\">\
         <wsdl:portType name=\"{name}\">{port}</wsdl:portType>\
         <wsdl:binding name=\"{name}SoapHttp\" type=\"tns:{name}\">\
         <soap:binding transport=\"http://schemas.xmlsoap.org/soap/http\"/>{binding}</wsdl:binding>\
         <wsdl:service name=\"{name}\"><wsdl:port name=\"{name}SoapHttpPort\" binding=\"tns:{name}SoapHttp\">\
         <soap:address location=\"{place}\"/></wsdl:port></wsdl:service></wsdl:definitions>"
    );
    Reply::of(StatusCode::OK, "text/xml; charset=utf-8", text)
}
