//! Plays an answer that was written in this process: the mock's upstream.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::time::Sleep;

use crate::domain::call::{Script, Step};
use crate::error::{Error, Kind, Result};

/// The body of a script, step by step, with its pauses.
pub struct Player {
    steps: VecDeque<Step>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Player {
    /// Waits as long as the script does before its head, then starts to play.
    pub async fn start(script: Script) -> (u16, Vec<(&'static str, String)>, Self) {
        if let Some(delay) = script.head_after {
            tokio::time::sleep(delay).await;
        }
        let steps = script.steps.into();
        (script.status, script.headers, Self { steps, pause: None })
    }

    /// The next bytes; `None` at the end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Send(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                Some(Step::Wait(delay)) => self.pause = Some(Box::pin(tokio::time::sleep(delay))),
                Some(Step::Cut) => {
                    let message = "the upstream closed the connection in the middle of its answer";
                    return Poll::Ready(Some(Err(Error::new(Kind::Truncated, message))));
                }
            }
        }
    }
}
