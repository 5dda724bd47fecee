#!/usr/bin/env python3
"""What cameras cost the edge agent without inference: cameras.py SECONDS [COUNT ...]

For each COUNT (default 1 4 16 32) a server plays that many cameras over RTSP, each with a main stream (1920x1080, 25 a
second) that is kept for evidence and a sub stream (640x360, 25 a second) of which 5 pictures a second are analysed; the
agent runs with its detector off, and nobody enters its zones. Prints one JSON line per count.

`simulate` and `edge-agent` are taken from target/ship.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

seconds = float(sys.argv[1])
counts = [int(word) for word in sys.argv[2:]] or [1, 4, 16, 32]
programs = pathlib.Path(__file__).resolve().parents[2] / "target/ship"
FPS = 5


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stat(pid):
    """CPU milliseconds, threads and resident MB of a process."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    status = open(f"/proc/{pid}/status").read()
    resident = int(re.search(r"VmRSS:\s*(\d+) kB", status)[1]) / 1024
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK"), int(fields[17]), resident


def counters(port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    found = lambda name: [float(v) for v in re.findall(rf"^shaodian_edge_camera_{name}(?:{{.*}})? (\S+)$", text, re.M)]
    names = ("units", "units_undecoded", "frames_decoded", "frames_analysed", "frames_dropped", "gaps")
    return {"running": sum(found("running")), **{name: sum(found(name + "_total")) for name in names}}


def wait(what, limit, condition, log=None):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.25)
    sys.exit(f"not within {limit} s: {what}\n{log.read_text()[-4000:] if log else ''}")


def measure(count, folder, clips):
    port, health = free_port(), free_port()
    mounts = [f"--mount=c{n}{kind}={clip}" for n in range(count) for kind, clip in clips.items()]
    toml = f'[agent]\ndata_dir = "{folder}/data-{count}"\n[detector]\nenabled = false\n'
    toml += f'[health]\nlisten = "127.0.0.1:{health}"\n'
    for n in range(count):
        toml += f'[[camera]]\nid = "c{n}"\nurl = "rtsp://127.0.0.1:{port}/c{n}main"\n'
        toml += f'sub_url = "rtsp://127.0.0.1:{port}/c{n}sub"\nanalysis_fps = {FPS}\n'
        toml += '[[camera.zones]]\nid = "corner"\npolygon = [[0.0, 0.0], [0.01, 0.0], [0.01, 0.01]]\n'
        toml += '[[camera.rules]]\nid = "corner"\nkind = "intrusion"\nzone = "corner"\n'
    config = folder / "edge.toml"
    config.write_text(toml)
    started = []
    try:
        server = subprocess.Popen(
            [programs / "simulate", "rtsp", f"--listen=127.0.0.1:{port}", *mounts],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=open(folder / "server.log", "w"),
        )
        started.append(server)
        wait("the RTSP server", 60, lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None)
        agent = subprocess.Popen(
            [programs / "edge-agent", "--config", config, "run"],
            stdout=subprocess.DEVNULL, stderr=open(folder / "agent.log", "w"),
        )
        started.append(agent)
        wait("all cameras", 60, lambda: counters(health)["running"] == count, folder / "agent.log")
        # Rings full, bursts of the beginning over.
        time.sleep(14)
        before, (cpu, _, _), began = counters(health), stat(agent.pid), time.monotonic()
        served = stat(server.pid)[0]
        time.sleep(seconds)
        (cpu_after, threads, resident), took = stat(agent.pid), time.monotonic() - began
        served = stat(server.pid)[0] - served
        after = counters(health)
    finally:
        for program in reversed(started):
            program.send_signal(signal.SIGTERM)
            program.wait(30)
    grown = {name: after[name] - before[name] for name in after}
    return {
        "cameras": count,
        "cpu_percent_of_core": round((cpu_after - cpu) / took / 10, 1),
        "cpu_percent_of_machine": round((cpu_after - cpu) / took / 10 / os.cpu_count(), 1),
        "resident_mb": round(resident),
        "threads": threads,
        "kept_per_second": round(grown["units"] / took / count, 1),
        "decoded_per_second": round(grown["frames_decoded"] / took / count, 1),
        "analysed_per_second": round(grown["frames_analysed"] / took / count, 2),
        "dropped": int(grown["frames_dropped"] + grown["units_undecoded"]),
        "interrupted": int(grown["gaps"]),
        "server_percent_of_core": round(served / took / 10, 1),
    }


with tempfile.TemporaryDirectory(prefix="shaodian-cameras-") as name:
    folder = pathlib.Path(name)
    clips = {}
    for kind, width, height in (("main", 1920, 1080), ("sub", 640, 360)):
        clips[kind] = folder / f"{kind}.mp4"
        size = [f"--width={width}", f"--height={height}", "--fps=25", "--seconds=10", "--seed=1"]
        subprocess.run([programs / "simulate", "scene", f"--out={clips[kind]}", *size], check=True, stdout=sys.stderr)
    resident = None
    for count in counts:
        row = measure(count, folder, clips)
        row["main_mbit_s"] = round(clips["main"].stat().st_size * 8 / 10 / 1e6, 1)
        if resident:
            row["mb_per_added_camera"] = round((row["resident_mb"] - resident[1]) / (count - resident[0]), 1)
        resident = (count, row["resident_mb"])
        print(json.dumps(row), flush=True)
