# The service's image. Nothing secret goes in; every setting comes from LLM_PROXY__… at run time.
# Works with the classic builder and with BuildKit.

FROM rust:1.95-slim-bookworm AS builder
WORKDIR /build

# The dependencies alone, with empty crates in place of ours: this layer, the slow one, is rebuilt
# only when a manifest changes. Every workspace member is named here, because cargo reads them all.
# rust-toolchain.toml stays out: it would make rustup fetch what the base image already has.
COPY Cargo.toml Cargo.lock ./
COPY service/Cargo.toml service/
COPY bindings/Cargo.toml bindings/
COPY tests/support/Cargo.toml tests/support/
COPY bench/Cargo.toml bench/
COPY chaos/Cargo.toml chaos/
COPY fuzz/Cargo.toml fuzz/
RUN for member in service bindings tests/support bench chaos fuzz; do \
        mkdir -p $member/src && touch $member/src/lib.rs && echo 'fn main() {}' > $member/src/main.rs; \
    done \
    && cargo build --release --locked -p llm-proxy --bin llm-proxy \
    && cargo clean --release --locked -p llm-proxy

COPY service/ service/
RUN cargo build --release --locked -p llm-proxy --bin llm-proxy

FROM debian:bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="llm-proxy" \
      org.opencontainers.image.description="Reaches any LLM through LiteLLM, natively or mocked, with honest SSE streams" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"

# A fixed uid, so that Kubernetes' runAsNonRoot and the owners of mounted files can name it.
RUN groupadd --gid 10001 llm-proxy \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin llm-proxy

# The public roots, as one file. A company's own CA: mount a bundle and point SSL_CERT_FILE at it.
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /build/target/release/llm-proxy /usr/local/bin/llm-proxy

WORKDIR /etc/llm-proxy
USER 10001:10001

# Inside a container loopback reaches nobody. With this address the service refuses to start until
# LLM_PROXY__INTERNAL_API_KEY is set.
ENV LLM_PROXY__HOST=0.0.0.0
EXPOSE 8002

# Asks the service itself on LLM_PROXY__PORT, so the image needs no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["llm-proxy", "healthcheck"]

# SIGTERM, Docker's default, drains for LLM_PROXY__DRAIN_TIMEOUT_S (30 s): give `docker stop -t` more.
ENTRYPOINT ["llm-proxy"]
