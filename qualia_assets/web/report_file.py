"""A report as one self-contained HTML file, its style inline and allowed by a hash in its policy.

Belongs here: putting the file together. What a report holds is in ``report.report``.
"""

import base64
import hashlib
import re
from pathlib import Path

from markupsafe import Markup

from qualia_assets.lake.snapshot import Snapshot
from qualia_assets.report.report import Report, report_of
from qualia_assets.web.layout import templates

_STATIC = Path(__file__).parent / "static"


def with_names(snapshot: Snapshot) -> Report:
    return report_of(snapshot, with_names=True)


def without_names(snapshot: Snapshot) -> Report:
    return report_of(snapshot, with_names=False)


def file_with_names(snapshot: Snapshot) -> bytes:
    return html_file(snapshot.once(with_names))


def file_without_names(snapshot: Snapshot) -> bytes:
    return html_file(snapshot.once(without_names))


def html_file(report: Report) -> bytes:
    """The report as UTF-8. It has no script and loads nothing, and its policy allows neither."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    page = templates().get_template("report_file.html")
    return page.render(report=report, policy=policy, style=Markup(style)).encode()


def _style() -> str:
    """The app's style sheets, joined, without comments."""
    sheets = [(_STATIC / name).read_text(encoding="utf-8") for name in ("base.css", "report.css")]
    return re.sub(r"/\*.*?\*/\s*", "", "\n".join(sheets), flags=re.DOTALL).strip()
