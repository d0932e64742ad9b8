//! The command line. `docs/cli.md` is generated from it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::config::Plan;
use crate::exit;

mod alerts;
mod answerer;
mod audit;
mod db;
mod documents;
mod fit;
mod handovers;
mod holds;
mod people;
mod prove;

pub use alerts::AlertsCommand;
pub use answerer::AnswererArgs;
pub use audit::AuditArgs;
pub use db::{DbBackupArgs, DbCommand, DbRestoreArgs};
pub use documents::{
    DealChoice, DealsCommand, DealsListArgs, DocumentsAssignArgs, DocumentsCommand, DocumentsListArgs,
    DocumentsRulesArgs, ExplainArgs, WhichDeals,
};
pub use fit::FitArgs;
pub use handovers::{
    HandoversAnswerArgs, HandoversAskArgs, HandoversCommand, HandoversListArgs, HandoversShowArgs,
    SubjectArgs,
};
pub use holds::{HoldsAnswerArgs, HoldsCommand, HoldsListArgs, HoldsRetryArgs, HoldsShowArgs};
pub use people::{PeopleCommand, PeopleInviteArgs, PeopleNameArgs, PersonRole};
#[cfg(feature = "planted")]
pub use prove::PlantedArgs;
pub use prove::ProveArgs;

/// Keep the customers of an Oracle Fusion Cloud ERP and the organizations of a Pipedrive company the same
#[derive(Debug, Parser)]
#[command(name = "ml-connector", version, after_help = exit::HELP)]
pub struct Cli {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub global: Global,
    #[command(subcommand)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Read this configuration file
    #[arg(long, global = true, value_name = "FILE", env = "MLC_CONFIG", hide_env_values = true)]
    #[arg(default_value = "./ml-connector.toml")]
    pub config: PathBuf,

    /// Print data and errors as JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,

    /// Log more to stderr; twice or three times for even more (RUST_LOG wins)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Write the log in this form
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch the connector at work between two simulated systems
    Demo(DemoArgs),
    /// Bring everything up to date once, then exit
    Sync(SyncArgs),
    /// Show what a sync would do now, and do nothing
    Plan(PlanArgs),
    /// Do what a plan says, and refuse every record that moved since
    Apply(ApplyArgs),
    /// Read again and look at everything again, changed or not
    Resync(ResyncArgs),
    /// Keep everything up to date until stopped
    Run,
    /// Run the simulated Oracle Fusion and Pipedrive alone
    Sim(SimArgs),
    /// Compare every customer on both sides, as they were read last, and tell what differs
    Audit(AuditArgs),
    /// Live whole lives of a connection between two simulated systems, faults and all, and see that no law is broken
    Prove(ProveArgs),
    /// Look at pairs of an ERP party and a Pipedrive organization
    #[command(subcommand)]
    Pairs(PairsCommand),
    /// Look at the questions that wait for a person, and answer them
    #[command(subcommand)]
    Holds(HoldsCommand),
    /// Look at won deals that become customers of the ERP: what is asked about them, answers, and wishes by hand
    #[command(subcommand)]
    Handovers(HandoversCommand),
    /// Look at documents of the ERP and the deals they belong to, and say where one belongs
    #[command(subcommand)]
    Documents(DocumentsCommand),
    /// Look at deals that wait for documents, or of which something is asked
    #[command(subcommand)]
    Deals(DealsCommand),
    /// Tell to which deal a document of the ERP belongs, and why
    Explain(ExplainArgs),
    /// Tell under which address a connection takes webhooks in (whoever knows it has half of what a webhook proves)
    Webhooks(WebhooksArgs),
    /// Get access to a Pipedrive company by the consent of a person (OAuth)
    Connect(ConnectArgs),
    /// Give access to a Pipedrive company back
    Disconnect(DisconnectArgs),
    /// Look after whoever is told when the state of a connection becomes another one
    #[command(subcommand)]
    Alerts(AlertsCommand),
    /// Say who may use the console
    #[command(subcommand)]
    People(PeopleCommand),
    /// Look after the database
    #[command(subcommand)]
    Db(DbCommand),
    /// Write a commented configuration file
    Init(InitArgs),
    /// Ping both systems and tell whether they fit, and what to do where they do not
    Check(CheckArgs),
    /// Measure both systems and tell what a first sync would do, and what it costs on which plan
    Fit(FitArgs),
    /// Look after the configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write the generated reference pages of this repository
    #[command(hide = true)]
    Docs(DocsArgs),
}

