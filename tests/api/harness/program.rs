//! The program itself, in a process of its own: for signals, exit codes and memory.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{Answer, Client, Request, Variables, wait_for};

/// A process that runs until this is dropped.
pub struct Program {
    child: Child,
    pub port: u16,
}

impl Program {
    /// Starts the program; `change` has the last word on its settings.
    pub fn start(change: impl FnOnce(Variables) -> Variables) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-proxy"));
        command.env_clear().envs(change(Variables::default()).all()).current_dir(std::env::temp_dir());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = lines.find_map(|line| {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            line["address"].as_str().map(str::to_owned)
        });
        // Nobody may block on a pipe that is not read.
        std::thread::spawn(move || lines.for_each(drop));
        let port = listening.unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        Self { child, port }
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

    /// Sends a signal: `TERM`, `INT`.
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
