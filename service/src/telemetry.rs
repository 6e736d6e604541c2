//! Where log lines go: one buffer, written by one thread, so that no worker waits for a terminal.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::settings::{LogFormat, LogLevel};
use crate::ports::LineSink;

/// Lines are written together, at the latest after this time; a warning at once.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// If the log is not taken, lines beyond this are dropped, and it is said how many.
const MAX_BUFFERED_BYTES: usize = 4 << 20;

/// The log. Clones write to the same.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

struct Shared {
    buffer: Mutex<Buffer>,
    has_lines: Condvar,
    was_flushed: Condvar,
}

#[derive(Default)]
struct Buffer {
    lines: Vec<u8>,
    dropped: u64,
    urgent: bool,
    writing: bool,
}

impl Log {
    /// Starts the thread that writes to `out`.
    pub fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            buffer: Mutex::default(),
            has_lines: Condvar::new(),
            was_flushed: Condvar::new(),
        });
        let writer = Arc::clone(&shared);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write_for_ever(&writer, out))?;
        Ok(Self(shared))
    }

    fn push(&self, line: &[u8], urgent: bool) {
        let mut buffer = self.0.buffer.lock();
        if buffer.lines.len() + line.len() > MAX_BUFFERED_BYTES {
            buffer.dropped += 1;
            return;
        }
        let wake = buffer.lines.is_empty() || (urgent && !buffer.urgent);
        buffer.lines.extend_from_slice(line);
        buffer.urgent |= urgent;
        if wake {
            self.0.has_lines.notify_one();
        }
    }

    /// Waits until everything is written, for a second at most: at the end of the process.
    pub fn flush(&self) {
        let mut buffer = self.0.buffer.lock();
        buffer.urgent = true;
        self.0.has_lines.notify_one();
        let unwritten = |buffer: &mut Buffer| !buffer.lines.is_empty() || buffer.writing;
        self.0.was_flushed.wait_while_for(&mut buffer, unwritten, Duration::from_secs(1));
    }
}

fn write_for_ever(shared: &Shared, mut out: impl Write) {
    let mut lines = Vec::new();
    loop {
        let dropped = take(shared, &mut lines);
        if dropped > 0 {
            let _unwritable = writeln!(out, "the log was not taken in time: {dropped} lines are lost");
        }
        // A log that cannot be written cannot say so either.
        let _unwritable = out.write_all(&lines).and_then(|()| out.flush());
        lines.clear();
        lines.shrink_to(MAX_BUFFERED_BYTES / 16);
        shared.buffer.lock().writing = false;
        shared.was_flushed.notify_all();
    }
}

/// Waits for lines, gives others the time to join them, and takes them all.
fn take(shared: &Shared, lines: &mut Vec<u8>) -> u64 {
    let mut buffer = shared.buffer.lock();
    shared.has_lines.wait_while(&mut buffer, |buffer| buffer.lines.is_empty());
    shared.has_lines.wait_while_for(&mut buffer, |buffer| !buffer.urgent, FLUSH_INTERVAL);
    std::mem::swap(&mut buffer.lines, lines);
    buffer.urgent = false;
    buffer.writing = true;
    std::mem::take(&mut buffer.dropped)
}

impl LineSink for Log {
    fn write_line(&self, line: &[u8]) {
        self.push(line, false);
    }
}

/// One event's line; warnings and errors are written at once.
pub struct Line<'a> {
    log: &'a Log,
    urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.log.push(line, self.urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { log: self, urgent: true }
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> Self::Writer {
        Line { log: self, urgent: *meta.level() <= Level::WARN }
    }
}

/// Sends this process's events to `log`: ours from `level` on, those of libraries from WARN on, or all
/// at TRACE. The targets in `quiet` say nothing.
pub fn install(log: &Log, level: LogLevel, format: LogFormat, quiet: &[&'static str]) {
    let ours = level_of(level);
    let libraries = if ours == Level::TRACE { ours } else { ours.min(Level::WARN) };
    let targets = Targets::new().with_default(libraries).with_target("llm_proxy", ours);
    let targets = quiet.iter().fold(targets, |targets, quiet| targets.with_target(*quiet, LevelFilter::OFF));
    let layer = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false);
    let registry = tracing_subscriber::registry().with(targets);
    let installed = match format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    if installed.is_err() {
        tracing::debug!("this process had a subscriber already");
    }
}

const fn level_of(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Channel(mpsc::Sender<Vec<u8>>);

    impl Write for Channel {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_out_together_and_flush_waits_for_them() {
        let (sender, receiver) = mpsc::channel();
        let log = Log::start(Channel(sender)).expect("a thread");
        log.write_line(b"a\n");
        log.write_line(b"b\n");
        log.flush();
        assert_eq!(receiver.try_recv(), Ok(b"a\nb\n".to_vec()));
    }

    #[test]
    fn lines_that_nobody_takes_are_dropped_and_counted() {
        struct Stuck(mpsc::Receiver<()>, mpsc::Sender<Vec<u8>>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _released = self.0.recv();
                self.1.send(bytes.to_vec()).map_err(io::Error::other)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (release, released) = mpsc::channel();
        let (sender, receiver) = mpsc::channel();
        let log = Log::start(Stuck(released, sender)).expect("a thread");
        for _ in 0..10 {
            log.write_line(&vec![b'x'; MAX_BUFFERED_BYTES / 2]);
        }
        drop(release);
        let told = receiver.iter().any(|bytes| String::from_utf8_lossy(&bytes).contains("lines are lost"));
        assert!(told);
    }
}
