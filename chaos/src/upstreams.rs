//! Groups of endpoints, alive and dead, and the configuration that names them.

use std::fmt::Write as _;
use std::io;

use llm_proxy_test_support::{Action, Behaviour, Blackhole, FaultUpstream, Point, refused_url};

/// How an endpoint is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Nobody listens.
    Refused,
    /// Connecting never ends.
    Blackhole,
    /// It takes the request and never answers.
    Silent,
    /// It resets instead of answering.
    Reset,
    /// It answers 503.
    Unavailable,
    /// Each time another way.
    Mixed,
}

impl Death {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Refused, Self::Blackhole, Self::Silent, Self::Reset, Self::Unavailable, Self::Mixed];

    /// What a table calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "connections refused",
            Self::Blackhole => "connecting never ends",
            Self::Silent => "never answers",
            Self::Reset => "resets",
            Self::Unavailable => "503",
            Self::Mixed => "all of these in turn",
        }
    }

    /// What a server does that is dead in this way.
    fn behaviours(self) -> Vec<Behaviour> {
        match self {
            Self::Refused | Self::Blackhole => Vec::new(),
            Self::Silent => vec![Behaviour::stall_before_head()],
            Self::Reset => vec![Behaviour::reset_before_head()],
            Self::Unavailable => vec![Behaviour::status(503)],
            Self::Mixed => every_way(),
        }
    }
}

/// Many times each, and not in a fixed rhythm with three endpoints.
fn every_way() -> Vec<Behaviour> {
    let ways = [
        Behaviour::status(503),
        Behaviour::reset_before_head(),
        Behaviour::close_before_head(),
        Behaviour::stall_before_head(),
        Behaviour::status(500),
        Behaviour::default().fault(Point::HeadBytes(20), Action::Reset),
        Behaviour::status(529),
    ];
    ways.iter().cycle().take(ways.len() * 1000).cloned().collect()
}

/// One endpoint of the configuration, with what stands at its address.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    /// Where it is a server.
    pub server: Option<FaultUpstream>,
    _blackhole: Option<Blackhole>,
}

impl Endpoint {
    /// One that answers as it should.
    pub fn alive() -> Self {
        let server = FaultUpstream::start();
        Self { url: server.url(), server: Some(server), _blackhole: None }
    }

    /// One that is dead.
    ///
    /// # Errors
    /// No port is free.
    pub fn dead(death: Death) -> io::Result<Self> {
        match death {
            Death::Refused => Ok(Self { url: refused_url()?, server: None, _blackhole: None }),
            Death::Blackhole => {
                let blackhole = Blackhole::start()?;
                Ok(Self { url: blackhole.url(), server: None, _blackhole: Some(blackhole) })
            }
            _ => {
                let endpoint = Self::alive();
                endpoint.dies(death);
                Ok(endpoint)
            }
        }
    }

    /// From now on, where it is a server.
    pub fn dies(&self, death: Death) {
        if let Some(server) = &self.server {
            server.default_sequence(death.behaviours());
        }
    }

    /// From now on so many of a hundred calls fail, by chance, with 503 or a reset.
    pub fn stumbles(&self, percent: u8, random: &mut fastrand::Rng) {
        let mut one = || match random.u8(..100) {
            roll if roll >= percent => Behaviour::default(),
            roll if roll % 2 == 0 => Behaviour::status(503),
            _ => Behaviour::reset_before_head(),
        };
        if let Some(server) = &self.server {
            server.default_sequence((0..10_000).map(|_| one()));
        }
    }

    /// From now on it answers as it should.
    pub fn recovers(&self) {
        if let Some(server) = &self.server {
            server.behave();
        }
    }
}

/// The endpoints of one model, all alike.
pub fn group(model: &str, endpoints: &[Endpoint]) -> String {
    let mut yaml = String::from("model_list:\n");
    for (number, endpoint) in endpoints.iter().enumerate() {
        push_entry(&mut yaml, model, "openai", &format!("{model}-{number}"), &endpoint.url);
    }
    yaml
}

/// Models with one endpoint each: public name, LiteLLM's prefix, server.
pub fn models(entries: &[(&str, &str, &FaultUpstream)]) -> String {
    let mut yaml = String::from("model_list:\n");
    for (model, prefix, server) in entries {
        push_entry(&mut yaml, model, prefix, model, &server.url());
    }
    yaml
}

fn push_entry(yaml: &mut String, model: &str, prefix: &str, name: &str, url: &str) {
    let path = if prefix == "openai" { "/v1" } else { "" };
    let _infallible = write!(
        yaml,
        "  - model_name: {model}\n    litellm_params:\n      model: {prefix}/{model}\n      \
         api_base: {url}{path}\n      api_key: sk-chaos\n    model_info:\n      id: {name}\n"
    );
}
