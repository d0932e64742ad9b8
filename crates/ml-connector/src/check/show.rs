//! A report for people: by system, the verdict last.

use std::fmt::Write as _;

use super::finding::{Finding, FirstLoad, HandoverForecast, Report, Severity, Spent};
use super::judge::{counted, grouped};

/// Columns of a terminal that is not wide.
const WIDTH: usize = 110;
/// Where what was seen begins.
const INDENT: usize = 47;

/// The systems in the order of the report, and how people call them.
const SYSTEMS: [(&str, &str); 3] =
    [("store", "Store"), ("fusion", "Oracle Fusion"), ("pipedrive", "Pipedrive")];

/// The report as text.
pub fn told(report: &Report) -> String {
    let mut text = format!("{}\n", report.connection);
    for (prefix, system) in SYSTEMS {
        let of = |finding: &&Finding| finding.name.split('.').next() == Some(prefix);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\n  {system}");
        let (skipped, looked_at): (Vec<&Finding>, Vec<&Finding>) =
            report.findings.iter().filter(of).partition(|finding| finding.severity == Severity::NotChecked);
        for finding in looked_at {
            tell(&mut text, finding);
        }
        tell_skipped(&mut text, &skipped);
    }
    let Report { first_load, handovers, spent, .. } = report;
    let coming = handovers.as_ref().map(coming).unwrap_or_default();
    let _ = write!(text, "\n{}{coming}{}\n{}\n", next(first_load), took(spent), verdict(report));
    text
}

fn tell(text: &mut String, finding: &Finding) {
    let Finding { name, severity, seen, remedy } = finding;
    let mark = match severity {
        Severity::Ok => "ok",
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Problem => "PROBLEM",
        Severity::NotChecked => "-",
    };
    let head = format!("    {mark:<8} {name:<33} ");
    let _ = writeln!(text, "{}", wrapped(&head, seen));
    if let Some(remedy) = remedy {
        let _ = writeln!(text, "{}", wrapped(&" ".repeat(INDENT), &format!("-> {}", remedy.what)));
        let _ = writeln!(text, "{}", wrapped(&" ".repeat(INDENT), &format!("   where: {}", remedy.place)));
    }
}

/// What was not looked at, by the reason for it.
fn tell_skipped(text: &mut String, skipped: &[&Finding]) {
    let mut rest = skipped;
    while let Some(first) = rest.first() {
        let (same, others) = rest.split_at(rest.iter().take_while(|other| other.seen == first.seen).count());
        let names: Vec<&str> = same.iter().map(|finding| finding.name).collect();
        let head = format!("    {:<8} {:<33} ", "-", counted(same.len(), "finding"));
        let _ = writeln!(text, "{}", wrapped(&head, &format!("{}: {}", first.seen, names.join(", "))));
        rest = others;
    }
}

/// Words after `head`, in lines that begin where the first one does.
fn wrapped(head: &str, words: &str) -> String {
    let mut lines = vec![head.to_owned()];
    let mut room = WIDTH.saturating_sub(INDENT);
    let mut fresh = true;
    let indent = words.len() - words.trim_start().len();
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if !fresh && length + 1 > room {
            lines.push(" ".repeat(INDENT));
            (room, fresh) = (WIDTH - INDENT, true);
        }
        let Some(line) = lines.last_mut() else { continue };
        let gap = match (fresh, line.len() == head.len()) {
            (true, true) => indent,
            (true, false) => 0,
            (false, _) => 1,
        };
        line.push_str(&" ".repeat(gap));
        line.push_str(word);
        (room, fresh) = (room.saturating_sub(length + gap), false);
    }
    lines.join("\n")
}

