//! One file per command.

mod alerts;
mod answering;
mod apply;
mod audit;
mod backup;
mod check;
mod config_check;
mod config_schema;
mod connect;
mod customer;
mod db;
mod demo;
mod disconnect;
mod docs;
mod documents;
mod fit;
mod handovers;
mod holds;
mod init;
mod pairs;
mod parents;
mod people;
mod plan;
#[cfg(feature = "planted")]
mod planted;
mod prove;
mod resync;
mod run;
mod set_off;
mod sim;
mod sync;
mod webhooks;

use crate::cli::{AlertsCommand, Cli, Command, ConfigCommand, DbCommand, Global};
use crate::config::Config;
use crate::exit::ExitCode;
use crate::made;
use crate::output::Output;

/// What every command gets: the global options, where its data goes, and the environment.
pub struct Context<'a> {
    /// The global options.
    pub global: &'a Global,
    /// Where data goes.
    pub output: Output,
    /// Looks an environment variable up.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

impl Context<'_> {
    /// The configuration file alone.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn file(&self) -> anyhow::Result<Config> {
        Ok(made::file(&self.global.config, false)?)
    }

    /// The configuration file, and the connections that were made in the console.
    ///
    /// # Errors
    /// When the file cannot be used, or the store.
    pub async fn config(&self) -> anyhow::Result<Config> {
        made::whole(&self.global.config, self.env).await
    }
}

/// Runs the command that was asked for.
///
/// # Errors
/// Whatever ended the command; [`crate::exit::code_of`] gives its exit code.
pub async fn run(cli: Cli, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<ExitCode> {
    let Cli { global, command } = cli;
    let env = made::with_key(&global.config, env);
    let context = Context { global: &global, output: Output::new(global.json), env: &env };
    match command {
        Command::Demo(args) => demo::run(&context, &args).await,
        Command::Sync(args) => match &args.customer {
            Some(customer) => customer::run(&context, &args, customer).await,
            None => {
                handovers::wish(&context, &args).await?;
                sync::run(&context, &args).await
            }
        },
        Command::Audit(args) => audit::run(&context, &args).await,
        Command::Plan(args) => plan::run(&context, &args).await,
        Command::Apply(args) => apply::run(&context, &args).await,
        Command::Resync(args) => resync::run(&context, &args).await,
        Command::Run => run::run(&context).await,
        Command::Sim(args) => sim::run(&context, &args).await,
        // Each life has a runtime of its own.
        Command::Prove(args) => tokio::task::block_in_place(|| prove::run(&context, &args)),
        Command::Pairs(command) => pairs::run(&context, &command).await,
        Command::Holds(command) => holds::run(&context, &command).await,
        Command::Handovers(command) => handovers::run(&context, &command).await,
        Command::Documents(command) => documents::run(&context, &command).await,
        Command::Deals(command) => documents::deals(&context, &command).await,
        Command::Explain(args) => documents::explain(&context, &args).await,
        Command::Connect(args) => connect::run(&context, &args).await,
        Command::Disconnect(args) => disconnect::run(&context, &args).await,
        Command::Webhooks(args) => webhooks::run(&context, &args).await,
        Command::Alerts(AlertsCommand::Test) => alerts::test(&context).await,
        Command::People(command) => people::run(&context, &command).await,
        Command::Db(DbCommand::Migrate) => db::run(&context).await,
        Command::Db(DbCommand::Backup(args)) => backup::make(&context, &args).await,
        Command::Db(DbCommand::Restore(args)) => backup::restore(&context, &args).await,
        Command::Db(DbCommand::Restored) => backup::restored(&context).await,
        Command::Check(args) => check::run(&context, &args).await,
        Command::Fit(args) => fit::run(&context, &args).await,
        Command::Init(args) => init::run(&context, &args),
        Command::Config(ConfigCommand::Check) => config_check::run(&context),
        Command::Config(ConfigCommand::Schema) => config_schema::run(&context),
        Command::Docs(args) => docs::run(&context, &args),
    }
}
