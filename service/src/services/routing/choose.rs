//! The order in which a model's endpoints are asked.
//! Source: <https://docs.litellm.ai/docs/routing>

use super::Hop;
use crate::domain::model::Strategy;

/// A random number from 0 to 1; a parameter, so that tests may decide.
pub type Random<'a> = &'a mut dyn FnMut() -> f64;

/// The hops in the order in which they are asked: by `order`, and within one order by the strategy.
pub fn ordered(mut hops: Vec<Hop>, strategy: Strategy, random: Random<'_>) -> Vec<Hop> {
    if hops.len() < 2 && strategy != Strategy::UsageBased {
        return hops;
    }
    shuffle(&mut hops, random);
    match strategy {
        Strategy::SimpleShuffle => {}
        Strategy::LeastBusy => hops.sort_by_key(|hop| hop.load.in_flight()),
        Strategy::LatencyBased => hops.sort_by_key(|hop| hop.load.latency()),
        Strategy::UsageBased => {
            hops.retain(has_room);
            hops.sort_by(|a, b| used_part(a).total_cmp(&used_part(b)));
        }
    }
    hops.sort_by_key(|hop| hop.endpoint.share.order.unwrap_or(u32::MAX));
    hops
}

/// At random, each endpoint as often in front as its weight says.
fn shuffle(hops: &mut [Hop], random: Random<'_>) {
    let weights = weights(hops);
    // Efraimidis and Spirakis: sorting by random^(1/weight) draws by weight without putting back.
    let mut keyed: Vec<(f64, Hop)> = hops
        .iter()
        .zip(weights)
        .map(|(hop, weight)| {
            let key = if weight > 0.0 { random().powf(1.0 / weight) } else { -random() };
            (key, hop.clone())
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    for (slot, (_, hop)) in hops.iter_mut().zip(keyed) {
        *slot = hop;
    }
}

/// `weight` where one endpoint has it, else `rpm`, else `tpm`; without any, all the same.
fn weights(hops: &[Hop]) -> Vec<f64> {
    let by: [fn(&Hop) -> Option<f64>; 3] = [
        |hop| hop.endpoint.share.weight,
        |hop| as_float(hop.endpoint.share.rpm),
        |hop| as_float(hop.endpoint.share.tpm),
    ];
    let chosen = by.into_iter().find(|weight| hops.iter().any(|hop| weight(hop).is_some()));
    hops.iter().map(|hop| chosen.map_or(1.0, |weight| weight(hop).unwrap_or(0.0))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
fn as_float(limit: Option<u64>) -> Option<f64> {
    limit.map(|limit| limit as f64)
}

/// Whether its limits leave room for one more request in this minute.
fn has_room(hop: &Hop) -> bool {
    let (requests, tokens) = hop.load.used();
    let share = &hop.endpoint.share;
    share.rpm.is_none_or(|limit| requests < limit) && share.tpm.is_none_or(|limit| tokens < limit)
}

/// The part of its limit that it used in this minute: of tokens, else of requests; without limits, the
/// tokens themselves count least.
fn used_part(hop: &Hop) -> f64 {
    let (requests, tokens) = hop.load.used();
    let share = &hop.endpoint.share;
    let part = |used: u64, limit: Option<u64>| Some(as_float(Some(used))? / as_float(limit)?.max(1.0));
    part(tokens, share.tpm)
        .or_else(|| part(requests, share.rpm))
        .or_else(|| part(tokens, Some(u64::MAX)))
        .unwrap_or(0.0)
}
