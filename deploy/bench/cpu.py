#!/usr/bin/env python3
"""CPU of one running edge agent per analysed frame: cpu.py PID METRICS-ADDRESS SECONDS"""

import os
import re
import sys
import time
import urllib.request

pid, metrics, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])


def cpu_ms():
    """User and system time of the process, all its threads."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def counters():
    """name → sum over labels of each counter."""
    sums = {}
    for line in urllib.request.urlopen(metrics, timeout=5).read().decode().splitlines():
        found = re.match(r"(\w+_total)(?:\{.*\})? ([0-9.e+]+)$", line)
        if found:
            sums[found[1]] = sums.get(found[1], 0) + float(found[2])
    return sums


time.sleep(5)  # start-up is not part of a frame's cost
before, spent = counters(), cpu_ms()
time.sleep(seconds)
after, spent = counters(), cpu_ms() - spent
grown = {name: after[name] - before.get(name, 0) for name in after}
frames = grown.get("shaodian_edge_frames_analysed_total", 0)
looks = grown.get("shaodian_edge_detector_frames_total", 0)
if not frames:
    sys.exit(f"no frame was analysed; counters that grew: {sorted(n for n in grown if grown[n])}")
print(f"edge-agent: {frames:.0f} frames analysed, {looks:.0f} of them looked at by the detector, {spent:.0f} ms CPU, {spent / frames:.2f} ms per frame")
