//! From good inputs to bad ones: bytes, words, lines and whole elements are lost, repeated, moved, nested and replaced by what
//! is nasty.

use std::ops::Range;

use fastrand::Rng;

/// No input is longer.
const MOST: usize = 50_000;

/// Nasty wherever it stands.
const NASTY: &[&[u8]] = &[
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    "\u{202e}\u{2028}\u{85}\u{a0}".as_bytes(),
    "\u{fffd}e\u{301}\u{1f469}\u{200d}\u{1f4bb}".as_bytes(),
    "İıßſﬀ".as_bytes(),
    b"\r\n\r\n",
    b"\n",
    b"\\u0000",
    b"\\ud800",
    b"\\",
    b"\"",
    b"'",
    b"\"\"\"",
    b"'''",
    b"null",
    b"true",
    b"\"\"",
    b"{}",
    b"[]",
    b"0",
    b"-1",
    b"-0.0",
    b"1e999",
    b"1E-400",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"18446744073709551616",
    b"99999999999999999999999999999999999999999",
    b"170141183460469231731687303715884105727",
    b"0.00005",
    b"2026-11-31T25:61:61Z",
    b"9999-12-31T23:59:59.999999999Z",
    b"-009999-01-02T00:00:00Z",
    b"0000-00-00",
    b"Fri, 31 Dec 9999 23:59:59 GMT",
    b"Thu, 31 Dec 2099 23:59:59 GMT",
    b"<!DOCTYPE a [<!ENTITY e \"&e;&e;\">]>",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"&e;",
    b"&#0;",
    b"&#x110000;",
    b"&amp;",
    b" xsi:nil=\"true\"",
    b"<!doctype html><html><body>Sign in</body></html>",
    b"%00%ff%",
    b"://user:pass@",
    b"..",
    b"=",
    b",",
    b":",
    b"\t",
];

/// Makes inputs of a corpus.
pub(super) struct Mutator<'a> {
    rng: Rng,
    corpus: &'a [Vec<u8>],
    words: &'a [&'a str],
}

impl<'a> Mutator<'a> {
    pub(super) fn new(seed: u64, corpus: &'a [Vec<u8>], words: &'a [&'a str]) -> Self {
        Self { rng: Rng::with_seed(seed), corpus, words }
    }

    /// The next input.
    pub(super) fn input(&mut self) -> Vec<u8> {
        let mut input = self.any().clone();
        for _ in 0..1 << self.rng.u32(0..4) {
            self.change(&mut input);
            input.truncate(MOST);
        }
        input
    }

    fn any(&mut self) -> &'a Vec<u8> {
        &self.corpus[self.rng.usize(..self.corpus.len())]
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        match self.rng.u32(0..20) {
            0 => self.flip(input),
            1 => {
                let at = self.at(input);
                input.truncate(at);
            }
            2 => self.splice(input),
            3 | 4 => {
                let (word, at) = (self.word(), self.at(input));
                input.splice(at..at, word);
            }
            5 => self.lose(input),
            6..=8 => {
                let (token, word) = (self.token(input), self.word());
                input.splice(token, word);
            }
            9 => {
                let token = self.token(input);
                input.drain(token);
            }
            10 => {
                let token = self.token(input);
                self.repeat(input, token);
            }
            11 => {
                let (token, other) = (self.token(input), self.any());
                let from = self.token(other);
                input.splice(token, other[from].to_vec());
            }
            12 => {
                let element = self.element(input);
                input.drain(element);
            }
            13 | 14 => {
                let element = self.element(input);
                self.repeat(input, element);
            }
            15 => {
                let (element, word) = (self.element(input), self.word());
                input.splice(element, word);
            }
            16 => {
                let (element, other) = (self.element(input), self.any());
                let from = self.element(other);
                input.splice(element, other[from].to_vec());
            }
            17 => self.nest(input),
            18 => {
                let line = line_at(input, self.at(input));
                if self.rng.bool() {
                    self.repeat(input, line);
                } else {
                    input.drain(line);
                }
            }
            _ => self.swap(input),
        }
    }

    /// A place between two bytes.
    fn at(&mut self, input: &[u8]) -> usize {
        self.rng.usize(..=input.len())
    }

    fn word(&mut self) -> Vec<u8> {
        let some = self.rng.usize(..NASTY.len() + 2 * self.words.len() + 1);
        match NASTY.get(some) {
            Some(word) => word.to_vec(),
            None => match self.words.get((some - NASTY.len()) / 2) {
                Some(word) => word.as_bytes().to_vec(),
                None => (0..self.rng.usize(1..8)).map(|_| self.rng.u8(..)).collect(),
            },
        }
    }

    fn flip(&mut self, input: &mut [u8]) {
        if !input.is_empty() {
            let at = self.rng.usize(..input.len());
            input[at] ^= 1 << self.rng.u32(0..8);
        }
    }

