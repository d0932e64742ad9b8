//! `docs/fidelity.md` names tests; each of them must exist.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, fs, path::Path};

fn collect(folder: &Path, functions: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, functions);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            functions.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_test_that_the_fidelity_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut functions = BTreeSet::new();
    collect(&root.join("crates"), &mut functions);
    let page = fs::read_to_string(root.join("docs/fidelity.md")).expect("the page");
    let quoted =
        page.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`').skip(1).step_by(2));
    // Switches and parameters are shorter than the sentences that tests are named by.
    let named: BTreeSet<&str> =
        quoted.filter(|word| word.matches('_').count() >= 3 && !word.contains('/')).collect();
    let switches = [
        "refuse_unknown_parameters",
        "structured_errors_need_accept",
        "error_accept_is_406",
        "refuse_limit_above_cap",
    ];
    let missing: Vec<&str> =
        named.iter().copied().filter(|name| !functions.contains(*name) && !switches.contains(name)).collect();
    assert!(named.len() > 80, "only {} tests are named", named.len());
    assert_eq!(missing, Vec::<&str>::new());
}
