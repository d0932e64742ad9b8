//! XML as a tree with resolved namespaces: prefixes change from answer to answer (oracle-fusion.md 1.4).

use quick_xml::{
    NsReader,
    escape::resolve_xml_entity,
    events::{BytesRef, BytesStart, Event},
    name::ResolveResult,
};
use serde::Deserialize;

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// No answer is deeper; what is, was made to hurt.
const DEPTH: usize = 64;

/// An element. (Deserialisable because the output of every call is; it is only ever read by [`parse`].)
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Element {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// `xsi:nil="true"`.
    pub(crate) nil: bool,
    /// All its text, blanks between elements included.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// The children of that name, in whatever namespace.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The children of that namespace and name.
    pub(crate) fn all<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is(namespace, name))
    }

    /// All elements below it of that name.
    pub(crate) fn below<'a>(&'a self, name: &str, into: &mut Vec<&'a Element>) {
        for child in &self.children {
            if child.name == name {
                into.push(child);
            }
            child.below(name, into);
        }
    }
}

/// Reads a document. Document types are refused, comments and processing instructions ignored.
pub(crate) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut open, mut root): (Vec<Element>, Option<Element>) = (Vec::new(), None);
    loop {
        match reader.read_event().map_err(|_| at(&reader, "it is not well-formed"))? {
            Event::Start(start) => {
                if root.is_some() || open.len() >= DEPTH {
                    return Err(at(&reader, "there is an element too many"));
                }
                open.push(begin(&reader, &start)?);
            }
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| at(&reader, "an end has no beginning"))?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => root = Some(done),
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(data) => append(&mut open, &data.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = referenced(&reference).ok_or_else(|| at(&reader, "an entity is unknown"))?;
                append(&mut open, &text);
            }
            Event::DocType(_) => return Err(at(&reader, "there is a document type")),
            Event::Empty(_) | Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        Some(_) | None => Err(at(&reader, "it ends too early")),
    }
}

fn begin(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, String> {
    let resolver = reader.resolver();
    let (namespace, name) = resolver.resolve_element(start.name());
    let namespace = match namespace {
        ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(_) => return Err(at(reader, "a prefix is not declared")),
    };
    let mut element = Element { namespace, name: name.as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| at(reader, "an attribute is not well-formed"))?;
        let (namespace, name) = resolver.resolve_attribute(attribute.key);
        let instance = matches!(namespace, ResolveResult::Bound(namespace) if namespace.as_ref() == INSTANCE);
        let yes = matches!(attribute.value.as_ref().trim(), "true" | "1");
        element.nil |= instance && name.as_ref() == "nil" && yes;
    }
    Ok(element)
}

/// Text outside of the root is nobody's.
fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn referenced(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref() {
        Ok(Some(letter)) => Some(letter.to_string()),
        Ok(None) => resolve_xml_entity(&reference.xml10_content()).map(str::to_owned),
        Err(_) => None,
    }
}

/// Where, not what: the document may hold anything.
fn at(reader: &NsReader<&[u8]>, what: &str) -> String {
    format!("{what} (byte {})", reader.buffer_position())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_resolved_and_nil_is_read() {
        let text = r#"<?xml version="1.0"?><!-- c --><?pi?>
            <a:r xmlns:a="urn:a" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
              <x xmlns="urn:a" i:nil="true"/><b:x xmlns:b="urn:b" nil="true"> 1 &lt; <![CDATA[<2>]]>&#x41;</b:x>
            </a:r>"#;
        let root = parse(text).unwrap();
        assert!(root.is("urn:a", "r"));
        let first: Vec<_> = root.all("urn:a", "x").collect();
        assert_eq!((first.len(), first[0].nil), (1, true));
        let second: Vec<_> = root.all("urn:b", "x").collect();
        assert_eq!((second[0].nil, second[0].text.as_str()), (false, " 1 < <2>A"));
        assert_eq!(root.named("x").count(), 2);
    }

    #[test]
    fn document_types_unknown_entities_and_broken_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        for text in [
            r#"<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>"#,
            "<!DOCTYPE html><html></html>",
            "<a>&nbsp;</a>",
            "<a><b></a>",
            "<a>",
            "<a/><b/>",
            "<p:a/>",
            "",
            "{}",
            deep.as_str(),
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
