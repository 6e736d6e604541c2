//! Who keeps the records: the log and the metrics.
//!
//! Knows formats of records. Refuses to know requests and answers.

pub mod log;
pub mod metrics;
