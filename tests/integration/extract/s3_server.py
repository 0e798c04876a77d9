"""As much of S3 as reading an export takes: list, head, get with ranges; any key opens it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@contextmanager
def serve_bucket(folder: Path) -> Iterator[str]:
    """`host:port` of a server whose buckets are the folders in `folder`."""

    async def answer(request: Request) -> Response:
        bucket, _, key = request.path_params["path"].partition("/")
        if not key and request.method == "GET":
            return _listing(folder / bucket, dict(request.query_params))
        path = folder / bucket / key
        if not path.is_file():
            return Response(status_code=404)
        content, status = path.read_bytes(), 200
        headers = {
            "ETag": f'"{path.stat().st_mtime_ns}"',
            "Last-Modified": format_datetime(datetime.fromtimestamp(path.stat().st_mtime, UTC), usegmt=True),
            "Accept-Ranges": "bytes",
        }
        wanted = request.headers.get("range")
        if wanted:
            first, last = wanted.removeprefix("bytes=").split("-")
            end = min(int(last), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{end}/{len(content)}"
            content, status = content[int(first) : end + 1], 206
        if request.method == "HEAD":
            headers["Content-Length"] = str(len(content))
            return Response(status_code=status, headers=headers)
        return Response(content, status, headers)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "HEAD"])])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def _listing(bucket: Path, query: dict[str, str]) -> Response:
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    keys = sorted(str(path.relative_to(bucket)) for path in bucket.rglob("*") if path.is_file())
    contents, folders = [], set()
    for key in keys:
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix) :]
        if delimiter and delimiter in rest:
            folders.add(prefix + rest.split(delimiter)[0] + delimiter)
            continue
        stat = (bucket / key).stat()
        moment = datetime.fromtimestamp(stat.st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        contents.append(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{moment}</LastModified>"
            f"<Size>{stat.st_size}</Size></Contents>"
        )
    folded = [f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)]
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket.name}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(contents)}</KeyCount>"
        f"<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{''.join(contents + folded)}</ListBucketResult>"
    )
    return Response(body, media_type="application/xml")
