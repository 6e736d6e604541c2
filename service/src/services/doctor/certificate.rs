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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::report::Verdict;
    use super::super::testing;
    use super::*;
    use crate::domain::egress::{Egress, TlsOptions};
    use rstest::rstest;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[rstest]
    #[case::good_for_long(true, 90, Verdict::Ok)]
    #[case::ending_soon(true, 13, Verdict::Warning)]
    #[case::believed_without_proof(false, 90, Verdict::Warning)]
    fn a_certificate_is_judged_by_its_end_and_by_whether_it_was_verified(
        #[case] verify: bool,
        #[case] days: u32,
        #[case] expected: Verdict,
    ) {
        let mut endpoint = testing::endpoint("https://llm.test");
        let tls = Arc::new(TlsOptions { verify, ..TlsOptions::default() });
        endpoint.egress = Arc::new(Egress { tls, ..Egress::default() });
        let now = 20_000 * DAY;
        let shown = Shown { version: "TLS 1.3", issuer: "CN=Test CA".to_owned(), ends: now + days * DAY };
        let Found { verdict, detail, advice, .. } = testing::patient(&endpoint).judged(&shown, now);
        assert_eq!(verdict, expected, "{detail}");
        assert!(detail.starts_with("TLS 1.3, a certificate of CN=Test CA, good until 2024-"), "{detail}");
        assert_eq!(advice.is_some(), verdict == Verdict::Warning);
    }
}
