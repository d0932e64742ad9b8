//! `docs`: writes the generated reference pages.

use anyhow::Context as _;

use super::Context;
use crate::cli::DocsArgs;
use crate::exit::ExitCode;

pub(super) fn run(context: &Context<'_>, args: &DocsArgs) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&args.out)?;
    let mut written = Vec::new();
    for (name, text) in crate::docs::files()? {
        let path = args.out.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        written.push(path.display().to_string());
    }
    context.output.data(&serde_json::json!({ "written": written }), |_| written.join("\n"))?;
    Ok(ExitCode::Ok)
}
