"""Drives a hub's Open311 by two clients that others wrote, in JSON and in XML, and holds what they understand against the
hub's own API. Started by deploy/interop.sh. Prints a line for each thing that was held, ends with 1 where one does not fit.

`georeport` reads by ids, states, dates and services. `three`, of 2013, also asks for the discovery, reports and looks tokens
up; it was written for a Python that is gone, and is given back what it misses (`ifilter`, keys as a list, a reader of XML).
"""

import argparse
import datetime
import io
import itertools
import json
import sys
import urllib.request

itertools.ifilter = filter  # before `three` is imported

import georeport
import requests
import three
import three.core
import xmltodict

wrong = []


def hold(what, fits, seen=""):
    """Notes whether something fits."""
    print(("ok     " if fits else "WRONG  ") + what + (f": {seen}" if not fits else ""))
    if not fits:
        wrong.append(what)


class Indexed(dict):
    """A mapping as it was in Python 2: its keys are a list."""

    def keys(self):
        return list(super().keys())


def revive():
    """Its own reader of XML asks for more than Python's has by now: another one reads for it."""
    three.core.xml = lambda text: Indexed(xmltodict.parse(text))


def listed(value, item):
    """What a client makes of XML: nothing, one or several of an element."""
    if isinstance(value, dict) and set(value) <= {item}:
        value = value.get(item)
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


