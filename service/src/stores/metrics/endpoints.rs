//! How each endpoint is doing: gauges that are made when the page is asked for, so that an endpoint that is no
//! longer configured is no longer on it.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{EndpointLabels, PREFIX};
use crate::ports::EndpointState;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabels {
    endpoint: String,
    state: &'static str,
}

type Rates = Family<EndpointLabels, Gauge<f64, AtomicU64>>;

/// The gauges of `endpoints`.
pub fn registry(endpoints: &[EndpointState]) -> Registry {
    let (states, rates) = (Family::<StateLabels, Gauge>::default(), Rates::default());
    let (in_flight, failures) =
        (Family::<EndpointLabels, Gauge>::default(), Family::<EndpointLabels, Gauge>::default());
    let openings = Family::<EndpointLabels, Counter>::default();
    for told in endpoints {
        let labels = EndpointLabels { endpoint: told.endpoint.clone() };
        for (state, is_it) in &told.states {
            let labels = StateLabels { endpoint: told.endpoint.clone(), state };
            states.get_or_create(&labels).set(i64::from(*is_it));
        }
        rates.get_or_create(&labels).set(told.success_rate);
        in_flight.get_or_create(&labels).set(i64::try_from(told.in_flight).unwrap_or(i64::MAX));
        failures.get_or_create(&labels).set(i64::from(told.consecutive_failures));
        openings.get_or_create(&labels).inc_by(told.openings);
    }
    let mut r = Registry::with_prefix(PREFIX);
    r.register("endpoint_state", "1 for the state that an endpoint is in", states);
    r.register("endpoint_success_rate", "The part of its requests of five minutes that succeeded", rates);
    r.register("endpoint_in_flight", "Requests in flight at an endpoint", in_flight);
    r.register("endpoint_consecutive_failures", "Failures since the last success", failures);
    r.register("breaker_openings", "How often an endpoint was taken out", openings);
    r
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn every_endpoint_has_its_gauges() {
        let told = EndpointState {
            endpoint: "eu".to_owned(),
            states: vec![("healthy", false), ("open", true)],
            success_rate: 0.25,
            in_flight: 3,
            consecutive_failures: 5,
            openings: 2,
        };
        let mut page = String::new();
        encode(&mut page, &registry(&[told])).expect("a page");
        for line in [
            "llm_proxy_endpoint_state{endpoint=\"eu\",state=\"healthy\"} 0",
            "llm_proxy_endpoint_state{endpoint=\"eu\",state=\"open\"} 1",
            "llm_proxy_endpoint_success_rate{endpoint=\"eu\"} 0.25",
            "llm_proxy_endpoint_in_flight{endpoint=\"eu\"} 3",
            "llm_proxy_endpoint_consecutive_failures{endpoint=\"eu\"} 5",
            "llm_proxy_breaker_openings_total{endpoint=\"eu\"} 2",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }
}
