"""Recordings on a real server on loopback, and servers that are not what they should be."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from clips import write_clip

from rtseg.errors import SourceError
from rtseg.video.connection import Patience
from rtseg.video.source import open_source
from rtseg.video.stream import open_stream

FRAMES = 10


@dataclass
class Server:
    """What is served under which path, and who asked for what."""

    port: int
    bodies: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            state.requests.append(path)
            if path.startswith("stall"):  # promises more than ever comes
                self.send_response(200)
                self.send_header("Content-Length", "1000000")
                self.end_headers()
                self.wfile.write(state.bodies[path])
                over.wait(30)
            elif path in state.bodies:
                self.send_response(200)
                self.send_header("Content-Length", str(len(state.bodies[path])))
                self.end_headers()
                self.wfile.write(state.bodies[path])
            else:
                self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    over = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Server(http.server_port)
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        yield state
        over.set()
        http.shutdown()
        thread.join()


IMPATIENT = Patience(open_s=0.5, read_s=0.5)


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    path = write_clip(tmp_path / "clip.mp4", range(FRAMES), container_options={"movflags": "faststart"})
    return path.read_bytes()


def test_a_file_on_a_server_is_a_recording(server: Server, clip: bytes) -> None:
    """Not live: it waits for us, so none of its frames has to fall out."""
    server.bodies["clip.mp4"] = clip
    with open_source(server.url("clip.mp4")) as source:
        assert not source.live
        assert source.frame_count == FRAMES
        assert len(list(source.frames())) == FRAMES


def test_a_password_is_not_shown(server: Server) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(f"http://user:secret@127.0.0.1:{server.port}/nothing")
    assert f"http://127.0.0.1:{server.port}/nothing" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_a_server_refuses_or_mistakes(server: Server) -> None:
    server.bodies["page"] = b"<html>hello</html>" * 100
    for path, message in (
        ("nothing", r"refused by the server \(404 Not Found\); check the address"),
        ("page", "not with a video"),
    ):
        with pytest.raises(SourceError, match=message):
            open_source(server.url(path))


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceError, match=r"cannot be reached.*Connection refused.*check the address"):
        open_source(f"http://127.0.0.1:{port}/x.mp4")


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_never_answers_is_given_up(scheme: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"no answer within 0.5 s; check the address and the network"):
            open_stream(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/x", IMPATIENT)
    assert time.monotonic() - began < 10


def test_a_recording_that_stops_is_given_up_with_its_frames(server: Server, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.ts", range(200))
    server.bodies["stall.ts"] = path.read_bytes()
    frames = []
    with (
        open_stream(server.url("stall.ts"), IMPATIENT) as source,
        pytest.raises(SourceError, match="no answer within"),
    ):
        for frame in source.frames():
            frames.append(frame)
    assert len(frames) > 100


def test_a_playlist_on_disk_fetches_nothing(server: Server, tmp_path: Path) -> None:
    server.bodies["part.ts"] = write_clip(tmp_path / "part.ts", range(FRAMES)).read_bytes()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{server.url('part.ts')}\n#EXT-X-ENDLIST\n"
    script = f"ffconcat version 1.0\nfile {server.url('part.ts')}\n"
    for name, text in (("a.m3u8", playlist), ("a.mp4", playlist), ("a.ffconcat", script)):
        (tmp_path / name).write_text(text)
        with pytest.raises(SourceError), open_source(str(tmp_path / name)) as source:
            list(source.frames())
    assert server.requests == []


def test_a_playlist_on_a_server_reads_its_own_parts_and_no_file_of_ours(
    server: Server, tmp_path: Path
) -> None:
    part = write_clip(tmp_path / "part.ts", range(FRAMES))
    server.bodies["part.ts"] = part.read_bytes()
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    server.bodies["good.m3u8"] = text.format(server.url("part.ts")).encode()
    server.bodies["evil.m3u8"] = text.format(f"file://{part}").encode()
    with open_source(server.url("good.m3u8")) as source:
        assert len(list(source.frames())) == FRAMES
    with pytest.raises(SourceError), open_source(server.url("evil.m3u8")) as source:
        list(source.frames())
