//! `prove`

use std::path::PathBuf;

use clap::Args;

/// `prove`
#[derive(Debug, Args)]
#[command(after_help = "\
Each seed decides a whole life of a connection: people who edit both sides, requests that are lost before or after
their effect or come late, lists that lag, webhooks that get lost, processes that die anywhere. The laws of this
product (docs/proof.md) are checked after every step, and what has to be true in the end, in the end. The same seed
lives the same life. A life that breaks a law is told with the shortest beginning that still breaks it; the exit code is
1 then. Nothing outside of a temporary folder is touched.

Examples:
  ml-connector prove                         200 lives, in a minute or two
  ml-connector prove --seeds 2000 --json
  ml-connector prove --from 138 --seeds 1 --story")]
pub struct ProveArgs {
    /// Live so many seeds
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// Begin with this seed
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub from: u64,
    /// Live so many lives at a time [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Tell everything that happened
    #[arg(long)]
    pub story: bool,
    /// Write what was proven as a page, with the planted bugs of planted.json beside it
    #[arg(long, value_name = "FILE", conflicts_with = "story")]
    pub document: Option<PathBuf>,
    #[cfg(feature = "planted")]
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub planted: PlantedArgs,
}

/// What only a build for tests can do. Hidden, so that the reference is the same in every build.
#[cfg(feature = "planted")]
#[derive(Debug, Args)]
pub struct PlantedArgs {
    /// Plant this bug
    #[arg(long, value_name = "NAME", hide = true)]
    pub plant: Option<String>,
    /// Let this law be broken
    #[arg(long, value_name = "LAW", hide = true)]
    pub without_law: Vec<u8>,
    /// Succeed if a life fails
    #[arg(long, hide = true)]
    pub expect_failure: bool,
    /// Look whether every bug of this file is caught at its seed, and not where the laws that catch it do not count
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "plant")]
    pub plants: Option<PathBuf>,
    /// Find the first seed for each bug that has none in that file, and write the file
    #[arg(long, hide = true, requires = "plants")]
    pub find: bool,
    /// Of all seeds take only every so many: those of one kind of life
    #[arg(long, value_name = "N", hide = true, default_value_t = 1)]
    pub stride: u64,
}
