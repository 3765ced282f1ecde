#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What caisson doctor takes, in turns with a program that does nothing.

    tests/bench/doctor.py PREFIX [ROUNDS]

As whoever runs it: an ordinary user, where that user's answer is meant. Prints the medians and the
99th percentiles in milliseconds. Nothing passes or fails.
"""
import statistics
import subprocess
import sys
import time


def took(*command):
    start = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return (time.monotonic() - start) * 1000


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else 200
    times = {'doctor': [], 'true': []}
    for _ in range(rounds):
        times['doctor'].append(took(f'{sys.argv[1]}/bin/caisson', 'doctor'))
        times['true'].append(took('/bin/true'))
    for name, row in times.items():
        row.sort()
        print(f'{name}: median {statistics.median(row):.1f} ms, p99 {row[len(row) * 99 // 100]:.1f} ms')


main()
