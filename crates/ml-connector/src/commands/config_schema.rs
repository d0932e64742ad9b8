//! `config schema`: the JSON schema of the configuration file, as docs/config.schema.json has it.

use super::Context;
use crate::exit::ExitCode;

pub(super) fn run(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let schema = crate::docs::schema();
    context.output.data(&schema, |schema| format!("{schema:#}"))?;
    Ok(ExitCode::Ok)
}
