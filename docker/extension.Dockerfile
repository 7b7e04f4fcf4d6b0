# pg_nae alone, as CloudNativePG mounts it: /lib and /share/extension, no system, no shell (docs/kubernetes.md).
#   NAE_PG_MAJORS="15 18" make packages
#   docker build -f docker/extension.Dockerfile --build-arg PG_MAJOR=18 -t nae/extension:18-0.2.0-bookworm .
FROM debian:12-slim AS files
ARG PG_MAJOR=18
COPY build/packages/postgresql-${PG_MAJOR}-pg-nae_*.deb /tmp/packages/
RUN dpkg -x /tmp/packages/*.deb /tmp/files \
 && mkdir -p /tmp/image/licenses /tmp/image/lib /tmp/image/share/extension \
 && cp /tmp/files/usr/share/doc/postgresql-${PG_MAJOR}-pg-nae/copyright /tmp/image/licenses/ \
 && cp /tmp/files/usr/lib/postgresql/${PG_MAJOR}/lib/pg_nae.so /tmp/image/lib/ \
 && cp /tmp/files/usr/share/postgresql/${PG_MAJOR}/extension/pg_nae* /tmp/image/share/extension/

# Mounted below /extensions/pg-nae, for PostgreSQL 18 or later.
FROM scratch
COPY --from=files /tmp/image/ /
USER 65532:65532
