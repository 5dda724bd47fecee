#!/usr/bin/env python3
"""How long after its cause a page hears of an incident: latency.py HUB TOKEN SECONDS

Follows the hub's live feed as a page does. For each new incident of a camera it takes the time between the capture
of the frame that began it (`started_at`, box clock; here the same machine's) and the arrival of the change here.
"""

import json
import sys
import threading
import time
import urllib.request

hub, token, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
headers = {"Authorization": f"Bearer {token}"}


def get(path, timeout=5):
    return urllib.request.urlopen(urllib.request.Request(hub + path, headers=headers), timeout=timeout)


def incidents():
    """incident id → start of every camera incident that the hub knows."""
    found = {}
    for case in json.load(get("/api/v1/cases?limit=50"))["cases"]:
        if case.get("camera_id"):
            whole = json.load(get(f"/api/v1/cases/{case['number']}"))
            for incident in whole.get("incidents", []):
                found[incident["incident_id"]] = incident["started_at"]
    return found


def main():
    known, latencies = set(incidents()), []
    stream = get("/api/v1/changes", timeout=seconds + 60)
    threading.Timer(seconds, lambda: stream.fp.raw._sock.shutdown(2)).start()
    try:
        for line in stream:
            if not line.startswith(b"data:"):
                continue
            heard = time.time() * 1000
            for incident, started in incidents().items():
                if incident not in known:
                    known.add(incident)
                    latencies.append(heard - started)
    except (OSError, ValueError):
        pass
    latencies.sort()
    if not latencies:
        sys.exit("no incident arose in the time given")
    at = lambda share: latencies[min(len(latencies) - 1, int(share * len(latencies)))]
    print(f"{len(latencies)} incidents: median {at(0.5):.0f} ms, 90th percentile {at(0.9):.0f} ms, longest {latencies[-1]:.0f} ms")


main()
