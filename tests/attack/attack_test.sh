#!/usr/bin/env bash
# Some ten seconds of random questions, everywhere the same ones as far as the time
# goes.
exec "$1" --seconds=10 --questions=1500 --seed=1
