"""The UI as people open it: its own page works, nobody else gets in. Real server, real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2
import pytest
import websocket

from sandbox.server import Sandbox
from tests.browser import Browser, browser
from tests.homes import CXMARTS, environment, said, variables
from tests.uis import REPOSITORY, Ui, started

SENSOR = f'{{{REPOSITORY}, sensorName: "follow_ups"}}'
START = f"mutation {{ startSensor(sensorSelector: {SENSOR}) {{ __typename }} }}"
STOPPED, RUNNING = "STOPPED", "RUNNING"


def sensor(ui: Ui) -> str:
    """The state of the sensor that strangers try to start."""
    asked = f"sensorOrError(sensorSelector: {SENSOR}) {{ ... on Sensor {{ sensorState {{ status }} }} }}"
    return str(ui.ask(f"{{ {asked} }}")["sensorOrError"]["sensorState"]["status"])


@pytest.fixture(scope="module")
def folder(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A refreshed home, and settings in `.env` that the environment overrides or that look like variables."""
    folder = tmp_path_factory.mktemp("ui") / "folder"
    shutil.copytree(first, folder, symlinks=True)
    (folder / "rules-${HOME}").mkdir()
    (folder / ".env").write_text("CXMARTS_TIMEZONE=Europe/Berlin\nCXMARTS_RULES=rules-${HOME}\n")
    return folder


@pytest.fixture(scope="module")
def ui(folder: Path, sandbox: Sandbox) -> Iterator[Ui]:
    with started(folder, **variables(sandbox)) as found:
        yield found


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile"), "evil.example", "rebound.example") as found:
        yield found


def test_the_environment_wins_and_nothing_is_expanded(ui: Ui) -> None:
    """`.env` is read as `refresh` reads it: Dagster's own loader would take the file's zone, and expand."""
    assert ui.schedule() == ("America/New_York", RUNNING)


JSON = {"Content-Type": "application/json"}
PLAIN = {"Content-Type": "text/plain"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("POST", "/graphql", {"Host": "rebound.example:{port}"}, 421, id="another name"),
        pytest.param("POST", "/graphql", {"Host": "127.0.0.1"}, 421, id="another port"),
        pytest.param("POST", "/graphql", {"Host": "127.0.0.1:{port}.evil.example"}, 421, id="a longer name"),
        pytest.param("GET", "/", {"Host": "rebound.example:{port}"}, 421, id="the page by another name"),
        pytest.param("POST", "/graphql", {"Origin": "https://evil.example"}, 403, id="another page"),
        pytest.param("POST", "/graphql", {"Origin": "null"}, 403, id="a page without origin"),
        pytest.param("POST", "/graphql", {"Origin": "http://localhost:{port}"}, 403, id="an alias"),
        pytest.param("POST", "/graphql", {"Origin": "http://127.0.0.1:1"}, 403, id="a page of another port"),
        pytest.param("POST", "/graphql", {"Sec-Fetch-Site": "cross-site"}, 403, id="from another site"),
        pytest.param("POST", "/graphql", {"Sec-Fetch-Site": "same-site"}, 403, id="from another port"),
        pytest.param("GET", "/runs", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
                     "Sec-Fetch-Dest": "iframe"}, 403, id="in a frame"),
        pytest.param("POST", "/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
                     "Sec-Fetch-Dest": "document"}, 403, id="a form of another page"),
        pytest.param("GET", "/graphql?query={query}", {}, 405, id="by GET"),
        pytest.param("GET", "/%67raphql?query={query}", {"Accept": "text/html"}, 405, id="by GET, disguised"),
        pytest.param("HEAD", "/graphql?query={query}", {}, 405, id="by HEAD"),
        pytest.param("OPTIONS", "/graphql", {"Access-Control-Request-Method": "POST"}, 405, id="may I"),
        pytest.param("PUT", "/graphql", {}, 405, id="PUT"),
        pytest.param("POST", "/graphql", {"Cookie": ""}, 401, id="without the secret"),
        pytest.param("POST", "/graphql", {"Cookie": "cxmarts_{port}=x"}, 401, id="with a guessed secret"),
        pytest.param("POST", "/graphql?query={query}", {"Cookie": "", **PLAIN}, 401, id="as a simple form"),
        pytest.param("POST", "/report_asset_materialization/marts/tickets", {"Cookie": ""}, 401, id="report"),
        pytest.param("POST", "/report_asset_check/marts/tickets", {"Cookie": ""}, 401, id="report a check"),
        pytest.param("GET", "/download_debug/x", {"Cookie": ""}, 401, id="a run's events"),
        pytest.param("GET", "/logs/x/y.err", {"Cookie": ""}, 401, id="logs"),
        pytest.param("GET", "/report/", {"Cookie": ""}, 401, id="the report"),
        pytest.param("GET", "/", {"Cookie": ""}, 401, id="the page without the link"),
        pytest.param("GET", "/?session=x", {"Cookie": ""}, 401, id="a guessed link"),
    ],
)  # fmt: skip
def test_strangers_are_refused(ui: Ui, method: str, path: str, headers: dict[str, str], status: int) -> None:
    """Each is refused although all else about it is in order, and changes nothing."""
    port = str(urlsplit(ui.url).port)
    sent = {"Cookie": ui.cookie, **JSON, **headers}
    answer = httpx2.request(
        method,
        ui.url + path.replace("{query}", quote(START)),
        headers={name: value.replace("{port}", port) for name, value in sent.items() if value},
        content=json.dumps({"query": START}) if method == "POST" else None,
    )
    assert answer.status_code == status, answer.text
    assert "set-cookie" not in answer.headers
    assert sensor(ui) == STOPPED


