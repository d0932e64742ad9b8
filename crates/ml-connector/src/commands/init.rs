//! `init`: writes a commented configuration file and asks nothing.

use std::io::Write;

use super::Context;
use crate::cli::InitArgs;
use crate::exit::{ExitCode, Failed};
use crate::output::talk;

/// The file that `init` writes. It works with `ml-connector sim` as its help shows it.
pub(super) const TEMPLATE: &str = include_str!("init.toml");

pub(super) fn run(context: &Context<'_>, args: &InitArgs) -> anyhow::Result<ExitCode> {
    let path = &context.global.config;
    let shown = path.display().to_string();
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    // Somebody may write a secret into it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failed::new(ExitCode::Usage, format!("{shown} exists already"))
            .help("overwrite it with --force, or name another file with --config FILE"),
        _ => Failed::new(ExitCode::Usage, format!("{shown} cannot be written: {error}"))
            .help("name another file with --config FILE"),
    })?;
    file.write_all(TEMPLATE.as_bytes())?;
    context.output.data(&serde_json::json!({ "written": shown }), |_| shown.clone())?;
    talk("Edit the file, then run `ml-connector config check`.");
    Ok(ExitCode::Ok)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::TEMPLATE;
    use crate::config::Config;

    #[test]
    fn the_template_loads_and_so_does_everything_commented_out() {
        Config::parse(TEMPLATE, "init.toml").unwrap();
        let switch_on = |line: &str| match line.strip_prefix("# ") {
            Some(table) if table.starts_with('[') && table.ends_with(']') => table.to_owned(),
            // Two ways to log in exclude each other.
            Some(setting)
                if setting
                    .split_once(" = ")
                    .is_some_and(|(key, _)| !key.contains(' ') && !["oauth", "assertion"].contains(&key)) =>
            {
                setting.to_owned()
            }
            _ => line.to_owned(),
        };
        let all: Vec<String> = TEMPLATE.lines().map(switch_on).collect();
        Config::parse(&all.join("\n"), "init.toml").unwrap();
    }

    #[test]
    fn the_template_loads_with_the_other_ways_to_log_in() {
        let other = |line: &str| match line {
            _ if line.starts_with("client_secret") || line.starts_with("api_token") => String::new(),
            _ if line.starts_with("# assertion") || line.starts_with("# oauth") => line[2..].to_owned(),
            _ => line.to_owned(),
        };
        let others: Vec<String> = TEMPLATE.lines().map(other).collect();
        Config::parse(&others.join("\n"), "init.toml").unwrap();
    }

    #[test]
    fn the_template_names_every_key() {
        let schema = schemars::schema_for!(Config).to_value();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            for key in definition.get("properties").and_then(Value::as_object).into_iter().flatten() {
                assert!(
                    TEMPLATE.contains(&format!("{} = ", key.0)) || TEMPLATE.contains(&format!(".{}]", key.0)),
                    "{name}.{} is missing in init.toml",
                    key.0
                );
            }
        }
    }
}
