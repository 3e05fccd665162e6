# The packtrain image: one binary with every feature, and nothing that it does not need.
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t packtrain:0.1.0 .
#
# Run it with a read-only root file system: it writes below /var/lib/packtrain and /tmp (a tmpfs).
# The former is a volume where artefacts lie in the folder. Where they lie in S3 the API still puts
# uploads over 8 MiB there until their hash is known: 64 MiB for each at once, on a disk of its own
# task, which needs no keeping; a tmpfs counts as the task's memory. docs/fleet.md has the whole task.

# The stage that builds runs on the builder's own processor only where the target is the same; for
# the other one the builder emulates it.
FROM rust:1.94.1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release -p packtrain

FROM debian:12.12-slim AS run
# Numbers, so that a service can check that it is not root without a list of users.
RUN mkdir -p /var/lib/packtrain && chown 65532:65532 /var/lib/packtrain
# Whom to trust on the way to AWS: the SDK takes the system's roots and brings none along.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
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
# Of whichever part runs here: the API answers at 7800, a worker or scheduler at 9464. It asks whether
# the process lives, not whether its database is there: no new start would mend that.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
    CMD ["packtrain", "health", "--quiet"]
ENTRYPOINT ["packtrain"]
CMD ["api"]
