//! Many at once.

use llm_proxy_test_support::Behaviour;

use super::{ONE, Scene, request};
use crate::harness::{QUICKLY, SOON, wait_for};

/// All of them are in the middle of a stream, and all leave at the same moment.
#[actix_web::test]
async fn a_thousand_callers_that_leave_in_the_middle_leave_nothing_behind() {
    const CALLERS: usize = 1000;
    let scene = Scene::with(ONE, |vars| vars.set("BREAKER_FAILURES", 1));
    scene.upstream.on("first", Behaviour::long_stream(20, 4).stall_after_events(3));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let mut client = scene.service.connect().await;
        client.send(request(true).bytes()).await;
        callers.push(client);
    }
    for client in &mut callers {
        assert_eq!(client.head().await.status, 200);
        client.events(3).await;
    }
    assert_eq!(scene.upstream.connections().open.len(), CALLERS);
    drop(callers);
    assert!(scene.upstream.wait_until(SOON, |connections| connections.open.is_empty()).await);
    let records = wait_for("the records", || {
        let records = scene.service.lines.records("usage");
        (records.len() == CALLERS).then_some(records)
    });
    for record in records.await {
        assert_eq!(record["end"], "cancelled", "{record}");
        assert_eq!((&record["relayed_deltas"], &record["completion_tokens"]), (&2.into(), &2.into()));
        assert_eq!(record["provenance"], "counted");
    }
    // It was not the endpoint's fault, and nobody is in the way of the next.
    scene.upstream.on("first", Behaviour::chat("next"));
    let answer = scene.ask(false).await;
    assert_eq!(answer.status, 200);
    assert!(answer.took < QUICKLY, "{:?}", answer.took);
}
