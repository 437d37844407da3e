# SPDX-License-Identifier: MIT
# Two images, both as a user without rights and for a root that is read-only:
#
#   docker build --target muster   -t muster .            the four programs and the files in schemas/
#   docker build --target provider -t muster-provider .   the stand-in provider of the demo and the tests
#
# The four programs share one image: they are a tenth of its size, the libraries below them are the same, and stages of two
# versions cannot meet by accident. The command says which one runs.

FROM debian:trixie-slim AS build
WORKDIR /src
# What building needs is said once, in tools/setup.
COPY tools/setup tools/setup
RUN tools/setup build
COPY CMakeLists.txt CMakePresets.json ./
COPY common common
COPY producer producer
COPY fetcher fetcher
COPY serializer serializer
COPY announcer announcer
COPY muster muster
COPY packaging packaging
# What --version names; git is not in here to be asked.
ARG MUSTER_COMMIT=
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr -DMUSTER_MANUAL=OFF -DMUSTER_COMMIT="$MUSTER_COMMIT" \
 && cmake --build --preset release
# After the compiler: a changed provider file is in a new image within a second.
COPY schemas schemas
RUN DESTDIR=/installed cmake --install build/release --strip --component programs

FROM debian:trixie-slim AS muster
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates \
        libbson-1.0-0t64 \
        libcurl4t64 \
        libmicrohttpd12t64 \
        libmongoc-1.0-0t64 \
        librdkafka1 \
        libyaml-0-2 \
        libyyjson0 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin muster
COPY --from=build /installed /
# A library that is missing above fails here, and not when it is needed. By number, so that an orchestrator sees that it is not root.
USER 10001:10001
RUN muster --version && muster-producer --version && muster-fetcher --version && muster-serializer --version \
 && muster-announcer --version
EXPOSE 9300
CMD ["muster", "--help"]

FROM debian:trixie-slim AS provider
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin provider
COPY --chmod=755 tests/provider /opt/provider
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["python3", "-B", "/opt/provider/server.py", "--host=0.0.0.0", "--port=8080"]
