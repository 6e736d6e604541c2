//! What goes on beside requests, for as long as the service is there.

use std::sync::Arc;

use actix_web::rt::spawn;
use actix_web::rt::task::JoinHandle;
use tokio::signal::unix::Signal;

use super::Shared;
use super::models::Source;
use crate::config::settings::Settings;
use crate::services::probing;

/// Tasks that have no end of their own: dropping this ends them.
#[derive(Default)]
pub struct Background(Vec<JoinHandle<()>>);

impl Background {
    /// Looks at the configuration, drops old answers, and asks endpoints that are out where the settings
    /// want that.
    pub fn start(settings: &Settings, shared: &Shared, source: Source, hangup: Option<Signal>) -> Self {
        let mut tasks = Self::default();
        tasks.add(source.watch(Arc::clone(&shared.engine), hangup));
        tasks.add(Arc::clone(&shared.repeats).reap());
        if let Some(every) = settings.resilience.probe_interval {
            tasks.add(probing::watch(Arc::clone(&shared.engine), every));
        }
        tasks
    }

    /// Runs one more.
    pub fn add(&mut self, task: impl Future<Output = ()> + 'static) {
        self.0.push(spawn(task));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}
