// The kernels: which thread does which pixel. What is done with it stands in pixels.h.
#include "pixels.h"

// rtseg/backends/tensorrt/kernels/arguments.py lays them out too.
static_assert(sizeof(Axis) == 24 && sizeof(Plane) == 16, "laid out as in Python");
static_assert(sizeof(InputArguments) == 256, "laid out as in Python");
static_assert(sizeof(ClassMapArguments) == 80, "laid out as in Python");
static_assert(sizeof(TintArguments) == 136, "laid out as in Python");

extern "C" __global__ void network_input(const InputArguments a) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < a.width && y < a.height) input_pixel(a, x, y);
}

extern "C" __global__ void class_map(const ClassMapArguments a) {
    int left = QUAD * (blockIdx.x * blockDim.x + threadIdx.x), y = blockIdx.y * blockDim.y + threadIdx.y;
    if (left < a.width && y < a.height) class_map_pixels(a, left, y);
}

extern "C" __global__ void tint(const TintArguments a) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < a.width && y < a.height) tint_pixel(a, x, y);
}
