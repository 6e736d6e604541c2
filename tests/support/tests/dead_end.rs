//! Addresses that are no upstream at all.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use llm_proxy_test_support::{Blackhole, refused_url};

fn connect(url: &str) -> ErrorKind {
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    TcpStream::connect_timeout(&address, Duration::from_millis(300)).unwrap_err().kind()
}

#[test]
fn a_blackhole_never_accepts() {
    let blackhole = Blackhole::start().unwrap();
    assert_eq!(connect(&blackhole.url()), ErrorKind::TimedOut);
}

#[test]
fn a_refused_port_refuses() {
    assert_eq!(connect(&refused_url().unwrap()), ErrorKind::ConnectionRefused);
}
