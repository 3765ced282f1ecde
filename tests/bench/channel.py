#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rounds of bench_channel in turns with UCX and iceoryx, where they are installed.

    tests/bench/channel.py BUILD [--rounds N] [--json FILE] [--svg FILE]

Each round takes every measure once, one after the other, so that what disturbs the machine
disturbs all of them alike. The figures are medians over the rounds; the ratios are taken within
each round, and then their median. Nothing passes or fails.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

RANKS = ('p50', 'p99', 'p99.9')
UCX_PORT = 13999


def run(command, timeout=150):
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True).stdout


def ours(build, what):
    line = run([f'{build}/tests/bench/bench_channel', what, '0', '1']).strip().splitlines()[-1]
    return json.loads(line)


def ucx(rank):
    """One-way latency of 64 bytes over the posix transport: UCX's own test, one percentile a run."""
    env = dict(os.environ, UCX_TLS='posix,self', UCX_WARN_UNUSED_ENV_VARS='n')
    common = ['ucx_perftest', '-f', '-p', str(UCX_PORT)]
    server = subprocess.Popen(common + ['-c', '1'], env=env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        out = subprocess.run(common + ['-c', '0', '127.0.0.1', '-t', 'tag_lat', '-s', '64', '-n', '100000',
                                       '-w', '1000', '-R', str(rank)],
                             env=env, capture_output=True, text=True, timeout=60, check=True).stdout
        server.wait(10)
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
    numbers = re.findall(r'[\d.]+', out.strip().splitlines()[-1])
    return float(numbers[1]) * 1000  # iterations, percentile in µs, averages


def iceoryx(build):
    program = f'{build}/tests/bench/peer_iceoryx'
    if not os.path.exists(program) or not shutil.which('iox-roudi'):
        return None
    roudi = subprocess.Popen(['iox-roudi', '-l', 'off'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1.5)
        return json.loads(run([program, '0', '1'], 60).strip().splitlines()[-1])
    finally:
        roudi.terminate()
        roudi.wait(10)


def one_round(build):
    result = {what: ours(build, what) for what in ('latency', 'rate', 'block', 'flat')}
    if shutil.which('ucx_perftest'):
        result['ucx'] = {name: ucx(rank) for name, rank in zip(RANKS, (50, 99, 99.9))}
    found = iceoryx(build)
    if found:
        result['iceoryx'] = found
    result['warm'] = ours(build, 'warm')
    return result


def median(rounds, pick):
    values = []
    for r in rounds:
        try:
            values.append(pick(r))
        except KeyError:
            pass
    return statistics.median(values) if values else None


def summary(rounds):
    out = {'rounds': len(rounds), 'cpus': os.cpu_count(), 'ns': {}, 'ratio': {}}
    for rank in RANKS:
        out['ns'][rank] = {
            'floor: one dirty cache line': median(rounds, lambda r: r['latency']['floor'][rank]),
            'Caisson': median(rounds, lambda r: r['latency']['caisson'][rank]),
            'UCX posix': median(rounds, lambda r: r['ucx'][rank]),
            'iceoryx': median(rounds, lambda r: r['iceoryx'][rank]),
            'futex ping-pong': median(rounds, lambda r: r['block']['futex'][rank]),
            'Caisson, blocking': median(rounds, lambda r: r['block']['caisson'][rank]),
        }
        out['ratio'][rank] = {
            'to the floor': median(rounds, lambda r: r['latency']['caisson'][rank] / r['latency']['floor'][rank]),
            'to UCX': median(rounds, lambda r: r['latency']['caisson'][rank] / r['ucx'][rank]),
            'to iceoryx': median(rounds, lambda r: r['latency']['caisson'][rank] / r['iceoryx'][rank]),
            'blocking, to futexes':
                median(rounds, lambda r: r['block']['caisson'][rank] / r['block']['futex'][rank]),
        }
    sizes = [k for k in rounds[0]['flat'] if k != 'what']
    out['flat'] = {size: median(rounds, lambda r: r['flat'][size]['p50']) for size in sizes}
    out['rate'] = {k: median(rounds, lambda r: r['rate'][k]) for k in ('p50', 'p90', 'best')}
    out['warm'] = median(rounds, lambda r: r['warm']['tensor'] / r['warm']['memset'])
    return out


def svg(result, path):
    """Bars of the medians, on a logarithmic scale, with their p99 as a thin line."""
    import math
    names = [n for n, v in result['ns']['p50'].items() if v]
    left, width, row = 210, 420, 30
    top = max(result['ns']['p99'][n] for n in names)
    low = 10.0

    def x(ns):
        return left + width * max(0.0, math.log(ns / low) / math.log(top * 1.5 / low))

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" '
             f'height="{row * len(names) + 60}" font-family="sans-serif" font-size="13">',
             '<!-- SPDX-License-Identifier: LGPL-2.1-or-later; drawn by tests/bench/channel.py -->',
             '<title>Hand-off of one tensor, one way</title>']
    for i, name in enumerate(names):
        p50, p99 = result['ns']['p50'][name], result['ns']['p99'][name]
        y = 10 + row * i
        fill = '#2b6cb0' if name.startswith('Caisson') else '#a0aec0'
        lines += [f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{name}</text>',
                  f'<rect x="{left}" y="{y}" width="{x(p50) - left:.1f}" height="20" fill="{fill}"/>',
                  f'<line x1="{x(p50):.1f}" x2="{x(p99):.1f}" y1="{y + 10}" y2="{y + 10}" stroke="#4a5568"/>',
                  f'<text x="{x(p99) + 6:.1f}" y="{y + 15}">{p50:.0f} ns</text>']
    lines += [f'<text x="{left}" y="{row * len(names) + 35}" fill="#4a5568">bar: median, line: to p99; '
              f'{result["rounds"]} rounds, logarithmic</text>', '</svg>']
    with open(path, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--json')
    parser.add_argument('--svg')
    args = parser.parse_args()
    rounds = []
    for number in range(args.rounds):
        try:
            rounds.append(one_round(args.build))
        except (subprocess.SubprocessError, ValueError, IndexError) as error:
            print(f'round {number}: {error}', file=sys.stderr)
    if not rounds:
        sys.exit('no round came to its end')
    result = summary(rounds)
    print(json.dumps(result, indent=1))
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as f:
            json.dump({'summary': result, 'rounds': rounds}, f, indent=1)
    if args.svg:
        svg(result, args.svg)


if __name__ == '__main__':
    main()
