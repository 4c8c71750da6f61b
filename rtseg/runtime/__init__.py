"""The threaded capture -> inference -> overlay loop."""
