"""Real servers on loopback: a network camera, files, a wire with faults, and a sender of MPEG-TS."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import av
import cv2
from clips import moving, write_clip

from rtseg.frame import Frame
from rtseg.video.connection import Patience, Target, connect
from rtseg.video.live import Backoff
from rtseg.video.source import Source
from rtseg.video.stream import StreamSource

RATE = 25
Route = Callable[["Request"], None]


class Request:
    """One request that a route answers; what it writes goes out at once."""

    def __init__(self, handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
        self._handler = handler
        self.over = over

    def begin(self, content_type: str, length: int | None = None) -> None:
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", content_type)
        if length is not None:
            self._handler.send_header("Content-Length", str(length))
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    @property
    def header(self) -> Mapping[str, str]:
        return self._handler.headers

    def begin_part(self, part: tuple[int, int], length: int) -> None:
        """Of bytes from one number to another, of so many."""
        self._handler.send_response(206)
        self._handler.send_header("Accept-Ranges", "bytes")
        self._handler.send_header("Content-Range", f"bytes {part[0]}-{part[1]}/{length}")
        self._handler.send_header("Content-Length", str(part[1] + 1 - part[0]))
        self._handler.end_headers()


class HttpServer:
    """Answers with its routes, until it is stopped; then all its connections end."""

    def __init__(self, port: int = 0, **routes: Route) -> None:
        self.requests: list[str] = []
        self._over = over = threading.Event()
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.lstrip("/").partition("?")[0]
                requests.append(path)
                if path not in routes:
                    self.send_error(404)
                    return
                with contextlib.suppress(OSError):  # the client has gone
                    routes[path](Request(self, over))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = False  # so that they are joined
        self.port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, path: str, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.port}/{path}"

    def stop(self) -> None:
        self._over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> HttpServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def jpeg(index: int, width: int = 96, height: int = 64) -> bytes:
    return cv2.imencode(".jpg", moving(index, width, height)[..., ::-1])[1].tobytes()


def camera(picture: Callable[[int], bytes] = jpeg, *, rate: float = RATE, count: int | None = None) -> Route:
    """Motion JPEG, as most network cameras speak it; after `count` pictures the connection goes silent."""

    def serve(request: Request) -> None:
        request.begin("multipart/x-mixed-replace; boundary=frame")
        index = 0
        while not request.over.wait(1 / rate):
            if index == count:
                request.over.wait(30)
                return
            body = picture(index)
            request.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
            request.write(b"Content-Length: %d\r\n\r\n%s\r\n" % (len(body), body))
            index += 1

    return serve


def endless(data: bytes, *, rate: int = 1_000_000) -> Route:
    """Bytes without an announced end, so many a second; then the connection goes silent."""

    def serve(request: Request) -> None:
        request.begin("video/mp2t")
        step = 188 * 7
        for start in range(0, len(data), step):
            request.write(data[start : start + step])
            if request.over.wait(step / rate):
                return
        request.over.wait(30)

    return serve


def whole(data: bytes, content_type: str = "application/octet-stream") -> Route:
    def serve(request: Request) -> None:
        request.begin(content_type, len(data))
        request.write(data)

    return serve


def in_parts(data: bytes) -> Route:
    """A file on a server that can be asked for ranges of it."""

    def serve(request: Request) -> None:
        first, _, last = request.header.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        part = int(first), min(len(data), int(last or len(data) - 1) + 1) - 1
        request.begin_part(part, len(data))
        request.write(data[part[0] : part[1] + 1])

    return serve


class Wire:
    """Carries TCP connections to a server, and does to what comes back from it what a test wants."""

    def __init__(self, server_port: int, mangle: Callable[[int, bytes], bytes]) -> None:
        """mangle gets how many bytes came before, and those that come."""
        self._server_port = server_port
        self._mangle = mangle
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                client = self._listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._server_port))
                for ends in ((client, server, None), (server, client, self._mangle)):
                    self._threads.append(threading.Thread(target=self._carry, args=ends))
                    self._threads[-1].start()

    def _carry(
        self, giver: socket.socket, taker: socket.socket, mangle: Callable[[int, bytes], bytes] | None
    ) -> None:
        giver.settimeout(0.05)
        count = 0
        with taker, contextlib.suppress(OSError):
            while not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    data = giver.recv(4096)
                    if not data:
                        return
                    taker.sendall(data if mangle is None else mangle(count, data))
                    count += len(data)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._threads[0].join()
        self._listener.close()
        for thread in self._threads[1:]:
            thread.join()


@contextlib.contextmanager
def sending_ts(port: int) -> Iterator[None]:
    """MPEG-TS to a UDP port at its own speed."""
    over = threading.Event()

    def send() -> None:
        with av.open(f"udp://127.0.0.1:{port}?pkt_size=1316", "w", format="mpegts") as container:
            stream = container.add_stream("libx264", rate=RATE, options={"g": "5", "tune": "zerolatency"})
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            began = time.monotonic()
            index = 0
            while not over.wait(max(0.0, began + index / RATE - time.monotonic())):
                frame = av.VideoFrame.from_ndarray(moving(index), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, RATE)
                container.mux(stream.encode(frame))
                index += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


ENDED_WITHIN_S = 2.0  # asked of every source
QUICK = Backoff(first_s=0.05, longest_s=0.2, good_after_s=60)


def stream(
    url: str, *, read_s: float = 1.0, backoff: Backoff = QUICK, picture_s: float = 1.0, open_s: float = 5.0
) -> StreamSource:
    """An open stream with less patience than users have."""
    target = Target.of(url, Patience(open_s, read_s, playlist_s=read_s + 4, picture_s=picture_s))
    return StreamSource(target, connect(target), backoff)


def check_order(frames: list[Frame]) -> None:
    """Indices, capture times and presentation times only go forward."""
    for before, after in pairwise(frames):
        assert after.index > before.index
        assert after.captured_ns >= before.captured_ns
        assert after.time_base == before.time_base
        assert before.pts is not None
        assert after.pts is not None
        assert after.pts > before.pts


def until(what: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.01)


class Watched:
    """A source whose frames a thread takes, as the runtime's capture does."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.frames: list[Frame] = []
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        try:
            self.frames.extend(self.source.frames())
        except BaseException as error:
            self.error = error

    def until(self, what: Callable[[], bool]) -> None:
        """Wait for it. Raises at once what ended the frames."""
        until(lambda: self.error is not None or what())
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """Fails when the frames do not end soon."""
        self.source.stop()
        self._thread.join(ENDED_WITHIN_S)
        assert not self._thread.is_alive(), f"still there in state {self.source.state}"

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *error: object) -> None:
        self.source.stop()
        self._thread.join()
        self.source.close()


def transport_stream(folder: Path, pts: list[int], **how: object) -> bytes:
    path = write_clip(folder / "part.ts", pts, codec_options={"g": "5", "bf": "0"}, **how)  # type: ignore[arg-type]
    return path.read_bytes()
