//! What the service tells of its endpoints: `GET /v1/llm/health` and `GET /v1/llm/doctor`.

use super::declare::*;

answer! {
    /// How each configured endpoint is doing, by its name; and each proxy that they are reached through, by its URL.
    ///
    /// >>> health = Health.from_dict({"eu": {"state": "open"}, "us": {"state": "healthy"}})
    /// >>> [name for name, endpoint in health.items() if endpoint.state == "open"]
    /// ['eu']
    Health in "llm_proxy.types" {} others One(EndpointHealth::class)
}

record! {
    /// How an endpoint is doing, one of its models, or a proxy: of that, what tells of endpoints alone is `None`.
    ///
    /// >>> EndpointHealth.from_dict({"state": "open", "probes_at": "2026-11-25T13:02:05Z"}).probes_at
    /// '2026-11-25T13:02:05Z'
    EndpointHealth in "llm_proxy.types" {
        /// The wire format that it speaks; `None` of a model, and of a proxy.
        provider: "provider" => Value,
        /// Requests in flight; `None` of a model.
        in_flight: "in_flight" => Value,
        /// `healthy`; `degraded`: asked, but it failed lately or limits the rate; `open`: not asked; `probing`:
        /// one request is finding out whether it is back. A proxy is `healthy` or `failing`.
        state: "state" => Repeated,
        /// The part of the requests of five minutes that succeeded, from 0 to 1; 1 without any.
        success_rate: "success_rate" => Value,
        /// The requests of five minutes whose outcome says something about the endpoint.
        requests: "requests" => Value,
        /// Failures since the last success.
        consecutive_failures: "consecutive_failures" => Value,
        /// The last failure that was the endpoint's.
        last_error: "last_error" => One(LastError::class),
        /// Of the waits for the last answers of five minutes.
        latency_ms: "latency_ms" => One(Latency::class),
        /// Since when it is not asked, as RFC 3339 has it.
        opened_at: "opened_at" => Value,
        /// When a request may find out whether it is back.
        probes_at: "probes_at" => Value,
        /// Until when it asked to be left alone; it is asked last.
        rests_until: "rests_until" => Value,
        /// The same of each model, where it serves many: each is judged apart, and the endpoint is their sum.
        models: "models" => ByName(EndpointHealth::class),
        /// `False` where it is reached over TLS and does not have to prove who it is.
        ssl_verify: "ssl_verify" => Value,
        /// Of a proxy alone, as what follows: its `host:port`.
        proxy: "proxy" => Value,
        /// How it is spoken to: `http`, `https`, `socks5` or `socks5h`.
        scheme: "scheme" => Value,
        /// The names of the endpoints that are reached through it.
        endpoints: "endpoints" => Value,
        /// When an answer came through it last, as RFC 3339 has it.
        last_success_at: "last_success_at" => Value,
    }
}

record! {
    /// A failure that was the endpoint's.
    ///
    /// >>> LastError.from_dict({"code": "upstream_failure", "message": "eu answered 503", "seconds_ago": 7}).code
    /// 'upstream_failure'
    LastError in "llm_proxy.types" {
        /// The error's code.
        code: "code" => Value,
        /// What happened.
        message: "message" => Value,
        /// How long ago it was, in seconds.
        seconds_ago: "seconds_ago" => Value,
    }
}

record! {
    /// How long answers took, in milliseconds; `None` without any.
    ///
    /// >>> Latency.from_dict({"p50": 310.5, "p95": 1240.0}).p50
    /// 310.5
    Latency in "llm_proxy.types" {
        /// Half of them took no longer.
        p50: "p50" => Value,
        /// Nineteen of twenty took no longer.
        p95: "p95" => Value,
    }
}

answer! {
    /// What was found about one endpoint.
    ///
    /// >>> report = DoctorReport.from_dict({"endpoint": "eu", "verdict": "failed", "steps": [
    /// ...     {"step": "dns", "verdict": "failed", "ms": 12.3, "detail": "llm.example has no address"}]})
    /// >>> [step.detail for step in report.steps if step.verdict == "failed"]
    /// ['llm.example has no address']
    DoctorReport in "llm_proxy.types" {
        /// Its name.
        endpoint: "endpoint" => Value,
        /// What it is and where.
        about: "about" => Value,
        /// The worst of its steps: `ok`, `warning` or `failed`.
        verdict: "verdict" => Value,
        /// In order; those that do not apply are left out.
        steps: "steps" => Many(DoctorStep::class),
    }
}

record! {
    /// One thing that was looked at.
    ///
    /// >>> DoctorStep.from_dict({"step": "tls", "verdict": "ok", "ms": 31.0, "detail": "TLS 1.3"}).detail
    /// 'TLS 1.3'
    DoctorStep in "llm_proxy.types" {
        /// `configuration`, `secrets`, `dns`, `tcp`, `proxy_tls`, `proxy_connect`, `proxy_auth`, `tls`, `http`,
        /// `credentials`, `model`, `completion` or `streaming`.
        step: "step" => Value,
        /// `ok`; `warning`: it works, or may work; `failed`; `skipped`: the detail says why.
        verdict: "verdict" => Repeated,
        /// How long it took, in milliseconds.
        ms: "ms" => Value,
        /// What was found.
        detail: "detail" => Value,
        /// What to change, where something is wrong.
        advice: "advice" => Value,
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Health>()?;
    module.add_class::<EndpointHealth>()?;
    module.add_class::<LastError>()?;
    module.add_class::<Latency>()?;
    module.add_class::<DoctorReport>()?;
    module.add_class::<DoctorStep>()
}
