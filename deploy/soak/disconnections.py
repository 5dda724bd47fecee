#!/usr/bin/env python3
"""Memory of the edge agent over many lost connections: disconnections.py COUNT

Ten cameras lose their connections, all at once, again and again, until COUNT disconnections are behind them; each time
all have to be back. Prints one JSON line with the resident memory after 200 and after COUNT, each with full rings.

`simulate` and `edge-agent` are taken from target/release.
"""

import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

count = int(sys.argv[1])
programs = pathlib.Path(__file__).resolve().parents[2] / "target/release"
CAMERAS = 10
FIRST = min(200, count)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def gaps(port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return [float(v) for v in re.findall(r"^shaodian_edge_camera_gaps_total(?:{.*})? (\S+)$", text, re.M)]


def resident_mb(pid):
    """After rings have filled and the agent has given freed memory back, which it does once a minute."""
    time.sleep(75)
    status = open(f"/proc/{pid}/status").read()
    return round(int(re.search(r"VmRSS:\s*(\d+) kB", status)[1]) / 1024, 1)


def wait(what, condition):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"not within 120 s: {what}")


with tempfile.TemporaryDirectory(prefix="shaodian-disconnections-") as name:
    folder = pathlib.Path(name)
    clip, port, health = folder / "clip.mp4", free_port(), free_port()
    drawing = [programs / "simulate", "scene", f"--out={clip}", "--width=640", "--height=360", "--seconds=3"]
    subprocess.run(drawing, check=True, stdout=sys.stderr)
    toml = f'[agent]\ndata_dir = "{folder}/data"\n[detector]\nenabled = false\n[health]\nlisten = "127.0.0.1:{health}"\n'
    for n in range(CAMERAS):
        toml += f'[[camera]]\nid = "c{n}"\nurl = "rtsp://127.0.0.1:{port}/c{n}"\n'
    config = folder / "edge.toml"
    config.write_text(toml)
    mounts = [f"--mount=c{n}={clip}" for n in range(CAMERAS)]
    server = subprocess.Popen(
        [programs / "simulate", "rtsp", f"--listen=127.0.0.1:{port}", *mounts],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=open(folder / "server.log", "w"), text=True,
    )
    agent = subprocess.Popen(
        [programs / "edge-agent", "--config", config, "run"],
        stdout=subprocess.DEVNULL, stderr=open(folder / "agent.log", "w"),
    )
    try:
        done, at, began = 0, {}, time.monotonic()
        wait("all cameras", lambda: len(gaps(health)) == CAMERAS and min(gaps(health)) >= 1)
        while done < count:
            before = gaps(health)
            for n in range(CAMERAS):
                server.stdin.write(f"kill c{n}\n")
            server.stdin.flush()
            wait("all cameras to be back", lambda: all(b > a for a, b in zip(before, gaps(health))))
            done += CAMERAS
            if done in (FIRST, count):
                at[done] = resident_mb(agent.pid)
        print(json.dumps({
            "disconnections": done,
            "cameras": CAMERAS,
            "resident_mb_after_200": at.get(FIRST),
            "resident_mb_at_the_end": at.get(count),
            "minutes": round((time.monotonic() - began) / 60, 1),
        }))
    finally:
        for program in (agent, server):
            program.send_signal(signal.SIGTERM)
            program.wait(30)
