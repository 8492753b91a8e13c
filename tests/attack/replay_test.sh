#!/usr/bin/env bash
# Every shipped file and every file of the corpora, and mutations of each: always the
# same ones.
exec "$1" --mutations="$2" --seed=1