    fn lose(&mut self, input: &mut Vec<u8>) {
        let from = self.at(input);
        let to = (from + self.rng.usize(1..64)).min(input.len());
        input.drain(from..to);
    }

    fn splice(&mut self, input: &mut Vec<u8>) {
        let other = self.any();
        let (at, from) = (self.at(input), self.at(other));
        input.truncate(at);
        input.extend(&other[from..]);
    }

    fn swap(&mut self, input: &mut Vec<u8>) {
        let (one, two) = (self.token(input), self.token(input));
        let (first, second) = if one.start < two.start { (one, two) } else { (two, one) };
        if first.end <= second.start {
            let (left, right) = (input[first.clone()].to_vec(), input[second.clone()].to_vec());
            input.splice(second, left);
            input.splice(first, right);
        }
    }

    /// Mostly twice or a few times, seldom thousands of times.
    fn repeat(&mut self, input: &mut Vec<u8>, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let often = [1, 1, 1, 2, 3, 10, 150, 5_000][self.rng.usize(..8)];
        let often = often.min(MOST / range.len());
        let more = input[range.clone()].repeat(often);
        input.splice(range.end..range.end, more);
    }

    fn nest(&mut self, input: &mut Vec<u8>) {
        const PAIRS: &[(&str, &str)] = &[
            ("[", "]"),
            ("{\"a\":", "}"),
            ("<a>", "</a>"),
            ("(", ")"),
            ("<Value>", "</Value>"),
            ("[[a.", "]]"),
            ("{a=", "}"),
        ];
        let (open, close) = PAIRS[self.rng.usize(..PAIRS.len())];
        let deep = [1, 2, 20, 63, 127, 600, 5_000][self.rng.usize(..7)];
        let around = if self.rng.bool() { self.token(input) } else { self.element(input) };
        if self.rng.u32(0..4) > 0 {
            input.splice(around.end..around.end, close.repeat(deep).into_bytes());
        }
        input.splice(around.start..around.start, open.repeat(deep).into_bytes());
    }

    /// A word, a number, blanks, or one sign.
    fn token(&mut self, input: &[u8]) -> Range<usize> {
        if input.is_empty() {
            return 0..0;
        }
        let at = self.rng.usize(..input.len());
        let class = class(input[at]);
        if class == Class::Sign {
            return at..at + 1;
        }
        let before = input[..at].iter().rev().take_while(|byte| self::class(**byte) == class).count();
        let after = input[at..].iter().take_while(|byte| self::class(**byte) == class).count();
        at - before..at + after
    }

    /// From a bracket or a tag to the one that closes it; a text in quotes; else a line.
    fn element(&mut self, input: &[u8]) -> Range<usize> {
        let opens: Vec<usize> = input
            .iter()
            .enumerate()
            .filter(|(at, byte)| match byte {
                b'{' | b'[' | b'"' => true,
                b'<' => input.get(at + 1).is_some_and(|next| class(*next) == Class::Word),
                _ => false,
            })
            .map(|(at, _)| at)
            .take(5_000)
            .collect();
        if opens.is_empty() {
            let at = self.at(input);
            return line_at(input, at);
        }
        let from = opens[self.rng.usize(..opens.len())];
        let end = match input[from] {
            b'"' => input[from + 1..].iter().position(|byte| *byte == b'"').map(|length| from + length + 2),
            b'<' => tag_end(input, from),
            open => bracket_end(input, from, open),
        };
        from..end.unwrap_or(from + 1)
    }
}

#[derive(PartialEq, Eq)]
enum Class {
    Word,
    Blank,
    Sign,
}

fn class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'+' | 0x80.. => Class::Word,
        b' ' | b'\t' | b'\r' | b'\n' => Class::Blank,
        _ => Class::Sign,
    }
}

fn bracket_end(input: &[u8], from: usize, open: u8) -> Option<usize> {
    let close = if open == b'{' { b'}' } else { b']' };
    let mut depth = 0_usize;
    for (at, byte) in input.iter().enumerate().skip(from) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

/// The end of the next tag that closes one of this name.
fn tag_end(input: &[u8], from: usize) -> Option<usize> {
    let name =
        input[from + 1..].iter().take_while(|byte| class(**byte) == Class::Word || **byte == b':').count();
    let close = [b"</", &input[from + 1..from + 1 + name], b">"].concat();
    let found = input[from..].windows(close.len()).position(|window| window == close)?;
    Some(from + found + close.len())
}

fn line_at(input: &[u8], at: usize) -> Range<usize> {
    let from = input[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let length =
        input[at..].iter().position(|byte| *byte == b'\n').map_or(input.len() - at, |length| length + 1);
    from..at + length
}