def test_whoever_has_the_link_may_change_things(ui: Ui) -> None:
    entered = httpx2.get(ui.link, headers={"Sec-Fetch-Site": "none"})
    [cookie] = entered.headers.get_list("set-cookie")
    assert cookie.startswith(ui.cookie)
    assert {"httponly", "samesite=strict"} <= set(cookie.lower().split("; "))
    assert httpx2.get(f"{ui.url}/server_info").json()["dagster_version"]
    assert httpx2.get(ui.url, headers={"Cookie": ui.cookie}).headers["x-frame-options"] == "DENY"
    assert sensor(ui) == STOPPED
    assert ui.ask(START)["startSensor"]["__typename"] == "Sensor"
    assert sensor(ui) == RUNNING
    stop = "mutation($id: String!) { stopSensor(id: $id) { __typename } }"
    found = ui.ask(f"{{ sensorOrError(sensorSelector: {SENSOR}) {{ ... on Sensor {{ id }} }} }}")
    ui.ask(stop, id=found["sensorOrError"]["id"])
    assert sensor(ui) == STOPPED


def test_web_sockets_too(ui: Ui) -> None:
    assert next(ui.subscribe())["type"] == "connection_ack"
    for options in (
        {"origin": "https://evil.example"},
        {"cookie": ""},
        {"cookie": ui.cookie.replace("=", "=x")},
        {"host": "rebound.example"},
    ):
        with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
            next(ui.subscribe(**options))


ATTACK = """<!doctype html><title>evil</title><p id="done"></p><script>
const target = '{url}', query = {query};
const tried = [];
const image = new Image();
tried.push(new Promise(done => {{ image.onload = image.onerror = done; }}));
image.src = target + '/graphql?query=' + encodeURIComponent(query);
for (const type of ['text/plain', 'application/json'])
  for (const credentials of ['include', 'omit'])
    tried.push(fetch(target + '/graphql?query=' + encodeURIComponent(query), {{method: 'POST', credentials,
      mode: type === 'text/plain' ? 'no-cors' : 'cors', headers: {{'Content-Type': type}},
      body: JSON.stringify({{query}})}}).then(answer => answer.text()).catch(error => 'failed'));
tried.push(fetch(target + '/report_asset_materialization/marts/tickets', {{method: 'POST', mode: 'no-cors',
  credentials: 'include'}}).catch(error => 'failed'));
const socket = new WebSocket(target.replace('http', 'ws') + '/graphql', 'graphql-ws');
tried.push(new Promise(done => {{
  socket.onerror = () => done('refused');
  socket.onopen = () => done('open');
}}));
const frame = document.createElement('iframe');
tried.push(new Promise(done => {{ frame.onload = done; }}));
frame.src = target; document.body.append(frame);
Promise.all(tried).then(all => {{ document.getElementById('done').innerText = 'done ' + all.join(' '); }});
</script><form method="post" enctype="text/plain" action="{url}/graphql?query={quoted}"></form>"""


