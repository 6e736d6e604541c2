//! Where calls go: the running service, or the same routes in this process.
//!
//! Both speak the service's HTTP contract, so that nothing behind this room knows which of the two it is. A
//! transport is a plan until its first call; what is made of the plan lives in the engine's thread.

mod answering;
mod asking;
mod notices;
mod plan;
mod reply;
mod silence;
mod slot;

pub use answering::{Request, Wants};
pub use plan::{Plan, headers};
pub use slot::{Line, Slot, forget_all};
