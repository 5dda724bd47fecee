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


def metrics_now():
    """name → sum over its labels."""
    sums = {}
    for line in urllib.request.urlopen(metrics, timeout=5).read().decode().splitlines():
        found = re.match(r"(shaodian_edge_\w+)(?:\{.*\})? ([0-9.e+-]+)$", line)
        if found:
            sums[found[1]] = sums.get(found[1], 0) + float(found[2])
    return sums


time.sleep(5)  # start-up is not part of a frame's cost
before, spent, began = metrics_now(), cpu_ms(), time.monotonic()
rates = []
while time.monotonic() - began < seconds:
    time.sleep(1)
    rates.append(metrics_now().get("shaodian_edge_camera_frame_rate", 0))
passed, spent = time.monotonic() - began, cpu_ms() - spent
# What arrives for analysis is all analysed: the gate looks at each, the detector at those where something moves.
frames = passed * sum(rates) / len(rates)
looks = metrics_now().get("shaodian_edge_detector_frames_total", 0) - before.get("shaodian_edge_detector_frames_total", 0)
if frames < 1:
    sys.exit("no frame was analysed; is the camera running?")
print(
    f"edge-agent: {frames:.0f} frames analysed in {passed:.0f} s, the detector looked at {looks:.0f} of them,"
    f" {spent:.0f} ms CPU, {spent / frames:.2f} ms per frame"
)
