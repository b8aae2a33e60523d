# Trunkline in a container: docker build -t trunkline . (docs/operations.md says how to run it).
# It runs as a user of its own and writes to /data and /tmp alone, so the rest may be read-only.

FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE THIRD_PARTY.md ./
COPY bot bot
COPY adapters adapters
COPY commands commands
RUN ["python", "-m", "venv", "/opt/trunkline"]
RUN ["/opt/trunkline/bin/pip", "install", "--no-cache-dir", ".[telegram,discord,slack,mattermost,mcp,cluster,metrics,otel,fast]"]
# Nothing is installed into it any more.
RUN ["/opt/trunkline/bin/pip", "uninstall", "--yes", "pip", "setuptools"]

FROM python:3.11-slim
RUN ["useradd", "--system", "--uid", "10001", "--home-dir", "/data", "--shell", "/usr/sbin/nologin", "trunkline"]
# A new volume takes its owner and its rights from here.
RUN ["install", "--directory", "--owner", "10001", "--group", "10001", "--mode", "0700", "/data"]
COPY --from=build /opt/trunkline /opt/trunkline
ENV PATH="/opt/trunkline/bin:/usr/local/bin:/usr/bin:/bin" \
    PYTHONUNBUFFERED="1" \
    PYTHONDONTWRITEBYTECODE="1" \
    HOME="/data" \
    TRUNKLINE_HOME="/data" \
    PORT="7440"
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 7440
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
# No shell in between: the signal to stop reaches the program, which drains.
ENTRYPOINT ["trunkline"]
CMD ["up", "--no-browser"]