class Hub:
    def __init__(self, address, token):
        self.address, self.token = address, token

    def get(self, path):
        request = urllib.request.Request(
            f"{self.address}/api/v1{path}", headers={"authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def case(self, number):
        return self.get(f"/cases/{number}")


def moment(text):
    """A time of Open311: ISO 8601 with its zone."""
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return at


def same_request(who, told, hub):
    """A request that a client read, against the case."""
    number = told["service_request_id"]
    case = hub.case(number)
    ended = case["state"] in ("closed", "void")
    hold(f"{who}: {number} is {'closed' if ended else 'open'}", told["status"] == ("closed" if ended else "open"), told["status"])
    for name, ms in (("requested_datetime", case["opened_at"]), ("updated_datetime", case["updated_at"])):
        at = moment(told[name])
        hold(f"{who}: {number} {name}", int(at.timestamp()) == ms // 1000, (told[name], ms))
    category = case["workflow"].get("category")
    if category:
        hold(f"{who}: {number} service_code", told["service_code"] == category, told["service_code"])
    hold(f"{who}: {number} has its service's name", bool(told["service_name"]), told)
    for name in ("lat", "long"):
        value = told.get(name)
        hold(f"{who}: {number} {name} is a number or nothing", value in (None, "") or float(value) == float(value), value)
    if case.get("location"):
        off = abs(float(told["lat"]) - case["location"]["latitude"])
        hold(f"{who}: {number} lies within a hundred metres or so, not to the metre", 0 < off < 0.0011, off)
    text = json.dumps(told, ensure_ascii=False)
    hold(f"{who}: {number} without a reporter's words", case["title"] not in text, text)


def numbers(requests_):
    return sorted(request["service_request_id"] for request in requests_)


def read_by_georeport(hub, given, form):
    client = georeport.GeoReport(f"{hub.address}/open311/v2", output_format=form)
    who = f"georeport, {form}"
    services = listed(client.get_service_list(), "service")
    codes = {service["service_code"] for service in services}
    active = {category["id"] for category in hub.get("/categories")["categories"]}
    hold(f"{who}: services are categories, but for those of boxes", codes and codes <= active, codes - active)
    hold(f"{who}: each service says all that the standard asks for", all(
        {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"} <= set(service) for service in services))
    hold(f"{who}: no service has metadata", all(str(service["metadata"]).lower() == "false" for service in services))
    hold(f"{who}: services answer at once", all(service["type"] == "realtime" for service in services))
    definition = client.get_service_definition("noise")
    hold(f"{who}: the definition of a service", definition["service_code"] == "noise"
         and not listed(definition["attributes"], "attribute"), definition)
    try:
        client.get_service_definition("camera_lost")
        hold(f"{who}: what only boxes raise is no service", False)
    except requests.HTTPError as error:
        hold(f"{who}: what only boxes raise is no service", error.response.status_code == 404, error)

    today = datetime.datetime.now(datetime.timezone.utc)
    write = lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ")
    listed_of = lambda **asked: listed(client.get_service_requests(**asked), "request")
    every = listed_of()
    wanted = sorted(given.open + given.closed)
    hold(f"{who}: lists what is public", set(wanted) <= set(numbers(every)), numbers(every))
    hold(f"{who}: lists nothing that is not", not set(given.hidden) & set(numbers(every)), numbers(every))
    for request in every:
        same_request(who, request, hub)
    hold(f"{who}: by status open", set(given.open) <= set(numbers(listed_of(status="open")))
         and not set(given.closed) & set(numbers(listed_of(status="open"))))
    hold(f"{who}: by status closed", numbers(listed_of(status="closed")) == sorted(given.closed))
    hold(f"{who}: by both", numbers(listed_of(status="open,closed")) == numbers(every))
    hold(f"{who}: by id, several", numbers(listed_of(service_request_id=",".join(wanted))) == wanted)
    hold(f"{who}: by service", {request["service_code"] for request in listed_of(service_code="noise")} == {"noise"})
    hour = datetime.timedelta(hours=1)
    hold(f"{who}: within the last hour", numbers(listed_of(start_date=write(today - hour), end_date=write(today + hour))) == numbers(every))
    hold(f"{who}: since an hour ago", numbers(listed_of(start_date=write(today - hour))) == numbers(every))
    if form == "json":  # of an empty list in XML this client makes an error of its own
        day = datetime.timedelta(days=1)
        hold(f"{who}: nothing before that", listed_of(start_date=write(today - 2 * day), end_date=write(today - day)) == [])
        hold(f"{who}: what is not public is not found by its id", listed_of(service_request_id=",".join(given.hidden)) == [])
    try:
        listed_of(start_date=write(today - datetime.timedelta(days=91)), end_date=write(today))
        hold(f"{who}: no more than ninety days", False)
    except requests.HTTPError as error:
        hold(f"{who}: no more than ninety days", error.response.status_code == 400, error)
    one = client.get_service_request(given.open[0])
    hold(f"{who}: one by its id", one["service_request_id"] == given.open[0], one)
    try:
        client.get_service_request(given.hidden[0])
        hold(f"{who}: one that is not public is not found", False)
    except requests.HTTPError as error:
        hold(f"{who}: one that is not public is not found", error.response.status_code == 404, error)


def report_by_three(hub, given, form):
    client = three.Three(f"{hub.address}/open311/v2", format=form, api_key=given.key, jurisdiction=given.jurisdiction)
    who = f"three, {form}"
    found = client.discovery()
    endpoints = listed(found["endpoints"], "endpoint")
    urls = [endpoint["url"] for endpoint in endpoints]
    hold(f"{who}: the discovery leads to where it was asked", urls == [f"{hub.address}/open311/v2"], urls)
    hold(f"{who}: and names the specification", "GeoReport" in endpoints[0]["specification"], endpoints)
    formats = listed(endpoints[0]["formats"], "format")
    hold(f"{who}: and both formats", set(formats) == {"text/xml", "application/json"}, formats)
    services = listed(client.services(), "service")
    hold(f"{who}: services", any(service["service_code"] == "noise" for service in services))
    definition = client.services("noise")
    hold(f"{who}: the definition of a service", definition["service_code"] == "noise", definition)

    made = client.post("noise", lat="34.531234", long="106.941234", address="东关巷 3 号", description="夜间施工 & <吵>\n第二行",
                       name="建国 李", phone="13812346027", media_url="https://example.org/a.jpg")
    made = listed(made, "request")
    hold(f"{who}: a report has its number at once", len(made) == 1 and bool(made[0].get("service_request_id")), made)
    hold(f"{who}: and 201", client.post_response.status_code == 201, client.post_response.status_code)
    number = made[0]["service_request_id"]
    hold(f"{who}: no token, since there is a number", not made[0].get("token"), made)
    token = listed(client.token(number), "request")
    hold(f"{who}: its number is its token as well", len(token) == 1 and token[0]["service_request_id"] == number, token)
    case = hub.case(number)
    hold(f"{who}: it is a case that a citizen reported", case["state"] == "received" and case["title"].startswith("噪声扰民"), case["title"])
    told = [row for row in case["history"] if row["action"] == "told"]
    hold(f"{who}: with its words, to the letter", told and told[0]["detail"]["summary"] == "夜间施工 & <吵>\n第二行", told)
    hold(f"{who}: at its place", case["place"] == "东关巷 3 号" and case["location"]["latitude"] == 34.531234, case["location"])
    hold(f"{who}: in the grid of its place", case["workflow"]["area"].count("/") > 4, case["workflow"]["area"])
    hold(f"{who}: without the reporter in clear", "13812346027" not in json.dumps(case), number)
    own = listed(client.request(number, api_key=given.key), "request")
    hold(f"{who}: the key reads its own words", "夜间施工" in own[0]["description"] and "<吵>" in own[0]["description"], own)
    hold(f"{who}: and its own place", abs(float(own[0]["lat"]) - 34.531234) < 1e-9, own)
    public = listed(client.request(number), "request")
    hold(f"{who}: nobody else does", "夜间" not in json.dumps(public, ensure_ascii=False), public)
    same_request(who, public[0], hub)

    today = datetime.date.today()
    every = listed(client.requests(between=(today - datetime.timedelta(days=1), today + datetime.timedelta(days=2))), "request")
    hold(f"{who}: between two days", number in numbers(every) and not set(given.hidden) & set(numbers(every)), numbers(every))
    page = listed(client.requests(count=2), "request")
    hold(f"{who}: a page of two", len(page) == 2, numbers(page))
    hold(f"{who}: by service", {request["service_code"] for request in listed(client.requests("noise"), "request")} == {"noise"})
    hold(f"{who}: by status", number in numbers(listed(client.requests(status="open"), "request")))

    for what, status, fields in [
        ("without a key", 403, {"service_code": "noise", "address": "x", "api_key": ""}),
        ("without a place", 400, {"service_code": "noise"}),
        ("of no service", 404, {"service_code": "nothing", "address": "x"}),
        ("in another place on earth than degrees", 400, {"service_code": "noise", "lat": "100", "long": "0"}),
    ]:
        errors = listed(client.post(fields.pop("service_code"), **fields), "error")
        hold(f"{who}: a report {what} is refused as the standard has it", client.post_response.status_code == status
             and len(errors) == 1 and str(errors[0]["code"]) == str(status) and errors[0]["description"], errors)
    errors = listed(client.post("noise", address="x", media=io.BytesIO(b"no picture")), "error")
    hold(f"{who}: a picture in the form is refused in words", client.post_response.status_code == 400 and len(errors) == 1
         and "x-www-form-urlencoded" in errors[0]["description"], errors)
    errors = listed(client.requests(jurisdiction_id="elsewhere.org"), "error")
    hold(f"{who}: another jurisdiction is none of ours", len(errors) == 1 and str(errors[0]["code"]) == "404", errors)
    return number


def updates(hub, number):
    """mySociety's extension, which neither client knows: both formats by parsers alone."""
    for form in ("json", "xml"):
        answer = requests.get(f"{hub.address}/open311/v2/servicerequestupdates.{form}", timeout=30)
        told = answer.json() if form == "json" else listed(
            xmltodict.parse(answer.content)["service_request_updates"], "request_update")
        own = [update for update in told if update["service_request_id"] == number]
        hold(f"updates, {form}: of what was reported", bool(own) and all(
            update["status"] in ("OPEN", "CLOSED") and moment(update["updated_datetime"]) for update in own), own)


def main():
    asked = argparse.ArgumentParser()
    for name in ("--hub", "--token", "--key"):
        asked.add_argument(name, required=True)
    asked.add_argument("--jurisdiction", default="")
    for name in ("--open", "--closed", "--hidden"):
        asked.add_argument(name, nargs="+", required=True)
    given = asked.parse_args()
    hub = Hub(given.hub, given.token)
    revive()
    made = {}
    for form in ("json", "xml"):
        made[form] = report_by_three(hub, given, form)
    for form in ("json", "xml"):
        read_by_georeport(hub, given, form)
    updates(hub, made["xml"])
    print(f"{len(wrong)} do not fit" if wrong else "Open311: everything fits")
    return 1 if wrong else 0


sys.exit(main())
