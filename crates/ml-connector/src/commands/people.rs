//! `people invite`, `people reset`, `people list` and `people remove`

use serde::Serialize;
use sync_core::ports::Clock as _;
use sync_store::{Deed, Person, Role, Store};
use sync_web::invitation;

use super::Context;
use super::answering::by;
use crate::cli::{PeopleCommand, PersonRole};
use crate::config::Config;
use crate::exit::{ExitCode, Failed};
use crate::output::{table, talk};
use crate::wire::{SystemClock, open_store};

#[derive(Serialize)]
struct Link {
    link: String,
    role: &'static str,
    expires_at: String,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    role: &'static str,
    since: String,
    left: Option<String>,
}

pub(super) async fn run(context: &Context<'_>, command: &PeopleCommand) -> anyhow::Result<ExitCode> {
    let config = context.file()?;
    let store = open_store(&config.store).await?;
    match command {
        PeopleCommand::List => list(context, &store).await?,
        PeopleCommand::Invite(args) => {
            let role = match args.role {
                PersonRole::Viewer => Role::Viewer,
                PersonRole::Approver => Role::Approver,
                PersonRole::Admin => Role::Admin,
            };
            let about = format!("somebody new, as {}", role.key());
            link(context, (&config, &store), (role, None), about).await?;
        }
        PeopleCommand::Reset(args) => {
            let person = named(&store, &args.name).await?;
            let about = format!("a new password for {}", person.name);
            link(context, (&config, &store), (person.role, Some(person.id)), about).await?;
        }
        PeopleCommand::Remove(args) => {
            let person = named(&store, &args.name).await?;
            store.leave(person.id, SystemClock::start().now()).await?;
            note(context, &store, "ended somebody's access", &person.name).await?;
            talk(format!("{} may not use the console any more", person.name));
        }
    }
    store.close().await;
    Ok(ExitCode::Ok)
}

async fn named(store: &Store, name: &str) -> anyhow::Result<Person> {
    Ok(store.person_named(name).await?.ok_or_else(|| {
        Failed::new(ExitCode::Usage, format!("nobody is called {name}"))
            .help("`ml-connector people list` lists who there is")
    })?)
}

async fn note(context: &Context<'_>, store: &Store, what: &str, about: &str) -> anyhow::Result<()> {
    let deed = Deed {
        at: SystemClock::start().now(),
        who: by(context, None),
        place: "terminal".to_owned(),
        what: what.to_owned(),
        about: about.to_owned(),
        connection: None,
        detail: String::new(),
    };
    Ok(store.note_deed(&deed).await?)
}

async fn link(
    context: &Context<'_>,
    (config, store): (&Config, &Store),
    (role, person): (Role, Option<i64>),
    about: String,
) -> anyhow::Result<()> {
    let (token, invitation) = invitation(role, person, &by(context, None), SystemClock::start().now());
    store.invite(&invitation).await?;
    note(context, store, "made a link", &about).await?;
    let link = Link {
        link: format!("{}welcome/{token}", config.web.console_url(None)),
        role: role.key(),
        expires_at: format!("{:.0}", invitation.expires_at),
    };
    context.output.data(&link, |link| link.link.clone())?;
    talk(format!("it works once, until {}; `run` has to be running", link.expires_at));
    Ok(())
}

async fn list(context: &Context<'_>, store: &Store) -> anyhow::Result<()> {
    let people = store.people().await?.into_iter().map(|person| Listed {
        name: person.name,
        role: person.role.key(),
        since: format!("{:.0}", person.made_at),
        left: person.left_at.map(|at| format!("{at:.0}")),
    });
    let people: Vec<Listed> = people.collect();
    context.output.data(&people, |people| {
        if people.is_empty() {
            return "Nobody may use the console yet: `ml-connector people invite --role admin`.".to_owned();
        }
        let rows = people.iter().map(|person| {
            let left = person.left.clone().unwrap_or_default();
            [person.name.clone(), person.role.to_owned(), person.since.clone(), left]
        });
        table(["name", "role", "since", "left"], &[], rows).to_string()
    })?;
    Ok(())
}