/// `webhooks`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector webhooks acme                 the address to give to Pipedrive, and what else it wants to know")]
pub struct WebhooksArgs {
    /// The connection
    #[arg(value_name = "NAME")]
    pub connection: String,
    /// Show the newest events, too; those that were looked into are kept for a week
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub events: Option<u32>,
}

/// `connect`
#[derive(Debug, Args)]
#[command(after_help = "\
Prints an address to open in a browser in which you are logged in to Pipedrive, and waits ten minutes for the consent.
Without --listen, `run` has to be running: it takes the consent in at /connect/NAME. docs/connect.md tells it all.

Examples:
  ml-connector connect acme
  ml-connector connect acme --listen 127.0.0.1:8765     without `run`, on this machine")]
pub struct ConnectArgs {
    /// The connection
    #[arg(value_name = "NAME")]
    pub connection: String,
    /// Take the consent in here, on this port of a loopback address; http://ADDR/connect/NAME has to be the app's callback URL
    #[arg(long, value_name = "ADDR", value_parser = loopback)]
    pub listen: Option<SocketAddr>,
    /// Accept only the company of this id, and take your word for it that organizations that are bound already are its
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub company: Option<i64>,
}

/// An address that only this machine reaches: there is no TLS.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) | Err(_) => Err("write a loopback address with a port, such as 127.0.0.1:8765".to_owned()),
    }
}

/// `disconnect`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector disconnect acme")]
pub struct DisconnectArgs {
    /// The connection
    #[arg(value_name = "NAME")]
    pub connection: String,
}

/// `demo`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector demo                          watch, with changes by simulated people, until Ctrl-C
  ml-connector demo --once --json            run to quiescence, print the summary, exit
  ml-connector demo --customers 5000 --seed 7")]
