#!/usr/bin/env bash
# Ten seconds of random questions.
exec "$1" --seconds=10 --seed=1
