"""ONNX to TensorRT engines: one code path for TensorRT 8.6, 10 and 11.

make     the whole way: network, key, cache, build, parity, cache
half     float32 ONNX to float16
network  ONNX to TensorRT's network, and what it says of operators that it does not know
config   how TensorRT is to build it
build    building in a thread of its own, which Ctrl-C stops
progress how far that is

Precision is in the ONNX itself (float16 values, or Q/DQ pairs), for TensorRT 11 knows no other way.
"""
