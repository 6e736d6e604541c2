//! TLS with an endpoint: what its certificate says.

use std::time::{Duration, SystemTime};

use super::examination::Found;
use super::patient::Patient;
use crate::domain::timestamp::rfc3339_seconds;
use crate::outbound::socket::Socket;
use crate::outbound::tls;
use crate::outbound::tls::shown::{Shown, shown};

/// A certificate that ends sooner is warned about.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

impl Patient<'_> {
    /// The handshake, and a look at the certificate.
    pub(super) async fn tls(self, socket: Socket) -> Found<()> {
        let options = &self.endpoint.egress.tls;
        let spoken = tls::with_target(socket, &self.endpoint.url, options, self.proxy());
        match self.in_time("tls_error", spoken).await {
            Ok(tls) => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                shown(&tls).map_or_else(|| Found::ok("TLS", ()), |shown| self.judged(&shown, now))
            }
            Err(error) => Found::error(self, &error),
        }
    }

    fn judged(self, shown: &Shown, now: Duration) -> Found<()> {
        let Shown { version, issuer, ends } = shown;
        let until = rfc3339_seconds(*ends);
        let told = format!("{version}, a certificate of {issuer}, good until {until}");
        if !self.endpoint.egress.tls.verify {
            let (verify, ca) = (self.place.way("ssl_verify"), self.place.way("ca_file"));
            let advice = format!("Put the authority that issued it into {ca} and take {verify} away.");
            return Found::warning(
                format!("{told}, not verified: whoever stands between can read along"),
                advice,
                (),
            );
        }
        if *ends < now + SOON {
            let advice = format!("Have the certificate of {} renewed.", self.endpoint.url.authority);
            return Found::warning(told, advice, ());
        }
        Found::ok(told, ())
    }
}
