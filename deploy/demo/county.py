#!/usr/bin/env python3
"""Draws the demo county: one county, 4 communities, 41 grids, as GeoJSON on standard output; with --areas its tree of
areas as the sheet that `hub area import` takes.

Fictional names, and a place in the open country. The grids cover the county without gap or overlap: cells share
the very vertices of their common edges, also where a row of ten meets a row of eleven. The same every time.
"""

import json
import random
import sys

COUNTY = "青梧县"
TOWN = "青梧镇"
IDS = {"北塘社区": "beitang", "东关社区": "dongguan", "西园社区": "xiyuan", "南桥社区": "nanqiao"}
# Rows from north to south; each row of grids belongs to one community, two rows to each.
COMMUNITIES = [("北塘社区", (5, 5)), ("东关社区", (5, 5)), ("西园社区", (6, 5)), ("南桥社区", (5, 5))]
WEST, EAST, SOUTH, NORTH = 106.9200, 106.9800, 34.5100, 34.5500  # WGS84 degrees


def point(x, y):
    """A share of the county's extent as longitude and latitude."""
    return [round(WEST + (EAST - WEST) * x, 6), round(SOUTH + (NORTH - SOUTH) * y, 6)]


def rows_of_cells(chance):
    """Cells of each row as (left, right) pairs of shares, jittered, top and bottom edges apart."""
    counts = [count for _, rows in COMMUNITIES for count in rows]
    walls = []
    for count in counts:
        shift = lambda: chance.uniform(-0.25, 0.25) / count
        inner = [((i / count) + shift(), (i / count) + shift()) for i in range(1, count)]
        walls.append([(0.0, 0.0), *inner, (1.0, 1.0)])
    return walls


def grids():
    """(community, ring) of each grid, clockwise from its north-west corner, before closing."""
    chance = random.Random(41)
    walls = rows_of_cells(chance)
    levels = [1 - i / len(walls) for i in range(len(walls) + 1)]
    # Every vertex on the line between two rows, whichever row put it there: both sides walk all of them.
    joints = [sorted({wall[0] for wall in walls[0]})]
    for above, below in zip(walls, walls[1:]):
        joints.append(sorted({wall[1] for wall in above} | {wall[0] for wall in below}))
    joints.append(sorted({wall[1] for wall in walls[-1]}))
    names = [name for name, rows in COMMUNITIES for _ in rows]
    for row, wall in enumerate(walls):
        for left, right in zip(wall, wall[1:]):
            top = [point(x, levels[row]) for x in joints[row] if left[0] <= x <= right[0]]
            bottom = [point(x, levels[row + 1]) for x in joints[row + 1] if left[1] <= x <= right[1]]
            yield names[row], top + bottom[::-1]


def middle(ring):
    """Centre of area of a ring."""
    pairs = list(zip(ring, ring[1:] + ring[:1]))
    cross = [a[0] * b[1] - b[0] * a[1] for a, b in pairs]
    double_area = sum(cross)
    return [
        round(sum((a[axis] + b[axis]) * c for (a, b), c in zip(pairs, cross)) / (3 * double_area), 6)
        for axis in (0, 1)
    ]


def features():
    """GeoJSON features: rings run anticlockwise, as RFC 7946 wants."""
    serial = {}
    for community, ring in grids():
        serial[community] = serial.get(community, 0) + 1
        number = serial[community]
        name = f"{community}第{number:02}网格"
        properties = {
            "id": f"{IDS[community]}-{number:02}",
            "level": "grid",
            "parent": IDS[community],
            "county": COUNTY,
            "community": community,
            "name": name,
            "centre": middle(ring),
        }
        outer = [ring[0], *reversed(ring[1:]), ring[0]]
        yield {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [outer]}}


def areas():
    """Rows of the tree, each after the one that it lies in."""
    yield "id,name,level,parent"
    yield f"qingwu,{COUNTY},county,"
    yield f"qingwu-town,{TOWN},town,qingwu"
    for community, _ in COMMUNITIES:
        yield f"{IDS[community]},{community},community,qingwu-town"


if __name__ == "__main__":
    if sys.argv[1:] == ["--areas"]:
        print("\n".join(areas()))
        sys.exit()
    collection = {"type": "FeatureCollection", "name": COUNTY, "features": list(features())}
    print(json.dumps(collection, ensure_ascii=False, indent=1))
