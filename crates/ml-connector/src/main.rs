//! The binary: parses the command line, starts log and runtime, runs the command, ends with its exit code.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use ml_connector::cli::{Cli, Command};
use ml_connector::{commands, exit, output, telemetry};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let env = |name: &str| std::env::var(name).ok();
    // Lives of `prove` are full of warnings, and tell their stories themselves.
    let quiet = if matches!(cli.command, Command::Prove(_)) { "off" } else { "warn" };
    telemetry::start(&cli.global, quiet, &env);
    let output = output::Output::new(cli.global.json);
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(commands::run(cli, &env)));
    let code = ended.unwrap_or_else(|error| {
        let code = exit::code_of(&error);
        if code != exit::ExitCode::Ok {
            output.error(&error);
        }
        code
    });
    code.into()
}

/// `--help` and `--version` come here too. clap itself knows stdout from stderr and the exit code 2.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked && std::env::args().any(|argument| argument == "--json") {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let error = exit::Failed::new(exit::ExitCode::Usage, message).help("see `ml-connector --help`");
        output::Output::new(true).error(&error.into());
    } else {
        // Nobody is listening if this fails.
        let _ = error.print();
    }
    if asked { exit::ExitCode::Ok.into() } else { exit::ExitCode::Usage.into() }
}
