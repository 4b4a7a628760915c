# Taskwright in a container. The sandbox works in it without further rights: Docker's and Podman's
# default profiles let Landlock and seccomp through (docs/security.md).
#
#     podman build -t taskwright .
#     podman run --rm taskwright doctor
FROM python:3.11-slim-bookworm

COPY . /src
RUN pip install --no-cache-dir /src -c /src/constraints.txt && rm -r /src

# Whoever runs it needs a home, whatever their id is: `trust` and caches are kept there.
ENV HOME=/home/taskwright
RUN mkdir -p /runs "$HOME" && chmod 1777 /runs "$HOME"
USER nobody
WORKDIR /
ENTRYPOINT ["taskwright"]
CMD ["doctor"]
