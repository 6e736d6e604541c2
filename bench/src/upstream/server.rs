//! The event loop: one thread, one epoll, one timer wheel.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

use serde_json::json;
use slab::Slab;

use super::connection::{Connection, Tick};
use super::plan::Plan;
use super::replies::Replies;
use super::request::{Parsed, Request, Route, parse};
use super::wheel::Wheel;
use crate::poller::Poller;

const LISTENER: u64 = u64::MAX;
/// Room for the largest request that arrives in one read.
const SCRATCH_BYTES: usize = 256 * 1024;

/// What happened so far, as `GET /bench/stats` tells it.
#[derive(Debug, Default)]
struct Counters {
    requests: u64,
    unauthorized: u64,
    streams_begun: u64,
    streams_finished: u64,
    streams_abandoned: u64,
}

/// A timer's name: the connection, and which connection of that token it was.
type Timer = (usize, u64);

/// The upstream.
pub struct Server {
    listener: TcpListener,
    poller: Poller,
    connections: Slab<Connection>,
    wheel: Wheel<Timer>,
    replies: Replies,
    expected_key: Option<Vec<u8>>,
    counters: Counters,
    generations: u64,
    outgoing: Vec<u8>,
}

impl Server {
    /// Listens on `address`. With a `key`, chat requests need `Authorization: Bearer <key>` or
    /// `x-api-key: <key>`.
    ///
    /// # Errors
    /// The address is taken, or the kernel has no descriptors left.
    pub fn bind(address: SocketAddr, key: Option<&str>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let poller = Poller::new()?;
        poller.add(&listener, LISTENER)?;
        Ok(Self {
            listener,
            poller,
            connections: Slab::new(),
            wheel: Wheel::new(Instant::now()),
            replies: Replies::new(),
            expected_key: key.map(|key| key.as_bytes().to_vec()),
            counters: Counters::default(),
            generations: 0,
            outgoing: Vec::new(),
        })
    }

    /// Serves until the process is ended.
    ///
    /// # Errors
    /// The poller fails; a broken connection only ends itself.
    pub fn run(&mut self) -> io::Result<()> {
        let mut scratch = vec![0; SCRATCH_BYTES];
        let (mut ready, mut due) = (Vec::new(), Vec::new());
        loop {
            self.poller.wait(self.wheel.sleep(Instant::now()), &mut ready)?;
            for &token in &ready {
                match usize::try_from(token) {
                    Ok(key) if token != LISTENER => self.serve_or_close(key, &mut scratch),
                    _ => self.accept(),
                }
            }
            self.wheel.advance(Instant::now(), &mut due);
            for (key, generation) in due.drain(..) {
                self.tick_or_close(key, generation);
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((socket, _)) = self.listener.accept() {
            self.generations += 1;
            let Ok(connection) = Connection::new(socket, self.generations) else {
                continue;
            };
            let entry = self.connections.vacant_entry();
            if self.poller.add(&connection.socket, entry.key() as u64).is_ok() {
                entry.insert(connection);
            }
        }
    }

    fn serve_or_close(&mut self, key: usize, scratch: &mut [u8]) {
        if self.connections.contains(key) && self.serve(key, scratch).is_err() {
            self.close(key);
        }
    }

    fn tick_or_close(&mut self, key: usize, generation: u64) {
        let current = self.connections.get(key).is_some_and(|c| c.generation == generation);
        if current && self.tick(key, generation).is_err() {
            self.close(key);
        }
    }

    fn close(&mut self, key: usize) {
        let connection = self.connections.remove(key);
        self.counters.streams_abandoned += u64::from(connection.is_streaming());
    }

    fn serve(&mut self, key: usize, scratch: &mut [u8]) -> io::Result<()> {
        let connection = &mut self.connections[key];
        let was_blocked = connection.is_blocked();
        if was_blocked {
            connection.flush()?;
        }
        match connection.read(scratch)? {
            Some(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(bytes) => self.answer_all(key, &scratch[..bytes])?,
            None => {}
        }
        self.watch_for_room(key, was_blocked)
    }

    fn watch_for_room(&self, key: usize, was_blocked: bool) -> io::Result<()> {
        let connection = &self.connections[key];
        if connection.is_blocked() == was_blocked {
            return Ok(());
        }
        self.poller.want_write(&connection.socket, key as u64, connection.is_blocked())
    }

    /// Answers every complete request of what was kept and what has just come; keeps the rest.
    fn answer_all(&mut self, key: usize, fresh: &[u8]) -> io::Result<()> {
        let mut kept = std::mem::take(&mut self.connections[key].inbound);
        let bytes = if kept.is_empty() {
            fresh
        } else {
            kept.extend_from_slice(fresh);
            &kept
        };
        let mut answered = 0;
        while answered < bytes.len() && !self.connections[key].is_streaming() {
            match parse(&bytes[answered..], self.expected_key.as_deref()) {
                Parsed::Incomplete => break,
                Parsed::Complete(request) => {
                    answered += request.consumed;
                    self.answer(key, &request)?;
                }
                Parsed::Bad => {
                    self.connections[key].send(&self.replies.length_required)?;
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
        let rest = bytes[answered..].to_vec();
        self.connections[key].inbound = rest;
        Ok(())
    }

    fn answer(&mut self, key: usize, request: &Request<'_>) -> io::Result<()> {
        self.counters.requests += 1;
        let connection = &mut self.connections[key];
        match request.route {
            Route::Chat(_) if !request.authorized => {
                self.counters.unauthorized += 1;
                connection.send(&self.replies.unauthorized)
            }
            Route::Chat(format) => match Plan::of(request.body) {
                Plan::Whole => connection.send(&self.replies.of(format).whole),
                Plan::Stream(plan) => {
                    self.counters.streams_begun += 1;
                    let asked = (format, plan);
                    let next = connection.begin_stream(asked, Instant::now(), &self.replies)?;
                    let timer = (key, connection.generation);
                    self.wheel.schedule(next, timer);
                    Ok(())
                }
            },
            Route::Models => connection.send(&self.replies.models),
            Route::Health => connection.send(&self.replies.healthy),
            Route::Stats => connection.send(&self.counters.reply()),
            Route::Unknown => connection.send(&self.replies.not_found),
        }
    }

    fn tick(&mut self, key: usize, generation: u64) -> io::Result<()> {
        let connection = &mut self.connections[key];
        let was_blocked = connection.is_blocked();
        match connection.tick(&self.replies, &mut self.outgoing)? {
            Tick::Next(due) => self.wheel.schedule(due, (key, generation)),
            Tick::Finished => {
                self.counters.streams_finished += 1;
                self.answer_all(key, &[])?;
            }
            Tick::Idle => {}
        }
        self.watch_for_room(key, was_blocked)
    }
}

impl Counters {
    fn reply(&self) -> Vec<u8> {
        let body = json!({
            "requests": self.requests,
            "unauthorized": self.unauthorized,
            "streams_begun": self.streams_begun,
            "streams_finished": self.streams_finished,
            "streams_abandoned": self.streams_abandoned,
        })
        .to_string();
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
        format!("{head} {length}\r\n\r\n{body}").into_bytes()
    }
}
