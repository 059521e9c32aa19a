"""Draws the pictures of printed forms in this folder anew, from the demo: `make pictures`.

    python docs/forms/pictures.py [DATA]

Seeds the demo into a temporary folder, or takes a folder DATA that it seeded before, asks the application for
the papers, and turns pages of the PDFs into PNG with poppler's pdftoppm. The demo lives in the present, so
days and ids differ from run to run.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from PIL import Image

from server.app import create_app
from server.demo.seed import as_demo, is_demo, seed_whole
from server.demo.town import PASSWORD
from server.intake.worker import make_planner
from server.services import services
from server.settings import Settings

HERE = Path(__file__).resolve().parent
#: Dots to the inch, and colours of a palette, of a picture: readable, and some tens of kilobytes.
DOTS, COLOURS = 96, 64

#: Case, paper, pages shown; a task by its kind. The name of a picture is that of the paper and the page.
PAPERS = (
    ("notice", "YK-2026-0365", "notices/1/notice.pdf", (1, 2)),
    ("order", "YK-2026-0326", "energization/order.pdf", (1, 2)),
    ("record", "YK-2026-0326", "energization/record.pdf", (1,)),
    ("intermediate", "YK-2026-0365", "inspections/intermediate/report.pdf", (1, 3)),
    ("reinspection", "YK-2026-0365", "inspections/reinspection/report.pdf", (1,)),
    ("survey", "YK-2026-0365", "inspections/survey/report.pdf", (1,)),
    ("intermediate-application", "YK-2026-0365", "papers/intermediate-application.pdf", (1,)),
    ("scheme-reply", "YK-2026-0365", "papers/scheme-reply.pdf", (1,)),
    ("index", "YK-2026-0326", "papers/index.pdf", (1,)),
    ("contact-sheet", "YK-2026-0365", "inspections/intermediate/contact-sheet.pdf", (2,)),
    ("pairs", "YK-2026-0365", "notices/1/pairs.pdf", (1,)),
)
#: Who agrees to the demo's plan, and for what.
AGREE = (
    ("scheduler2", "safety_maintenance"),
    ("dispatcher1", "dispatch"),
    ("manager1", "customer_centre"),
)


def main() -> None:
    if shutil.which("pdftoppm") is None:
        sys.exit("pdftoppm is missing: apt install poppler-utils")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(*sys.argv[1:]) if sys.argv[1:] else Path(folder, "data"))
        settings = as_demo(settings)
        if not is_demo(settings):
            seed_whole(settings, print)
        app = create_app(settings)
        ask = asking(app)
        cases = {row["no"]: row["id"] for row in ask("/cases").get_json()["items"]}
        for name, no, path, pages in PAPERS:
            case = f"/cases/{cases[no]}"
            if "/inspections/" in f"/{path}":
                kind = path.split("/")[1]
                tasks = ask(f"{case}/tasks").get_json()["items"]
                path = path.replace(kind, next(task["id"] for task in tasks if task["kind"] == kind))  # noqa: PLW2901
            draw(name, ask(f"{case}/{path}?copies=customer").data, pages)
        month = datetime.now(UTC).strftime("%Y-%m")
        draw("bulletin-monthly", ask(f"/reports/bulletins/monthly/{month}?format=pdf").data, (1,))
        plan = published(app, ask)
        draw("outage-request", ask("/works/t-01/request.pdf?copies=file").data, (1,))
        draw("public-notice", ask(f"/plans/{plan}/public-notices.pdf").data, (1,))


def asking(app: Flask) -> Any:
    """Asks the API as somebody of the demo, by default the first manager; with `json` it tells."""
    client, tokens = app.test_client(), dict[str, str]()

    def ask(path: str, by: str = "manager1", json: Any = None) -> Any:
        if by not in tokens:
            account = {"username": by, "password": PASSWORD}
            signed_in = client.post("/api/v1/auth/login", json=account)
            tokens[by] = signed_in.get_json()["access_token"]
        headers = {"Authorization": f"Bearer {tokens[by]}", "Accept-Language": "zh-CN"}
        method = "GET" if json is None else "POST"
        answer = client.open(f"/api/v1{path}", method=method, headers=headers, json=json)
        if answer.status_code != 200:
            sys.exit(f"{path}: {answer.status_code} {answer.get_data(as_text=True)}")
        return answer

    return ask


def published(app: Flask, ask: Any) -> str:
    """The demo's plan, made, agreed to by three and published; its id."""
    with app.app_context():
        make_planner(services()).run_once()
    (plan,) = ask("/plans", "scheduler1").get_json()["items"]
    path = f"/plans/{plan['id']}"
    if plan["state"] != "published":
        for by, function in AGREE:
            ask(f"{path}/approve", by, {"function": function})
        ask(f"{path}/publish", "scheduler1", {})
    return str(plan["id"])


def draw(name: str, pdf: bytes, pages: tuple[int, ...]) -> None:
    for page in pages:
        command = ["pdftoppm", "-png", "-r", str(DOTS), "-f", str(page), "-l", str(page), "-"]
        png = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout  # noqa: S603
        picture = Image.open(io.BytesIO(png)).quantize(COLOURS, dither=Image.Dither.NONE)
        target = HERE / f"{name}-{page}.png"
        picture.save(target, optimize=True)
        print(f"{target.name}  {target.stat().st_size // 1000} KB")  # noqa: T201


if __name__ == "__main__":
    main()
