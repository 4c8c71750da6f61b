"""GStreamer's RTSP server with one video at /live, as a program: rtsp_server.py PORT VIDEO.

Run by the system's Python, which has GStreamer's bindings. Port 0 takes a free one; the port is printed when
the server can be reached. Every client gets the video from its start, at its own speed, until it ends.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def main() -> None:
    port, video = sys.argv[1:]
    Gst.init(None)
    missing = [name for name in ("qtdemux", "rtph264pay") if Gst.ElementFactory.find(name) is None]
    if missing:
        raise SystemExit(f"gi has no {missing}")
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(f'( filesrc location="{video}" ! qtdemux ! rtph264pay name=pay0 config-interval=-1 )')
    server.get_mount_points().add_factory("/live", factory)
    if server.attach(None) == 0:
        raise SystemExit("cannot listen")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


main()
