//! `multipart/form-data` (RFC 7578), as much of it as an upload needs.

use crate::call::Call;

/// One part of the body.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) content: &'a [u8],
}

/// The parts of the body; `None` when it is not well-formed.
pub(super) fn parts(call: &Call) -> Option<Vec<Part<'_>>> {
    if call.media_type() != "multipart/form-data" {
        return None;
    }
    let boundary = parameter(call.header("content-type")?, "boundary").filter(|text| !text.is_empty())?;
    let first = format!("--{boundary}");
    let mut rest = call.body.strip_prefix(first.as_bytes())?;
    let delimiter = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let (head, body) = split(rest, b"\r\n\r\n")?;
        let (content, after) = split(body, delimiter.as_bytes())?;
        parts.push(part(std::str::from_utf8(head).ok()?, content)?);
        rest = after;
    }
}

fn part<'a>(head: &str, content: &'a [u8]) -> Option<Part<'a>> {
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.trim())
    })?;
    disposition.strip_prefix("form-data")?;
    let (name, file_name) = (parameter(disposition, "name")?, parameter(disposition, "filename"));
    Some(Part { name, file_name, content })
}

/// A parameter of a header's value, with or without quotes.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = tail.trim_start().strip_prefix(';')?;
    }
}

/// What is before and after the first occurrence.
fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = text.windows(at.len()).position(|window| window == at)?;
    Some((text.get(..start)?, text.get(start + at.len()..)?))
}
