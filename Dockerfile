# The packtrain image: one binary with every feature, and nothing that it does not need.
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t packtrain:0.1.0 .
#
# Run it with a read-only root file system: it writes below /var/lib/packtrain (a volume, or nothing
# there when artefacts lie in S3) and /tmp (a tmpfs). docs/fleet.md has the whole task.

# The stage that builds runs on the builder's own processor only where the target is the same; for
# the other one the builder emulates it.
FROM rust:1.94.1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release -p packtrain

FROM debian:12.12-slim AS run
# Numbers, so that a service can check that it is not root without a list of users.
RUN mkdir -p /var/lib/packtrain && chown 65532:65532 /var/lib/packtrain
COPY --from=build /src/target/release/packtrain /usr/local/bin/packtrain
COPY --from=build /src/LICENSE-MIT /src/LICENSE-APACHE /usr/share/doc/packtrain/
ENV PACKTRAIN_DATA_DIR=/var/lib/packtrain \
    PACKTRAIN_PG_FETCH=false \
    PACKTRAIN_LOG_FORMAT=json \
    PACKTRAIN_API_LISTEN=0.0.0.0:7800 \
    PACKTRAIN_METRICS_LISTEN=127.0.0.1:9464
WORKDIR /var/lib/packtrain
USER 65532:65532
EXPOSE 7800
STOPSIGNAL SIGTERM
# Of the API; for a worker the task says `packtrain health --part worker`.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
    CMD ["packtrain", "health", "--part", "api", "--quiet"]
ENTRYPOINT ["packtrain"]
CMD ["api"]
