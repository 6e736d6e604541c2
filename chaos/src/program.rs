//! The service in a process of its own: started, watched from outside, stopped.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::records::{Record, Records};

/// What callers show.
pub const KEY: &str = "chaos-internal-key";

/// The settings of every scenario, unless it has its own.
const DEFAULTS: [(&str, &str); 7] = [
    ("LLM_MODE", "native"),
    ("HOST", "127.0.0.1"),
    ("PORT", "0"),
    ("WORKERS", "2"),
    ("INTERNAL_API_KEY", KEY),
    ("LOG_FORMAT", "json"),
    ("DRAIN_TIMEOUT_S", "5"),
];

/// How long the service may take to stop.
const STOPPING_TIME: Duration = Duration::from_secs(20);

/// A process that runs until this is stopped or dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    records: Arc<Mutex<Records>>,
    reader: Option<JoinHandle<()>>,
    _config: NamedTempFile,
}

/// What the operating system says of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Resident memory in KiB.
    pub resident_kib: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

impl Program {
    /// Starts `binary` in native mode with the models of `yaml`; `settings` without their prefix.
    ///
    /// # Errors
    /// It cannot be started, or stops before it listens.
    pub fn start(binary: &Path, yaml: &str, settings: &[(&str, &str)]) -> io::Result<Self> {
        let mut config = tempfile::Builder::new().prefix("llm-proxy-chaos-").suffix(".yaml").tempfile()?;
        config.write_all(yaml.as_bytes())?;
        let mut command = Command::new(binary);
        let path = config.path().display().to_string();
        let all = DEFAULTS.iter().chain(settings).copied().chain([("CONFIG", path.as_str())]);
        let named: HashMap<_, _> = all.map(|(name, value)| (format!("LLM_PROXY__{name}"), value)).collect();
        command.env_clear().envs(named).current_dir(std::env::temp_dir());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(stdout);
        let Some(port) = listening(&mut lines)? else {
            child.wait()?;
            return Err(io::Error::other("the service stopped at its start"));
        };
        let records = Arc::<Mutex<Records>>::default();
        let kept = Arc::clone(&records);
        let reader = Some(std::thread::spawn(move || keep(lines, &kept)));
        Ok(Self { child, port, records, reader, _config: config })
    }

    /// Memory and descriptors at this moment.
    ///
    /// # Errors
    /// The process is gone.
    pub fn footprint(&self) -> io::Result<Footprint> {
        let process = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{process}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|text| text.split_whitespace().next()?.parse().ok());
        let descriptors = std::fs::read_dir(format!("{process}/fd"))?.count() as u64;
        Ok(Footprint { resident_kib: resident.unwrap_or(0), descriptors })
    }

    /// Stops it as an operator does; every record that it has written.
    ///
    /// # Errors
    /// It does not stop, or not well.
    pub fn stop(mut self) -> io::Result<Records> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = Instant::now() + STOPPING_TIME;
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    return Err(io::Error::other("the service does not stop"));
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        // The pipe has ended with the process.
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| io::Error::other("the log's reader panicked"))?;
        }
        if !status.success() {
            return Err(io::Error::other(format!("the service ended with {status}")));
        }
        Ok(std::mem::take(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

/// Reads until the service says where it listens; none if it stops before.
fn listening(lines: &mut BufReader<ChildStdout>) -> io::Result<Option<u16>> {
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let json: Value = serde_json::from_str(&line).unwrap_or_default();
        let port = json["address"].as_str().and_then(|address| address.rsplit_once(':')?.1.parse().ok());
        if port.is_some() {
            return Ok(port);
        }
        line.clear();
    }
    Ok(None)
}

/// Keeps the usage records; a service whose pipe is not read would wait.
fn keep(lines: BufReader<ChildStdout>, records: &Mutex<Records>) {
    for line in lines.lines().map_while(Result::ok) {
        if let Some(record) = Record::of_line(&line) {
            records.lock().unwrap_or_else(PoisonError::into_inner).add(record);
        }
    }
}
