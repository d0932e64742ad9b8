//! Elements with their namespaces resolved: what a request holds and what an answer is made of (section 1.4).

use quick_xml::NsReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;

use super::names::XSI;

/// Deeper trees are refused.
const DEPTH: usize = 32;

/// An element; a namespace and a local name stand for its qualified name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// `xsi:nil="true"`.
    pub(crate) nil: bool,
    /// The text; empty when there are children.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned(), ..Self::default() }
    }

    /// An element with text, or a nil one.
    pub(crate) fn leaf(namespace: &str, name: &str, text: Option<&str>) -> Self {
        let nil = text.is_none();
        Self { nil, text: text.unwrap_or_default().to_owned(), ..Self::new(namespace, name) }
    }

    pub(crate) fn with(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    pub(crate) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }
}

/// Reads a document. Document types, entities that are not predefined, processing instructions, mixed content,
/// prefixes without a namespace and attributes other than `xsi:nil` are refused.
pub(crate) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                if root.is_some() || open.len() >= DEPTH {
                    return Err(format!("unexpected element {}", start.name().into_inner()));
                }
                let element = begin(&reader, &start)?;
                open.push(element);
            }
            Event::Empty(start) => return Err(format!("unexpected {}", start.name().into_inner())),
            Event::End(_) => {
                let done = finish(open.pop().ok_or("an end without a start")?)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => root = Some(done),
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content())?,
            Event::CData(data) => append(&mut open, &data.xml10_content())?,
            Event::GeneralRef(reference) => {
                let text = referenced(&reference)?;
                append(&mut open, &text)?;
            }
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose().map_err(|error| error.to_string())?;
                if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("utf-8")) {
                    return Err("the encoding isn't UTF-8".to_owned());
                }
            }
            Event::Comment(_) => {}
            Event::PI(_) => return Err("a processing instruction isn't allowed".to_owned()),
            Event::DocType(_) => return Err("a DOCTYPE isn't allowed".to_owned()),
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err("the document ends inside an element".to_owned());
    }
    root.ok_or_else(|| "the document has no element".to_owned())
}

fn begin(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, String> {
    let resolver = reader.resolver();
    let (namespace, name) = resolver.resolve_element(start.name());
    let mut element = Element::new(bound(&namespace)?, name.into_inner());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, name) = resolver.resolve_attribute(attribute.key);
        match (bound(&namespace)?, name.into_inner(), attribute.value.as_ref()) {
            (XSI, "nil", "true" | "1") => element.nil = true,
            (XSI, "nil", "false" | "0") => {}
            (_, name, value) => {
                return Err(format!("the attribute {name}=\"{value}\" isn't allowed or not modelled"));
            }
        }
    }
    Ok(element)
}

fn bound<'a>(namespace: &'a ResolveResult<'_>) -> Result<&'a str, String> {
    match namespace {
        ResolveResult::Bound(namespace) => Ok(namespace.as_ref()),
        ResolveResult::Unbound => Ok(""),
        ResolveResult::Unknown(prefix) => Err(format!("the prefix {prefix} isn't declared")),
    }
}

fn append(open: &mut [Element], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => {}
        None => return Err("text outside of the root element".to_owned()),
    }
    Ok(())
}

fn referenced(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(letter.to_string());
    }
    let name = reference.xml10_content();
    let text = resolve_xml_entity(&name).ok_or_else(|| format!("the entity {name} isn't defined"))?;
    Ok(text.to_owned())
}

/// Drops the white space between children and checks that there is nothing else.
fn finish(mut element: Element) -> Result<Element, String> {
    if !element.children.is_empty() {
        if !element.text.trim().is_empty() {
            return Err(format!("{} has text and elements", element.name));
        }
        element.text.clear();
    }
    if element.nil && !(element.text.is_empty() && element.children.is_empty()) {
        return Err(format!("{} is nil and has content", element.name));
    }
    Ok(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_with_their_namespaces_whatever_the_prefix() {
        let one = parse("<a:r xmlns:a='u'><a:t>1 &lt; &#50;</a:t></a:r>").unwrap();
        let other =
            parse("<?xml version='1.0' encoding='utf-8'?>\n<r xmlns='u'>\n <t><![CDATA[1 < 2]]></t></r>");
        assert_eq!(one, other.unwrap());
        assert_eq!(one.children[0], Element::leaf("u", "t", Some("1 < 2")));
    }

    #[test]
    fn a_nested_declaration_ends_with_its_element() {
        let tree = parse("<r xmlns='u'><x xmlns='v'/><x/></r>").unwrap();
        assert!(tree.children[0].is("v", "x") && tree.children[1].is("u", "x"));
    }

    #[test]
    fn nil_is_told_from_empty() {
        let tree = parse(&format!("<r xmlns:i='{XSI}'><x i:nil='true'/><x></x></r>")).unwrap();
        assert_eq!((tree.children[0].nil, tree.children[1].nil), (true, false));
    }

    #[test]
    fn what_soap_forbids_is_refused() {
        let deep = "<x>".repeat(40);
        let bad = [
            "",
            "<!DOCTYPE r [<!ENTITY e 'x'>]><r>&e;</r>",
            "<r>&e;</r>",
            "<?php x?><r/>",
            "<r>text<x/></r>",
            "<r/><r/>",
            "<p:r/>",
            "<r><x></r>",
            "<r a='1' a='2'/>",
            "<r a='1'/>",
            "<r",
            "<?xml version='1.0' encoding='latin1'?><r/>",
            deep.as_str(),
        ];
        for text in bad {
            parse(text).expect_err(text);
        }
    }
}
