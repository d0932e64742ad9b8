//! The log, on stderr: stdout is for data.

use tracing_subscriber::EnvFilter;

use crate::cli::{Global, LogFormat};

/// Our crates; `-v` makes only them talk, because HTTP libraries may log headers.
const OURS: [&str; 9] = [
    "ml_connector",
    "oracle_fusion",
    "pipedrive",
    "saas_http",
    "saas_sims",
    "sync_core",
    "sync_engine",
    "sync_store",
    "sync_web",
];

/// Starts the log as the command line and `RUST_LOG` want it, at the level `quiet` if they say nothing. A second start in
/// one process is ignored.
pub fn start(global: &Global, quiet: &str, env: &dyn Fn(&str) -> Option<String>) {
    let directives = directives(global.verbose, quiet, env("RUST_LOG").as_deref());
    let filter = EnvFilter::builder().parse_lossy(directives);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    // Only a second start can fail, and the first one is as good.
    let _ = match global.log_format {
        LogFormat::Text => log.with_ansi(color).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

fn directives(verbose: u8, quiet: &str, rust_log: Option<&str>) -> String {
    if let Some(rust_log) = rust_log.filter(|text| !text.is_empty()) {
        return rust_log.to_owned();
    }
    let level = match verbose {
        0 => return quiet.to_owned(),
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let ours: Vec<String> = OURS.iter().map(|name| format!("{name}={level}")).collect();
    format!("warn,{}", ours.join(","))
}

#[cfg(test)]
mod tests {
    use super::directives;

    #[test]
    fn verbosity_touches_only_our_crates_and_rust_log_wins() {
        assert_eq!(directives(0, "warn", None), "warn");
        assert!(directives(1, "off", Some("")).starts_with("warn,ml_connector=info,"));
        assert_eq!(directives(3, "warn", Some("error")), "error");
    }
}
