#!/usr/bin/env python3
"""CPU and memory of one running edge agent while it watches: cpu.py PID METRICS-ADDRESS SECONDS

Prints one JSON line. The frames are the agent's own monotonic counters: what its motion gate analysed, and what its
detector looked at.
"""

import json
import os
import re
import sys
import time
import urllib.request

pid, address, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])


def cpu_ms():
    """User and system time of the process, all its threads."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def peak_mb():
    return int(re.search(r"VmHWM:\s*(\d+) kB", open(f"/proc/{pid}/status").read())[1]) // 1024


def frames():
    """How many frames were analysed and inferred so far, over all cameras."""
    text = urllib.request.urlopen(address, timeout=10).read().decode()
    total = lambda name: sum(
        float(value) for value in re.findall(rf"^shaodian_edge_camera_frames_{name}_total(?:{{.*}})? (\S+)$", text, re.M)
    )
    return int(total("analysed")), int(total("inferred"))


deadline = time.monotonic() + 60
while frames()[0] < 25:  # start-up is not part of a frame's cost
    if time.monotonic() > deadline:
        sys.exit("no frame was analysed within 60 s; is the camera running?")
    time.sleep(0.5)

(analysed, inferred), spent = frames(), cpu_ms()
time.sleep(seconds)
(analysed_after, inferred_after), spent_after = frames(), cpu_ms()
analysed, inferred, spent = analysed_after - analysed, inferred_after - inferred, spent_after - spent
if analysed < 1:
    sys.exit("no frame was analysed while measuring; is the camera still running?")
print(
    json.dumps(
        {
            "analysed": analysed,
            "inferred": inferred,
            "cpu_ms": round(spent),
            "cpu_ms_per_frame": round(spent / analysed, 2),
            "peak_mb": peak_mb(),
        }
    )
)
