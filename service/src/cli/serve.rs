//! `llm-proxy serve`

use super::say;
use crate::config::settings::{DEFAULT_INTERNAL_API_KEY, LogLevel, Settings};
use crate::startup::{Service, StopSignals};
use crate::telemetry::{self, Log};

/// Serves until a signal comes.
pub fn serve() -> Result<(), String> {
    let settings = Settings::from_env().map_err(|error| error.to_string())?;
    let log = Log::start(std::io::stdout()).map_err(|error| format!("no thread for the log: {error}"))?;
    // actix reports every malformed request as an error: any client could fill the log with that.
    let quiet: &[&str] = if settings.log_level > LogLevel::Info { &[] } else { &["actix_http"] };
    telemetry::install(&log, settings.log_level, settings.log_format, quiet);
    // Two sockets a stream: the soft limit of many systems ends at 500 streams.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let served = actix_web::rt::System::new().block_on(async {
        let signals = StopSignals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        let service = Service::bind(&settings, &log)?;
        greet(&settings, &service);
        service.run(signals).await.map_err(|error| error.to_string())
    });
    log.flush();
    served
}

/// The address, and for a service that nobody configured, a call that works.
fn greet(settings: &Settings, service: &Service) {
    let address = service.address();
    tracing::info!(%address, mode = %settings.mode, workers = settings.workers, version = settings.version, "listening");
    if settings.internal_api_key.expose() != DEFAULT_INTERNAL_API_KEY {
        return;
    }
    say(
        &mut std::io::stderr(),
        &format!(
            "llm-proxy listens on http://{address} ({} mode) with the default key. Try:\n\n  \
             curl http://{address}/v1/chat/completions -H 'x-internal-auth: {DEFAULT_INTERNAL_API_KEY}' \\\n       \
             -H 'content-type: application/json' -d '{{\"messages\": [{{\"role\": \"user\", \"content\": \"Say hello!\"}}]}}'\n",
            settings.mode
        ),
    );
}
