# leat: one image with all programs. Alone it runs the whole stack:
#     docker run --init -p 127.0.0.1:8080:8080 -v leat:/data leat
# docker-compose.yml runs each part in a container of its own.
FROM debian:bookworm-slim AS build
# libmsgpack-dev brings the headers of Boost for its C++ side: two thirds of all files here, and none is read.
RUN echo 'path-exclude /usr/include/boost/*' > /etc/dpkg/dpkg.cfg.d/no-boost \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev make libczmq-dev libzmq3-dev \
        libmsgpack-dev libdb5.3-dev libmicrohttpd-dev libyajl-dev libcurl4-openssl-dev libssl-dev libxxhash-dev \
        zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make -j"$(nproc)" all \
 && install -s -D -t /out/bin build/leat build/leat-gateway build/leat-queue build/leat-worker \
 && install -m 644 -D -t /out/share/doc/leat LICENSE

FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libczmq4 libzmq5 libdb5.3 libmicrohttpd12 libyajl2 \
        libcurl4 libssl3 libxxhash0 zlib1g \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /var/log/alternatives.log \
 && groupadd --gid 10001 leat && useradd --uid 10001 --gid leat --home-dir /data --no-create-home --shell /usr/sbin/nologin leat \
 && install -d -o leat -g leat -m 700 /data
COPY --from=build /out /usr/local
ENV LEAT_DATA=/data LEAT_LISTEN=0.0.0.0:8080 LEAT_LOG_FORMAT=json
USER leat
WORKDIR /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["leat", "probe", "http://127.0.0.1:8080/readyz"]
# Log lines go to standard error, where they do not mix with answers; whoever collects them from a container expects them on standard output.
ENTRYPOINT ["/bin/sh", "-c", "exec \"$@\" 2>&1", "sh"]
CMD ["leat", "up"]
