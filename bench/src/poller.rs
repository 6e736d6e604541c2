//! One epoll, level-triggered, with timeouts finer than a millisecond.
//!
//! Not mio and not tokio: both round timeouts up to whole milliseconds, which would show up as
//! latency of the proxy under test.

use std::io;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

/// How many ready sockets one wait hands over at most.
const EVENTS_PER_WAIT: usize = 1024;

/// The sockets that are waited for, each under a caller's token.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    /// An empty poller. Also asks the kernel for exact timers on this thread (the default is to
    /// wake up to 50 µs late).
    ///
    /// # Errors
    /// The kernel refuses an epoll instance (no file descriptors left).
    pub fn new() -> io::Result<Self> {
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS_PER_WAIT) })
    }

    /// Waits for input (and the peer's leaving) on `source`, known as `token`.
    ///
    /// # Errors
    /// The kernel's own, for example too many watched sockets.
    pub fn add(&self, source: impl AsFd, token: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, source, EventData::new_u64(token), EventFlags::IN)?)
    }

    /// Waits for room to write as well as for input, or for input alone again.
    ///
    /// # Errors
    /// The kernel's own: `source` was never added.
    pub fn want_write(&self, source: impl AsFd, token: u64, wanted: bool) -> io::Result<()> {
        let flags = if wanted { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        Ok(epoll::modify(&self.epoll, source, EventData::new_u64(token), flags)?)
    }

    /// Sleeps until something is ready or `timeout` has passed (`None`: no limit), and puts the
    /// tokens of what is ready into `tokens`.
    ///
    /// # Errors
    /// The kernel's own; an interrupting signal counts as an empty wait.
    pub fn wait(&mut self, timeout: Option<Duration>, tokens: &mut Vec<u64>) -> io::Result<()> {
        tokens.clear();
        self.events.clear();
        let timeout = timeout.map(timespec);
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        tokens.extend(self.events.iter().map(|event| event.data.u64()));
        Ok(())
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