@pytest.fixture
def evil(ui: Ui) -> Iterator[str]:
    """A page of another site that tries all that a page can."""
    page = ATTACK.format(url=ui.url, query=json.dumps(START), quoted=quote(START)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield str(server.server_address[1])
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1"], ids=["another site", "another port"])
def test_a_foreign_page_in_the_same_browser_can_do_nothing(
    ui: Ui, chromium: Browser, evil: str, name: str
) -> None:
    own = chromium.page()
    own.open(ui.link)
    own.wait("location.search === '' && document.body.innerText.includes('Overview')")
    page = chromium.page()
    page.open(f"http://{name}:{evil}/")
    page.wait("document.getElementById('done').innerText")
    assert sensor(ui) == STOPPED
    assert "open" not in page.run("document.getElementById('done').innerText")
    page.run("document.forms[0].submit()")
    page.wait(f"location.host === {json.dumps(ui.host)}")
    page.shows("refused")
    assert sensor(ui) == STOPPED
    # Nor does a name that someone else's name server leads here see the page.
    page.open(f"http://rebound.example:{urlsplit(ui.url).port}/")
    page.shows("refused")


def test_a_refresh_of_the_command_line_is_a_run_of_the_job(ui: Ui, chromium: Browser, folder: Path) -> None:
    """The refresh that filled this home: on the timeline, among the job's runs, with what it published."""
    told = said(folder)
    found = ui.ask(
        "query($id: ID!) { runOrError(runId: $id) { ... on Run { jobName repositoryOrigin {"
        " repositoryName repositoryLocationName } tags { key value } } } }",
        id=told["run_id"],
    )["runOrError"]
    assert found["repositoryOrigin"] == {
        "repositoryName": "__repository__",
        "repositoryLocationName": "cxmarts",
    }
    tags = {tag["key"]: tag["value"] for tag in found["tags"]}
    assert datetime.fromisoformat(tags["cxmarts/as_of"]) == datetime.fromisoformat(told["as_of"])
    assert tags["cxmarts/version"] == told["version"]
    page = chromium.page()
    page.open(ui.link)
    page.wait("location.search === '' && document.body.innerText.includes('Timeline')")
    page.wait("!!document.querySelector('a[href*=\"/locations/cxmarts/jobs/nightly\"]')")
    assert "No runs" not in page.text()


LAST_RUN = """fetch('/graphql', {
  method: 'POST',
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify({
    query: '{ runsOrError(limit: 1) { ... on Runs { results { runId status assetSelection { path } } } } }'
  }),
}).then(answer => answer.json()).then(told => told.data.runsOrError.results[0])"""


def test_the_page_works(ui: Ui, chromium: Browser, folder: Path) -> None:
    """A mart's page renders, and its button materializes the mart alone; publishing stays with the job."""
    page = chromium.page()
    page.open(ui.link)
    page.wait("location.search === '' && document.body.innerText.includes('Overview')")
    page.open(f"{ui.url}/assets/marts/kpi_nps")
    page.shows("NPS, net promoter score")
    page.press("Materialize")
    page.shows("Launched run")
    page.wait(f"['SUCCESS', 'FAILURE'].includes((await {LAST_RUN}).status)")
    ended = page.run(LAST_RUN)
    run_id = ended.pop("runId")
    assert ended == {"status": "SUCCESS", "assetSelection": [{"path": ["marts", "kpi_nps"]}]}
    rows = said(folder)["rows"]["kpi_nps"]
    log = [re.sub(r"\d+\.\d s$", "x s", line) for line in ui.log(run_id)]
    # Its rows are what they were: of those the gate knows what it said.
    assert log[:3] == [
        "1 models",
        f"built 1 of 1: marts.kpi_nps, {rows} rows, x s",
        "judging the candidate marts",
    ]


def test_the_publication_leads_to_its_report(ui: Ui, chromium: Browser, folder: Path) -> None:
    """By a click on its page, from there to the dictionary; what a report asks of the UI is refused."""
    version = said(folder)["version"]
    tab = chromium.page()
    tab.open(ui.link)
    tab.wait("location.search === '' && document.body.innerText.includes('Overview')")
    tab.open(f"{ui.url}/assets/published/publication")
    tab.wait("!!document.querySelector('a[href^=\"/report/\"]')")
    # In this tab, not in a new one.
    tab.run(
        "(() => { const link = document.querySelector('a[href^=\"/report/\"]');"
        " link.target = ''; link.click(); })()"
    )
    tab.wait(f"location.pathname === '/report/{version}/index.html' && !!document.querySelector('h1')")
    asked = "fetch('/server_info').then(() => 'answered', () => 'refused')"
    assert tab.run(asked) == "refused"
    tab.press("Data dictionary")
    tab.wait(f"location.pathname === '/report/{version}/dictionary.html' && !!document.querySelector('h1')")
    current = httpx2.get(f"{ui.url}/report/", headers={"Cookie": ui.cookie})
    published = folder / ".cxmarts" / "published" / "versions" / version
    assert current.content == (published / "report" / "index.html").read_bytes()


@pytest.mark.parametrize(
    "path",
    ["2020/index.html", "%2e%2e/%2e%2e/manifest.json", "%2e%2e/index.html", "brief.txt", "index.html/"],
)
def test_no_other_file_is_a_report(ui: Ui, path: str) -> None:
    answer = httpx2.get(f"{ui.url}/report/{path}", headers={"Cookie": ui.cookie})
    assert answer.status_code == 404
    assert "/report/ is the current one" in answer.text


def test_read_only(first: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(first, tmp_path / "folder", symlinks=True))
    with started(folder, "--read-only", **variables(sandbox)) as ui:
        assert sensor(ui) == STOPPED
        assert ui.ask(START)["startSensor"]["__typename"] == "UnauthorizedError"
        assert sensor(ui) == STOPPED
        reported = httpx2.post(
            f"{ui.url}/report_asset_materialization/marts/tickets", headers={"Cookie": ui.cookie}
        )
        assert reported.status_code == 401


def test_a_port_that_is_taken_is_one_message(first: Path, ui: Ui, sandbox: Sandbox) -> None:
    done = subprocess.run(
        [CXMARTS, "ui", "--port", str(urlsplit(ui.url).port)],
        cwd=first,
        env=environment(first, **variables(sandbox)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "cannot be used (Address already in use): `cxmarts ui --port N`"
    )
