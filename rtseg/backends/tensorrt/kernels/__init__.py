"""Pre- and post-processing on the GPU, so that only pictures go up and only bytes come down.

pixels.h    what is done for each pixel, in plain C
kernels.cu  the kernels around it
axes        which source pixels make an output pixel, and their weights
arguments   what a kernel is called with, laid out as in C
compiled    the compiled kernels, cached per compute capability

rtseg fetches class maps, which are smaller than the planes that they tint and are wanted by every output.
`tint` is for finished frames, which nothing fetches yet; tools/gpu_check measures it beside the others.

None of these needs a GPU. The arithmetic is the same to the last bit wherever it runs; it differs from
rtseg.preprocess by that module's roundings between its steps.
"""
