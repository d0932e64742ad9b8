//! `sim`: the simulated Oracle Fusion and Pipedrive alone, as a process.

use anyhow::Context as _;
use jiff::SignedDuration;
use saas_http::{HttpSettings, HttpTransport, Transport as _, TransportError};
use saas_sims::fusion::{FusionSettings, FusionSim};
use saas_sims::pipedrive::{
    Deliver, Delivery, OAuthSettings, Outcome, PipedriveSettings, PipedriveSim, WebhookSettings,
    deliver_forever,
};
use saas_sims::{SimClock, generator, people::People};
use secrecy::{ExposeSecret, SecretString};
use sync_engine::daemon::{Sleeper, TokioSleeper};

use super::Context;
use crate::cli::{SimArgs, SimOAuthArgs, SimWebhookArgs};
use crate::config::Plan;
use crate::exit::ExitCode;
use crate::output::talk;

pub(super) async fn run(_context: &Context<'_>, args: &SimArgs) -> anyhow::Result<ExitCode> {
    let clock = SimClock::system();
    let secret = |secret: &Option<SecretString>| secret.as_ref().map(|s| s.expose_secret().to_owned());
    let fusion = FusionSettings { client_secret: secret(&args.client_secret), ..FusionSettings::default() };
    let fusion = FusionSim::new(fusion, clock.clone(), args.seed);
    let pipedrive = PipedriveSettings {
        api_token: secret(&args.api_token),
        plan: plan(args.plan),
        seats: args.seats,
        webhooks: webhooks(&args.webhooks),
        company_id: args.company,
        client_id: args.oauth.oauth_client_id.clone(),
        client_secret: secret(&args.oauth.oauth_client_secret),
        refresh_token: secret(&args.oauth.oauth_refresh_token),
        rotate_refresh_tokens: args.oauth.oauth_rotate,
        oauth: oauth(&args.oauth),
        ..PipedriveSettings::default()
    };
    let pipedrive = PipedriveSim::new(pipedrive, clock.clone(), args.seed);
    pipedrive.deny_authorization(args.oauth.oauth_deny);
    generator::populate(&fusion, args.customers as usize, args.seed, clock.now());

    let listen = async |address: std::net::SocketAddr| {
        tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
    };
    let (at_fusion, at_pipedrive) = (listen(args.fusion).await?, listen(args.pipedrive).await?);
    talk(format!("simulated Oracle Fusion on http://{}", at_fusion.local_addr()?));
    talk(format!("simulated Pipedrive on http://{}", at_pipedrive.local_addr()?));
    let people = crowd(args.people, People::new(args.seed, fusion.clone(), pipedrive.clone()));
    tokio::select! {
        ended = saas_sims::serve(at_fusion, fusion.router()) => ended?,
        ended = saas_sims::serve(at_pipedrive, pipedrive.router()) => ended?,
        () = deliver_forever(pipedrive.clone(), Courier::new()?) => {}
        () = people => {}
        ended = tokio::signal::ctrl_c() => ended?,
    }
    Ok(ExitCode::Ok)
}

fn webhooks(args: &SimWebhookArgs) -> WebhookSettings {
    let SimWebhookArgs { webhooks_local, webhooks_lost, webhooks_twice, webhooks_late } = *args;
    WebhookSettings {
        allow_local_urls: webhooks_local,
        loss: webhooks_lost,
        duplication: webhooks_twice,
        reordering: webhooks_late,
        ..WebhookSettings::default()
    }
}

/// Makes the requests of webhooks, ten seconds each at most (pipedrive.md 5.4).
struct Courier(HttpTransport);

impl Courier {
    fn new() -> anyhow::Result<Self> {
        let timeout = std::time::Duration::from_secs(10);
        Ok(Self(HttpTransport::new(&HttpSettings { timeout, ..HttpSettings::default() })?))
    }
}

impl Deliver for Courier {
    async fn deliver(&self, delivery: &Delivery) -> Outcome {
        let request = delivery
            .headers
            .iter()
            .fold(http::Request::post(&delivery.url), |request, (name, value)| request.header(name, value));
        let Ok(request) = request.body(delivery.body.to_string().into()) else { return Outcome::Unreachable };
        match self.0.send(request).await {
            Ok(answer) => Outcome::Answered(answer.status().as_u16()),
            Err(TransportError::NotSent { .. }) => Outcome::Unreachable,
            Err(TransportError::Lost(_) | TransportError::TooLarge { .. }) => Outcome::TimedOut,
        }
    }
}

fn oauth(args: &SimOAuthArgs) -> OAuthSettings {
    let default = OAuthSettings::default();
    OAuthSettings {
        redirect_uri: args.oauth_redirect.clone(),
        scopes: args.oauth_scopes.clone().unwrap_or(default.scopes),
        pkce: args.oauth_pkce,
        ..OAuthSettings::default()
    }
}

/// People who change something every two seconds, if wanted; never returns.
async fn crowd(wanted: bool, mut people: People) {
    if !wanted {
        return std::future::pending().await;
    }
    loop {
        TokioSleeper.sleep(SignedDuration::from_secs(2)).await;
        talk(people.act());
    }
}

/// The simulator's word for a plan.
pub(super) fn plan(plan: Plan) -> saas_sims::pipedrive::Plan {
    match plan {
        Plan::Lite => saas_sims::pipedrive::Plan::Lite,
        Plan::Growth => saas_sims::pipedrive::Plan::Growth,
        Plan::Premium => saas_sims::pipedrive::Plan::Premium,
        Plan::Ultimate => saas_sims::pipedrive::Plan::Ultimate,
    }
}
