//! Going on with an answer that broke off: at another endpoint of the route, from the text so far.

use std::sync::Arc;
use std::time::Instant;

use super::attempts::{Attempts, Wanted};
use super::completion::Engine;
use super::relay::PendingAnswer;
use super::request::Request;
use super::routing::Route;
use super::usage::Recorder;
use crate::adapters::continuation::can_continue;
use crate::domain::notice::NoticeEvent;
use crate::error::{Blame, Error, Remedy};
use crate::outbound::client::Client;
use crate::outbound::deadline::Deadline;

/// What it takes to ask another endpoint; there for answers that may be continued.
pub struct GoesOn {
    engine: Arc<Engine>,
    client: Client,
    /// Who is left to ask.
    route: Route,
    /// Of the whole request.
    pub deadline: Deadline,
}

/// The answer that broke off, for as long as nobody has gone on with it.
pub struct BrokeOff {
    /// The endpoint.
    from: String,
    /// Why: what the caller is told if nobody goes on.
    pub error: Error,
}

impl GoesOn {
    /// For a request whose answer may be continued.
    pub fn of(attempts: &Attempts) -> Option<Self> {
        attempts.request.thread.as_ref()?;
        let Attempts { engine, client, route, deadline, .. } = attempts;
        let (engine, client) = (Arc::clone(engine), client.clone());
        Some(Self { engine, client, route: route.clone(), deadline: *deadline })
    }

    /// Has another endpoint go on behind `text`: its answer, and the record of it. `None` where the failure
    /// is not of a kind that another endpoint mends, nobody is left, or the retry budget is used up.
    pub fn ask(
        &mut self,
        broken: &Recorder,
        text: &str,
        error: &Error,
    ) -> Option<(BrokeOff, PendingAnswer, Recorder)> {
        let thread = broken.request.thread.as_ref()?;
        if error.kind().blame() == Blame::Client || error.remedy() == Remedy::Nothing {
            return None;
        }
        let from = broken.endpoint().name.clone();
        self.route
            .hops
            .retain(|hop| hop.endpoint.name != from && hop.endpoint.streams && can_continue(&hop.endpoint));
        let first = Arc::clone(&self.route.hops.first()?.endpoint);
        if !self.engine.resilience.budget.withdraw(Instant::now()) {
            return None;
        }
        let request = Arc::new(broken.request.to_go_on(thread, text, first));
        let mut recorder = Recorder::open(Arc::clone(&self.engine), Arc::clone(&request));
        recorder.begun = true;
        let attempts = Attempts {
            engine: Arc::clone(&self.engine),
            client: self.client.clone(),
            request,
            route: self.route.clone(),
            deadline: self.deadline,
        };
        let pending: PendingAnswer =
            Box::pin(async move { attempts.begin(Wanted::Stream).await.map(Box::new) });
        Some((BrokeOff { from, error: error.clone() }, pending, recorder))
    }

    /// Tells that the seam is here.
    pub fn tell(&self, request: &Request, broke_off: &BrokeOff, to: &str) {
        let BrokeOff { from, error } = broke_off;
        let reason = error.code().to_owned().into();
        let event = NoticeEvent::Continued { from: from.clone(), to: to.to_owned(), reason };
        request.tell(&self.engine.notices, event);
    }
}
