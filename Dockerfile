# tokenjoule as an image of one file:
#
#   docker build -t tokenjoule .
#   docker run --rm tokenjoule analyze --model=llama-3.1-8b --hardware=h100-sxm
#
# With --target=full the image holds the whole binary with its libraries, i.e.
# also what has no static library (docs/install.md lists it).

FROM debian:12-slim AS build
WORKDIR /src
# The packages first, so that a change of the sources does not install them anew.
COPY WORKSPACE ./
COPY tools/bazel tools/
RUN CI=true ./tools/bazel version && rm -rf /var/lib/apt/lists
COPY . .
RUN ./tools/bazel build //tools:tokenjoule //tools:tokenjoule_static \
    && strip -o /usr/local/bin/tokenjoule bazel-bin/tools/tokenjoule \
    && strip -o /tokenjoule bazel-bin/tools/tokenjoule_static \
    # The notices that the licences of its parts ask for.
    && bazel-bin/tools/tokenjoule licenses --text --out=/NOTICES.full \
    && bazel-bin/tools/tokenjoule_static licenses --text --out=/NOTICES \
    # The libraries that the whole binary names, but for those of the C library.
    && mkdir /libraries \
    && ldd /usr/local/bin/tokenjoule \
       | awk '$3 ~ "^/" && $3 !~ "/lib(c|m|dl|rt|pthread)[.]so" { print $3 }' \
       | xargs cp -L -t /libraries \
    # And the licences of the packages that they are of.
    && mkdir /copyright \
    && ldd /usr/local/bin/tokenjoule | awk '$3 ~ "^/" { print $3 }' | xargs -n 1 readlink -f \
       | while read -r library; do \
           dpkg -S "$library" 2> /dev/null || dpkg -S "${library#/usr}"; done \
       | cut -d: -f1 | sort -u \
       | while read -r package; do \
           cp "/usr/share/doc/$package/copyright" "/copyright/$package"; done

FROM debian:12-slim AS full
COPY --from=build /libraries/ /usr/local/lib/
COPY --from=build /usr/local/bin/tokenjoule /usr/local/bin/
RUN ldconfig
COPY LICENSE /usr/share/doc/tokenjoule/
COPY --from=build /NOTICES.full /usr/share/doc/tokenjoule/NOTICES
COPY --from=build /copyright/ /usr/share/doc/tokenjoule/libraries/
WORKDIR /work
ENTRYPOINT ["tokenjoule"]

FROM scratch
COPY --from=build /tokenjoule /NOTICES /
COPY LICENSE /
WORKDIR /work
ENTRYPOINT ["/tokenjoule"]
