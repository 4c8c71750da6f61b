"""TensorRT: engines that are built for one board, kept on disk, and run through PyCUDA.

key     what an engine was built from and for; two that differ are explained in words
cache   plans on disk, each with a sidecar that says its key
cuda    PyCUDA behind a Protocol, the GPU, its context
journal what TensorRT said last
library TensorRT's logger and version
session a plan opened on the GPU

Only library and session import tensorrt; key, cache and journal need neither it nor PyCUDA.
"""
