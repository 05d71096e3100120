# The server and its client, with the demo models and the libraries that they link, and nothing else: no shell, no package
# manager. What it is run with is in deploy/README.md.
#
#   docker build -t attentiond .
#   docker run --rm --read-only --cap-drop ALL -p 8001:8001 -p 8002:8002 attentiond
FROM debian:trixie-slim AS build
WORKDIR /source
# oneDNN, SentencePiece and ccache's objects outlive the build in the engine's cache: the second scripts/setup finds them, or
# makes them again where the cache was emptied.
COPY scripts/setup scripts/onednn scripts/sentencepiece scripts/debian-source scripts/
RUN --mount=type=cache,id=attentiond-cache,target=/root/.cache scripts/setup
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY proto proto
COPY core core
COPY client client
COPY server server
RUN --mount=type=cache,id=attentiond-cache,target=/root/.cache scripts/setup \
 && cmake --preset release -DATTENTIOND_TESTS=OFF \
 && cmake --build --preset release --target attentiond attention-client
COPY scripts/image-root scripts/
RUN scripts/image-root /image build/release/bin/attentiond build/release/bin/attention-client
COPY models /image/models

FROM scratch
LABEL org.opencontainers.image.title="attentiond" \
      org.opencontainers.image.description="Attention and transformer inference as a service, on CPUs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:trixie-slim"
COPY --from=build /image /
# A number: Kubernetes' runAsNonRoot cannot tell who a name is.
USER 65532:65532
WORKDIR /
ENV PATH=/usr/bin ATTENTIOND_HEALTH_LISTEN=0.0.0.0:8003
# gRPC, metrics, and health without TLS
EXPOSE 8001 8002 8003
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["attention-client", "health", "--address", "127.0.0.1:8003", "--timeout", "2"]
ENTRYPOINT ["attentiond"]
CMD ["--model-repository", "/models"]
