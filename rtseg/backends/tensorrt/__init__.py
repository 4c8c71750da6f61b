"""TensorRT: engines that are built for one board, kept on disk, and run through PyCUDA.

key     what an engine was built from and for; two that differ are explained in words
cache   plans on disk, each with a sidecar that says its key
cuda    PyCUDA behind a Protocol, the GPU, its context
journal what TensorRT said last
library TensorRT's logger and version
session a plan opened on the GPU, run plainly
kernels what the GPU does before and after the network
memory  of the GPU, and page-locked
graph   calls recorded once and launched as one
frames  the way of a frame over the GPU
runner  a session with all of these
thread  the one thread that owns the GPU
engines which there are for a network here, and what builds one that is not
backend the Backend on top

Only library and session import tensorrt; key, cache, journal and kernels need neither it nor PyCUDA.
"""
