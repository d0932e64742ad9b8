//! Generated pages are committed and true: `cargo run -p ml-connector -- docs` makes them.

#[test]
fn the_committed_reference_pages_are_what_the_code_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (name, text) in ml_connector::docs::files().expect("pages can be made") {
        let committed = std::fs::read_to_string(folder.join(name)).expect("the page is committed");
        assert!(committed == text, "docs/{name} is out of date: run `cargo run -p ml-connector -- docs`");
    }
}