fn next(first_load: &FirstLoad) -> String {
    let FirstLoad { customers, organizations, more_organizations, tokens, unasked, tokens_a_day: _, days } =
        first_load;
    let held = customers.zip(*unasked).filter(|(customers, unasked)| customers > unasked);
    let unknown = || "an unknown number of".to_owned();
    let customers = customers.map_or_else(unknown, |count| format!("about {}", grouped(count)));
    let than = if *more_organizations { "more than " } else { "" };
    let organizations = organizations.map_or_else(unknown, |count| format!("{than}{}", grouped(count)));
    let mut text = format!("  A first load: {customers} customers, {organizations} organizations");
    match (tokens, days) {
        (Some(tokens), Some(1)) => {
            let _ = write!(text, ", about {} tokens, today", grouped(*tokens));
        }
        (Some(tokens), Some(days)) => {
            let _ = write!(text, ", about {} tokens, about {} days", grouped(*tokens), grouped(*days));
        }
        (Some(tokens), None) => {
            let _ = write!(text, ", about {} tokens, for which there is no budget", grouped(*tokens));
        }
        (None, _) => {}
    }
    text.push_str(".\n");
    if let Some((_, unasked)) = held {
        let _ = writeln!(
            text,
            "  More than {} new organizations at once are held until a person lets them pass: use `plan` and `apply`.",
            grouped(unasked)
        );
    }
    text
}

/// What handing over would be like.
fn coming(forecast: &HandoverForecast) -> String {
    let HandoverForecast {
        since,
        won_deals: _,
        more_won_deals,
        older_deals,
        older_organizations,
        won_without_organization,
        open_deals,
        more_open_deals,
        organizations_when_won,
    } = forecast;
    let counted = |number: &u64, thing| counted(usize::try_from(*number).unwrap_or(usize::MAX), thing);
    let than = |more: &bool| if *more { "at least " } else { "" };
    let since = since.as_ref().map_or_else(
        || "won deals count by themselves from the first run on".to_owned(),
        |since| format!("won deals count by themselves since {since}"),
    );
    let nowhere = if *won_without_organization > 0 {
        format!("; without an organization: {}", counted(won_without_organization, "won deal"))
    } else {
        String::new()
    };
    format!(
        "  Handovers: {since}.\n  Older, waiting for a person: {}{}; no customers yet: {} (`plan` shows them){nowhere}.\n  \
         Open: {}{}; {} would be handed over when won.\n",
        than(more_won_deals),
        counted(older_deals, "won deal"),
        counted(older_organizations, "organization"),
        than(more_open_deals),
        counted(open_deals, "deal"),
        counted(organizations_when_won, "organization"),
    )
}

fn took(spent: &Spent) -> String {
    let Spent { erp_requests, pipedrive_requests, pipedrive_tokens } = spent;
    let requests = |count: &u64| counted(usize::try_from(*count).unwrap_or(usize::MAX), "request");
    format!(
        "  Nothing was written. The check took {} to Oracle Fusion and {} to Pipedrive ({pipedrive_tokens} tokens).\n",
        requests(erp_requests),
        requests(pipedrive_requests)
    )
}

fn verdict(report: &Report) -> String {
    let warnings = counted(report.warnings, "warning");
    let also = if report.warnings == 0 { String::new() } else { format!(", {warnings}") };
    if report.fits {
        let then = "`ml-connector plan` shows what a sync would write";
        return format!("It fits{also}. {then}.");
    }
    format!("It does not fit yet: {}{also}.", counted(report.problems, "problem"))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Remedy;
    use super::*;

    #[test]
    fn long_words_are_wrapped_under_their_beginning() {
        let remedy = Remedy { what: "do this".to_owned(), place: "there".to_owned() };
        let finding = Finding {
            name: "fusion.reachable",
            severity: Severity::Problem,
            seen: "eleven chars ".repeat(8),
            remedy: Some(remedy),
        };
        let mut text = String::new();
        tell(&mut text, &finding);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("    PROBLEM  fusion.reachable                  eleven"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(lines[1].find("chars"), lines[0].find("eleven"), "{text}");
        assert!(
            text.ends_with(&format!("{0}-> do this\n{0}   where: there\n", " ".repeat(INDENT))),
            "{text}"
        );
    }
}
