//! Listening for as long as it takes: connections come and go, notices are heard once.

use std::rc::Rc;
use std::time::Duration;

use super::client::{Client, Event, Events, Problem};

/// Before the service is called again.
const COME_BACK_AFTER: Duration = Duration::from_secs(2);

/// What is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The service is there.
    Connected,
    /// It is not, for this reason.
    Lost(String),
    /// It has said something.
    Event(Event),
}

/// Listens to one service.
pub struct Listener {
    client: Rc<Client>,
    events: Option<Events>,
    last_id: Option<String>,
    /// What was told of the connection last: a service that stays away is told of once.
    is_lost: bool,
    must_wait: bool,
}

impl Listener {
    /// Nobody is called yet.
    pub const fn new(client: Rc<Client>) -> Self {
        Self { client, events: None, last_id: None, is_lost: false, must_wait: false }
    }

    /// What is heard next. Not to be dropped in the middle.
    ///
    /// # Errors
    /// There is no use in trying again, for this reason.
    pub async fn next(&mut self) -> Result<Heard, String> {
        loop {
            let heard = match &mut self.events {
                Some(events) => match events.next().await {
                    Ok(event) => return Ok(Heard::Event(self.remember(event))),
                    Err(reason) => self.lose(reason),
                },
                None => self.connect().await?,
            };
            if let Some(heard) = heard {
                return Ok(heard);
            }
        }
    }

    async fn connect(&mut self) -> Result<Option<Heard>, String> {
        if std::mem::take(&mut self.must_wait) {
            tokio::time::sleep(COME_BACK_AFTER).await;
        }
        match self.client.events(self.last_id.as_deref()).await {
            Ok(events) => {
                self.events = Some(events);
                self.is_lost = false;
                Ok(Some(Heard::Connected))
            }
            Err(Problem::Passing(reason)) => Ok(self.lose(reason)),
            Err(Problem::Lasting(reason)) => Err(reason),
        }
    }

    fn lose(&mut self, reason: String) -> Option<Heard> {
        self.events = None;
        self.must_wait = true;
        let is_news = !std::mem::replace(&mut self.is_lost, true);
        is_news.then_some(Heard::Lost(reason))
    }

    fn remember(&mut self, event: Event) -> Event {
        if event.id.is_some() {
            self.last_id.clone_from(&event.id);
        }
        event
    }
}