pub struct DemoArgs {
    /// Simulate this many customers in the ERP
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub customers: u32,
    /// Make the simulated world from this seed; the same seed makes the same world
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// Exit as soon as nothing is left to do
    #[arg(long)]
    pub once: bool,
    /// Serve the simulated Oracle Fusion on this port of the loopback address (0 takes a free one)
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub fusion_port: u16,
    /// Serve the simulated Pipedrive on this port of the loopback address (0 takes a free one)
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub pipedrive_port: u16,
    /// Keep the database in this folder instead of a temporary one
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `sync`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector sync
  ml-connector sync --connection acme --json
  ml-connector sync --customer 300000001234567     one customer now, by its PartyId or PartyNumber
  ml-connector sync --organization 4711            and make this organization a customer of the ERP
  ml-connector sync --deal 81                      and make the organization of this won deal one, whenever it was won")]
pub struct SyncArgs {
    /// Sync only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Sync only this customer, read from both sides now: its PartyId or PartyNumber
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub customer: Option<String>,
    /// Sync, and make this organization of Pipedrive a customer of the ERP if it is none; needs no approval
    #[arg(long, value_name = "ID", conflicts_with = "customer")]
    pub organization: Option<i64>,
    /// Sync, and make the organization of this won deal a customer of the ERP, whenever it was won; needs no approval
    #[arg(long, value_name = "ID", conflicts_with = "customer")]
    pub deal: Option<i64>,
}

/// `plan`
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing moves: no remote write, no pair, no place of reading. What is read is kept for the next sync.
The value of an organization is shown as it was last read, unless --fresh reads it again.
With [connection.customers_from_crm] it shows what would be handed over to the ERP, too: what is due, looked for
in the ERP now, and won deals that are older and wait for a person.

Examples:
  ml-connector plan
  ml-connector plan --json --limit 10
  ml-connector plan --connection acme --fresh --out acme.plan.json     to be applied with `apply`")]
pub struct PlanArgs {
    /// Plan only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Read organizations that would be written again by their ids, and look for older won deals' customers in the ERP
    #[arg(long)]
    pub fresh: bool,
    /// Write the plan to this file, for `apply`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Show this many records at most (all of them with --json and in the file)
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// `apply`
#[derive(Debug, Args)]
#[command(after_help = "\
Each record is looked at again. What would be done now is done only if it is exactly what the file says.

Examples:
  ml-connector apply acme.plan.json
  ml-connector apply acme.plan.json --only 300000001234567 --only 300000001234568
  ml-connector apply acme.plan.json --organization 4711     only its older won deals, as `handovers ask` does")]
pub struct ApplyArgs {
    /// The file that `plan --out` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Apply only the plan of this party; may be given several times
    #[arg(long, value_name = "PARTY_ID")]
    pub only: Vec<i64>,
    /// Ask only for the customers that older won deals of this organization would become; may be given several times
    #[arg(long, value_name = "ID")]
    pub organization: Vec<i64>,
}

/// `resync`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
#[command(after_help = "\
Examples:
  ml-connector resync --from 2026-11-01                 what the ERP changed since then
  ml-connector resync --from 2026-11-01T08:00:00Z
  ml-connector resync --all --connection acme           everything, on both sides")]
pub struct ResyncArgs {
    /// Look again at every customer that the ERP changed since this date (midnight UTC) or time
    #[arg(long, value_name = "DATE", group = "what", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// Read both sides completely and look at every customer
    #[arg(long, group = "what")]
    pub all: bool,
    /// Resync only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

/// A date, or a time with its zone.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let date = text.parse::<jiff::civil::Date>().ok();
    let midnight = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    midnight
        .map(|midnight| midnight.timestamp())
        .ok_or_else(|| "write a date as 2026-11-01, or a time as 2026-11-01T08:00:00Z".to_owned())
}

/// `sim`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector sim --fusion 127.0.0.1:7001 --pipedrive 127.0.0.1:7002
  ml-connector sim --fusion 127.0.0.1:7001 --pipedrive 127.0.0.1:7002 --customers 50 --people")]
pub struct SimArgs {
    /// Serve the simulated Oracle Fusion on this address
    #[arg(long, value_name = "ADDR")]
    pub fusion: SocketAddr,
    /// Serve the simulated Pipedrive on this address
    #[arg(long, value_name = "ADDR")]
    pub pipedrive: SocketAddr,
    /// Simulate this many customers in the ERP
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub customers: u32,
    /// Make the simulated world from this seed; the same seed makes the same world
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// Let simulated people change records all the time
    #[arg(long)]
    pub people: bool,
    /// Accept only this client secret at the simulated Oracle Fusion
    #[arg(long, value_name = "SECRET", env = "FUSION_CLIENT_SECRET", hide_env_values = true)]
    #[arg(value_parser = secret)]
    pub client_secret: Option<SecretString>,
    /// Accept only this API token at the simulated Pipedrive
    #[arg(long, value_name = "TOKEN", env = "PIPEDRIVE_API_TOKEN", hide_env_values = true)]
    #[arg(value_parser = secret)]
    pub api_token: Option<SecretString>,
    /// Give the simulated Pipedrive company the budget of this plan
    #[arg(long, value_enum, default_value_t = Plan::Growth)]
    pub plan: Plan,
    /// Give the simulated Pipedrive company this many seats
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub seats: u32,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub webhooks: SimWebhookArgs,
    /// Be this company of the simulated Pipedrive
    #[arg(long, value_name = "ID", default_value_t = 8_087_566, value_parser = clap::value_parser!(i64).range(1..))]
    pub company: i64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub oauth: SimOAuthArgs,
}

/// What goes wrong with webhooks of the simulated Pipedrive.
#[derive(Debug, Args)]
#[command(next_help_heading = "Webhooks of the simulated Pipedrive")]
pub struct SimWebhookArgs {
    /// Deliver to http and to addresses of this machine, too
    #[arg(long)]
    pub webhooks_local: bool,
    /// Never deliver this share of events
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub webhooks_lost: f64,
    /// Deliver this share of events twice
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub webhooks_twice: f64,
    /// Deliver this share of events up to five seconds late, so that others overtake them
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub webhooks_late: f64,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        Ok(_) | Err(_) => Err("write a share from 0.0 to 1.0".to_owned()),
    }
}

/// The OAuth app that the simulated Pipedrive knows.
#[derive(Debug, Args)]
#[command(next_help_heading = "The OAuth app at the simulated Pipedrive")]
pub struct SimOAuthArgs {
    /// Accept only this client id
    #[arg(long, value_name = "ID")]
    pub oauth_client_id: Option<String>,
    /// Accept only this client secret
    #[arg(long, value_name = "SECRET", env = "PIPEDRIVE_CLIENT_SECRET", hide_env_values = true)]
    #[arg(value_parser = secret)]
    pub oauth_client_secret: Option<SecretString>,
    /// Accept only this refresh token from the beginning
    #[arg(long, value_name = "TOKEN", env = "PIPEDRIVE_REFRESH_TOKEN", hide_env_values = true)]
    #[arg(value_parser = secret)]
    pub oauth_refresh_token: Option<SecretString>,
    /// Accept only this callback URL
    #[arg(long, value_name = "URL")]
    pub oauth_redirect: Option<String>,
    /// Grant these scopes, separated by commas
    #[arg(long, value_name = "SCOPES")]
    pub oauth_scopes: Option<String>,
    /// Deny consent
    #[arg(long)]
    pub oauth_deny: bool,
    /// Take PKCE; otherwise it is refused
    #[arg(long)]
    pub oauth_pkce: bool,
    /// Give another refresh token at each exchange, and end the old one
    #[arg(long)]
    pub oauth_rotate: bool,
}

fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}

