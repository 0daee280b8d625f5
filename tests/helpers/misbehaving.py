"""A server on the loopback that misbehaves as it is told."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` at every path; `plan` says, request by request, in what way not.

    The last of the plan holds for all later requests. `requests` has path and range of each.
    """

    daemon_threads = True

    def __init__(self, content: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.plan, self.requests, self.etag = content, [], [], '"1"'

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the tests

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("Connection", "close")
        super().end_headers()

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append((self.path, asked))
        number = len(server.requests) - 1
        plan = server.plan[min(number, len(server.plan) - 1)] if server.plan else {}
        self.close_connection = True
        if "sleep" in plan:
            time.sleep(plan["sleep"])
        if plan.get("redirect") and not self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", plan["redirect"])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if plan.get("status"):
            self.send_error(plan["status"])
            return
        content = plan.get("content", server.content)
        first = 0
        if (
            asked
            and not plan.get("no_ranges")
            and self.headers.get("If-Range")
            in (
                None,
                server.etag,
            )
        ):
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            if first >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        first -= plan.get("shift", 0)
        self.send_response(206 if asked and first else 200)
        self.send_header("Content-Type", plan.get("type", "application/x-gzip"))
        if plan.get("encoding"):
            self.send_header("Content-Encoding", plan["encoding"])
        if server.etag:
            self.send_header("ETag", server.etag)
        if asked and first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if not plan.get("no_length"):
            self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        body = content[first : plan.get("cut")]
        self.wfile.write(body)
        self.wfile.flush()
        if "stall" in plan:
            time.sleep(plan["stall"])


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    """A server in a thread."""
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
