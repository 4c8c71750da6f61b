// What is done for each pixel, as plain functions: nvcc compiles them for the GPU, any C++ compiler for the tests.
//
// Nothing here depends on which thread does it, and --fmad=false keeps a product and a sum two roundings, so that
// the GPU, the CPU and NumPy say the same to the last bit.
#pragma once

#ifdef __CUDACC__
#define PIXEL static __device__ __forceinline__
#else
#include <math.h>
#define PIXEL static inline
#endif

typedef unsigned char Byte;

// For each output coordinate the first source coordinate and the weights of as many as follow.
struct Axis {
    const int *first;
    const float *weights;
    int taps;
    int length;  // of the source
};

// One channel: rows `pitch` bytes apart, pixels `step`: 1 in a plane of its own, 2 in NV12's UV, 3 in BGR.
struct Plane {
    Byte *pixels;
    int pitch;
    int step;
};

struct InputArguments {
    Plane planes[3];
    Axis across[3];
    Axis down[3];
    float matrix[12];  // (3, 4): RGB of the three channels and 1
    Byte *rgb;         // (height, width, 3)
    int width;
    int height;
};

struct ClassMapArguments {
    const float *logits;  // (classes, down.length, across.length)
    Axis across;          // of two taps
    Axis down;
    Byte *map;  // (height, pitch), of which pitch is a multiple of 4 and the first `width` columns count
    int classes;
    int pitch;
    int width;
    int height;
};

struct TintArguments {
    const Byte *map;     // (height, map_pitch)
    const Byte *colors;  // (256, 4): what each class becomes in each channel; the last is 0 where it stays hidden
    Plane planes[3];
    Plane tinted[3];
    int map_pitch;
    int channels;
    int width;
    int height;
    float opacity;
    int crisp;  // whether the inner side of a region's border gets the colour at full strength
};

PIXEL int at_most(int value, int most) { return value < most ? value : most; }

PIXEL Byte to_byte(float value) { return (Byte)rintf(fminf(fmaxf(value, 0.0f), 255.0f)); }

PIXEL float resized(const Plane &plane, const Axis &across, const Axis &down, int x, int y) {
    const Byte *row = plane.pixels + (long long)down.first[y] * plane.pitch + across.first[x] * plane.step;
    const float *columns = across.weights + (long long)x * across.taps;
    const float *rows = down.weights + (long long)y * down.taps;
    float sum = 0.0f;
    for (int i = 0; i < down.taps; ++i, row += plane.pitch) {
        float line = 0.0f;
        for (int j = 0; j < across.taps; ++j) line += columns[j] * (float)row[j * plane.step];
        sum += rows[i] * line;
    }
    return sum;
}

PIXEL void input_pixel(const InputArguments &a, int x, int y) {
    float one = resized(a.planes[0], a.across[0], a.down[0], x, y);
    float two = resized(a.planes[1], a.across[1], a.down[1], x, y);
    float three = resized(a.planes[2], a.across[2], a.down[2], x, y);
    Byte *rgb = a.rgb + ((long long)y * a.width + x) * 3;
    for (int c = 0; c < 3; ++c) {
        const float *m = a.matrix + 4 * c;
        rgb[c] = to_byte(m[0] * one + m[1] * two + m[2] * three + m[3]);
    }
}

#define QUAD 4  // pixels side by side that one thread does: what they share of the logits is read once

PIXEL void class_map_pixels(const ClassMapArguments &a, int left, int y) {
    int first[QUAD];
    float near[QUAD], far[QUAD], best[QUAD];
    unsigned int winners = 0;
    for (int i = 0; i < QUAD; ++i) {
        int x = at_most(left + i, a.width - 1);
        first[i] = a.across.first[x];
        near[i] = a.across.weights[2 * x];
        far[i] = a.across.weights[2 * x + 1];
        best[i] = 0.0f;
    }
    int columns = a.across.length, top = a.down.first[y], bottom = at_most(top + 1, a.down.length - 1);
    float upper_share = a.down.weights[2 * y], lower_share = a.down.weights[2 * y + 1];
    for (int c = 0; c < a.classes; ++c) {
        const float *upper = a.logits + ((long long)c * a.down.length + top) * columns;
        const float *lower = a.logits + ((long long)c * a.down.length + bottom) * columns;
        int here = -1, next = -1;
        float value_here = 0.0f, value_next = 0.0f;
        for (int i = 0; i < QUAD; ++i) {
            if (first[i] != here) {
                value_here = first[i] == next ? value_next
                                              : upper_share * upper[first[i]] + lower_share * lower[first[i]];
                here = first[i];
                next = at_most(here + 1, columns - 1);
                value_next = upper_share * upper[next] + lower_share * lower[next];
            }
            float value = near[i] * value_here + far[i] * value_next;
            if (c == 0 || value > best[i]) {  // of equal ones the first
                best[i] = value;
                winners = (winners & ~(255u << 8 * i)) | (unsigned int)c << 8 * i;
            }
        }
    }
    *(unsigned int *)(a.map + (long long)y * a.pitch + left) = winners;
}

PIXEL void tint_pixel(const TintArguments &a, int x, int y) {
    const Byte *color = a.colors + 4 * a.map[(long long)y * a.map_pitch + x];
    bool border = false;
    if (a.crisp && color[3]) {
        // Of two regions that touch, the one of the greater first channel has the border.
        for (int row = y > 0 ? y - 1 : 0; row <= at_most(y + 1, a.height - 1); ++row)
            for (int column = x > 0 ? x - 1 : 0; column <= at_most(x + 1, a.width - 1); ++column)
                border |= a.colors[4 * a.map[(long long)row * a.map_pitch + column]] < color[0];
    }
    for (int c = 0; c < a.channels; ++c) {
        const Plane &from = a.planes[c], &to = a.tinted[c];
        float before = (float)from.pixels[(long long)y * from.pitch + x * from.step];
        float mixed = (1.0f - a.opacity) * before + a.opacity * (float)color[c];
        to.pixels[(long long)y * to.pitch + x * to.step] =
            !color[3] ? (Byte)before : border ? color[c] : to_byte(mixed);
    }
}
