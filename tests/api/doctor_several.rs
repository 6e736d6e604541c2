//! The doctor before many endpoints: several at a time, told in the order of the file.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

use crate::harness::{ConfigFile, Program, SOON, entry};

/// As many are examined at a time.
const AT_A_TIME: usize = 8;

/// What a server has been asked so far.
#[derive(Default)]
struct Asked {
    requests: usize,
    in_flight: usize,
    most: usize,
}

/// A server that answers nobody before so many have asked.
fn patient_server(wait_for: usize) -> (String, Arc<(Mutex<Asked>, Condvar)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<(Mutex<Asked>, Condvar)>::default();
    let shared = Arc::clone(&asked);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, shared) = (client.unwrap(), Arc::clone(&shared));
            std::thread::spawn(move || answer(client, wait_for, &shared));
        }
    });
    (url, asked)
}

/// Who only connects is answered nothing.
fn answer(mut client: TcpStream, wait_for: usize, (asked, came): &(Mutex<Asked>, Condvar)) {
    let lines = BufReader::new(client.try_clone().unwrap()).lines();
    if lines.map_while(Result::ok).take_while(|line| !line.is_empty()).count() == 0 {
        return;
    }
    let mut now = asked.lock().unwrap();
    now.requests += 1;
    now.in_flight += 1;
    now.most = now.most.max(now.in_flight);
    came.notify_all();
    let (mut now, _) = came.wait_timeout_while(now, SOON, |now| now.requests < wait_for).unwrap();
    now.in_flight -= 1;
    drop(now);
    let body = r#"{"object": "list", "data": [{"id": "fault-model"}]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length:";
    let _gone_already = write!(client, "{head} {}\r\n\r\n{body}", body.len());
}

#[actix_web::test]
async fn eight_at_a_time_are_examined_and_told_in_their_order() {
    let (url, asked) = patient_server(AT_A_TIME);
    let mut yaml = "model_list:\n".to_owned();
    for number in 0..AT_A_TIME + 4 {
        let entry = entry(&url, "").replace("openai/up", "openai/fault-model");
        writeln!(yaml, "{entry}  model_info: {{id: e{number}}}").unwrap();
    }
    let output = Program::run(&["doctor", "--json"], |vars| vars.native(ConfigFile::yaml(yaml))).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["verdict"], "ok", "{document:#}");
    let endpoints = document["endpoints"].as_array().unwrap();
    let names: Vec<_> = endpoints.iter().map(|endpoint| endpoint["endpoint"].as_str().unwrap()).collect();
    let expected: Vec<_> = (0..AT_A_TIME + 4).map(|number| format!("e{number}")).collect();
    assert_eq!(names, expected);
    assert_eq!(asked.0.lock().unwrap().most, AT_A_TIME);
}
