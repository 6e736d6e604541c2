//! The program itself, in a process of its own: for signals, exit codes, memory, and what it says.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{Answer, Client, ConfigFile, Request, Variables, wait_for};

/// A process that runs until this is dropped.
pub struct Program {
    child: Child,
    pub port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
    config: Option<Arc<ConfigFile>>,
}

impl Program {
    /// Starts the program; `change` has the last word on its settings.
    pub fn start(change: impl FnOnce(Variables) -> Variables) -> Self {
        let variables = change(Variables::default());
        let mut command = command(&variables);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let kept = Arc::<Mutex<Vec<Value>>>::default();
        let listening = lines.find_map(|line| {
            let address = line["address"].as_str().map(str::to_owned);
            kept.lock().unwrap().push(line);
            address
        });
        let port = listening.unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        // Nobody may block on a pipe that is not read.
        let keeping = Arc::clone(&kept);
        std::thread::spawn(move || lines.for_each(|line| keeping.lock().unwrap().push(line)));
        Self { child, port, lines: kept, config: variables.config_file() }
    }

    /// Runs the program with these arguments to its end; `change` has the last word on its settings.
    pub async fn run(arguments: &[&str], change: impl FnOnce(Variables) -> Variables) -> Output {
        let variables = change(Variables::default());
        let mut command = command(&variables);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        wait_for("the program's end", || child.try_wait().unwrap()).await;
        child.wait_with_output().unwrap()
    }

    /// The configuration file that it was started with.
    pub fn config(&self) -> &ConfigFile {
        self.config.as_deref().expect("a configuration file")
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// The message of every line so far that has one.
    pub fn messages(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.port).await
    }

    pub async fn ask(&self, request: &Request) -> Answer {
        self.connect().await.ask(request).await
    }

    /// The most memory that it ever held, in MiB.
    pub fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
    }

    /// Whether it does something of its own when the signal of that number comes.
    pub fn catches(&self, signal: u32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal - 1) & 1 == 1
    }

    /// Sends a signal: `TERM`, `INT`, `HUP`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub async fn exit_code(&mut self) -> Option<i32> {
        wait_for("the program's end", || self.child.try_wait().unwrap()).await.code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn command(variables: &Variables) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-proxy"));
    command.env_clear().envs(variables.all()).current_dir(std::env::temp_dir());
    command
}
