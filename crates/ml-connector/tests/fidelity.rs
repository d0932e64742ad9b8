//! `docs/fidelity.md` names tests and switches of the simulators; each of them must exist.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, fs, path::Path};

/// Names of functions, and of public attributes (`pub name:`), which the switches are.
fn collect(folder: &Path, functions: &mut BTreeSet<String>, attributes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, functions, attributes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            functions.extend(names.map(str::to_owned));
            let names = text.split("pub ").skip(1).filter_map(|rest| rest.split_once(':'));
            attributes.extend(names.map(|(name, _)| name.to_owned()));
        }
    }
}

/// What stands in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_and_switch_that_the_fidelity_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut functions, mut switches) = (BTreeSet::new(), BTreeSet::new());
    collect(&root.join("crates"), &mut functions, &mut switches);
    let page = fs::read_to_string(root.join("docs/fidelity.md")).expect("the page");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    let text = rows.join("\n");
    let behind: BTreeSet<&str> = text
        .split("(switch")
        .skip(1)
        .flat_map(|rest| quoted(rest.split(')').next().unwrap_or_default()))
        .collect();
    // Parameters are shorter than the sentences that tests are named by.
    let named: BTreeSet<&str> = quoted(&text)
        .filter(|word| word.matches('_').count() >= 3 && !word.contains('/') && !behind.contains(word))
        .collect();
    let missing = |names: &BTreeSet<&str>, known: &BTreeSet<String>| -> Vec<String> {
        names.iter().filter(|name| !known.contains(**name)).map(|name| (*name).to_owned()).collect()
    };
    assert!(named.len() > 150 && behind.len() > 40, "{} tests, {} switches", named.len(), behind.len());
    assert_eq!(missing(&named, &functions), Vec::<String>::new());
    assert_eq!(missing(&behind, &switches), Vec::<String>::new());
}
