//! Dependencies point one way: the shape of the house (ARCHITECTURE.md) as a test.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
            (name(package), normal.map(name).collect())
        })
        .collect()
}

#[test]
fn our_crates_depend_on_each_other_in_one_direction() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("sync-core", &[][..]),
        ("saas-http", &["sync-core"]),
        ("oracle-fusion", &["saas-http", "sync-core"]),
        ("pipedrive", &["saas-http", "sync-core"]),
        ("sync-store", &["sync-core"]),
        ("sync-engine", &["sync-store", "sync-core"]),
        ("sync-web", &["sync-engine", "sync-store", "sync-core"]),
        ("saas-sims", &[]),
    ]);
    let crates = normal_dependencies();
    assert_eq!(crates.len(), 9, "nine crates, no more: {:?}", crates.keys());
    for (package, dependencies) in &crates {
        let Some(allowed) = allowed.get(package.as_str()) else { continue };
        let ours = dependencies.iter().filter(|dependency| crates.contains_key(*dependency));
        for dependency in ours {
            assert!(allowed.contains(&dependency.as_str()), "{package} must not use {dependency}");
        }
    }
}

#[test]
fn each_outer_library_has_one_home() {
    let homes: [(&str, &[&str]); 7] = [
        ("reqwest", &["saas-http"]),
        ("sqlx", &["sync-store"]),
        ("axum", &["sync-web", "saas-sims"]),
        ("hyper", &["sync-web"]),
        ("rustls", &["sync-web"]),
        ("anyhow", &["ml-connector"]),
        ("clap", &["ml-connector"]),
    ];
    let crates = normal_dependencies();
    for (library, homes) in homes {
        for (package, dependencies) in &crates {
            let at_home = homes.contains(&package.as_str());
            assert!(at_home || !dependencies.contains(library), "{package} must not use {library}");
        }
    }
}

#[test]
fn the_core_has_no_io_clock_randomness_or_thread() {
    let core = &normal_dependencies()["sync-core"];
    for forbidden in ["tokio", "rand", "fastrand", "reqwest", "sqlx", "axum", "futures", "tracing"] {
        assert!(!core.contains(forbidden), "sync-core must not use {forbidden}");
    }
}