/// `pairs`
#[derive(Debug, Subcommand)]
pub enum PairsCommand {
    /// List pairs in the order of their party ids
    List(PairsListArgs),
    /// Show what is known about one party
    Show(PairsShowArgs),
}

/// `pairs list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector pairs list --limit 10
  ml-connector pairs list --after 300000001234567 --json")]
pub struct PairsListArgs {
    /// List only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// List this many pairs at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Begin after this party: the last one of the page before
    #[arg(long, value_name = "PARTY_ID")]
    pub after: Option<i64>,
}

/// `pairs show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector pairs show 300000001234567")]
pub struct PairsShowArgs {
    /// The PartyId in the ERP
    #[arg(value_name = "PARTY_ID")]
    pub party: i64,
    /// Look only into this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

/// `init`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ml-connector init
  ml-connector init --config /etc/ml-connector/ml-connector.toml")]
pub struct InitArgs {
    /// Overwrite the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// `check`
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is written but our own ledger, and nothing waits for a daemon that works beside it. It takes less than ten
requests to each side and some 60 tokens of Pipedrive's daily budget; docs/check.md explains every finding.

Examples:
  ml-connector check
  ml-connector check --connection acme --json")]
pub struct CheckArgs {
    /// Check only this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration file and that every secret in it can be read
    #[command(after_help = "\
Examples:
  ml-connector config check
  ml-connector config check --config other.toml --json")]
    Check,
    /// Print the JSON schema of the configuration file, for editors
    #[command(after_help = "\
Examples:
  ml-connector config schema > ml-connector.schema.json")]
    Schema,
}

/// `docs`
#[derive(Debug, Args)]
pub struct DocsArgs {
    /// Write the pages into this folder
    #[arg(long, value_name = "DIR", default_value = "docs")]
    pub out: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_may_follow_the_command() {
        let cli =
            Cli::try_parse_from(["ml-connector", "sync", "--json", "--config", "x.toml", "-vv"]).unwrap();
        assert!(cli.global.json);
        assert_eq!(cli.global.config, PathBuf::from("x.toml"));
        assert_eq!(cli.global.verbose, 2);
    }

    #[test]
    fn a_date_is_midnight_and_a_time_needs_its_zone() {
        assert_eq!(moment("2026-11-01").unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(moment("2026-11-01T09:00:00+01:00").unwrap().to_string(), "2026-11-01T08:00:00Z");
        assert!(moment("yesterday").is_err());
        assert!(Cli::try_parse_from(["ml-connector", "resync"]).is_err(), "say what");
        assert!(Cli::try_parse_from(["ml-connector", "resync", "--all", "--from", "2026-11-01"]).is_err());
    }

    #[test]
    fn help_lines_end_without_a_full_stop() {
        fn walk(command: &clap::Command) {
            for about in
                command.get_about().into_iter().chain(command.get_arguments().filter_map(|a| a.get_help()))
            {
                assert!(!about.to_string().ends_with('.'), "{about}");
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let cli = Cli::try_parse_from([
            "ml-connector",
            "sim",
            "--fusion",
            "127.0.0.1:1",
            "--pipedrive",
            "127.0.0.1:2",
            "--api-token",
            "hunter2",
        ])
        .unwrap();
        assert!(!format!("{cli:?}").contains("hunter2"));
    }
}
