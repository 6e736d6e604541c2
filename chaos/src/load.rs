//! Many callers at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::client::{Answer, Client, Request};

/// A request with what became of it.
pub type Asked = (Request, Answer);

/// `total` requests by `clients` callers, of whom each asks again as soon as it is answered.
pub async fn closed(
    port: u16,
    clients: usize,
    total: usize,
    request: impl Fn(usize) -> Request,
) -> Vec<Asked> {
    let requests = (0..total).map(request).rev().collect::<Vec<_>>();
    let left = Arc::new(Mutex::new(requests));
    let mut callers = JoinSet::new();
    for _ in 0..clients {
        callers.spawn(caller(port, Arc::clone(&left)));
    }
    callers.join_all().await.into_iter().flatten().collect()
}

async fn caller(port: u16, left: Arc<Mutex<Vec<Request>>>) -> Vec<Asked> {
    let mut client = Client::new(port);
    let mut asked = Vec::new();
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    while let Some(request) = next() {
        let answer = client.ask(&request).await;
        asked.push((request, answer));
    }
    asked
}

/// `per_second` requests each second, whether or not earlier ones are answered.
pub async fn steady(
    port: u16,
    per_second: u32,
    time: Duration,
    request: impl Fn(usize) -> Request,
) -> Vec<Asked> {
    let (start, interval) = (Instant::now(), Duration::from_secs(1) / per_second);
    let idle = Arc::new(Mutex::new(Vec::new()));
    let mut asking = JoinSet::new();
    for number in 0.. {
        let due = start + interval * number;
        if due > start + time {
            break;
        }
        sleep_until(due.into()).await;
        asking.spawn(with_any(port, Arc::clone(&idle), request(number as usize)));
    }
    asking.join_all().await
}

/// Asks on a connection that nobody uses.
async fn with_any(port: u16, idle: Arc<Mutex<Vec<Client>>>, request: Request) -> Asked {
    let client = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut client = client.unwrap_or_else(|| Client::new(port));
    let answer = client.ask(&request).await;
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
    (request, answer)
}

/// Every second one is a stream.
pub fn mixed(name: &str, model: &str) -> impl Fn(usize) -> Request {
    move |number| {
        let (id, model) = (format!("{name}-{number}"), model.to_owned());
        Request { id, model, streamed: number.is_multiple_of(2) }
    }
}

/// How many were answered as a whole.
pub fn successes(asked: &[Asked]) -> usize {
    asked.iter().filter(|(_, answer)| answer.is_success()).count()
}

/// How long the answers took.
pub fn times(asked: &[Asked]) -> Vec<Duration> {
    asked.iter().map(|(_, answer)| answer.took).collect()
}
