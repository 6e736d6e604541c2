//! How much at once: connections beyond the limit wait for their turn, and are not lost.

use std::time::Duration;

use crate::harness::{CHAT, QUICKLY, TestService, chat, get, post};

#[actix_web::test]
async fn a_connection_beyond_the_limit_waits_until_another_ends() {
    let service = TestService::start(|vars| vars.mock().set("MAX_CONNECTIONS", 2));
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut client = service.connect().await;
        assert_eq!(client.ask(&get("/health")).await.status, 200);
        open.push(client);
    }
    let mut waiting = service.connect().await;
    waiting.send(post(CHAT, chat("m")).bytes()).await;
    assert!(waiting.is_silent_for(Duration::from_millis(300)).await);
    drop(open.pop());
    let answer = waiting.answer().await;
    assert_eq!(answer.status, 200);
}

#[actix_web::test]
async fn five_hundred_idle_connections_are_in_nobodys_way() {
    let service = TestService::mock();
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(service.connect().await);
    }
    let answer = service.ask(&post(CHAT, chat("m"))).await;
    assert_eq!(answer.status, 200);
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
}
