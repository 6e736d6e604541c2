//! What the two clients share: the request they send and how they read an answer.

pub mod events;
pub mod flight;
pub mod link;
pub mod response;
pub mod tally;
pub mod target;
