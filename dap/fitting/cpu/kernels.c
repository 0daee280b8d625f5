/* The layers of the U-Nets, forward and backward, for CPUs. README.md draws the memory.
 *
 * A feature map is stored as rows of groups of lanes, [row][group][column], of 32 bits a lane: one
 * float32 channel, or a pair of bfloat16 channels (the even one in the lower half), which is what
 * the CPU's bfloat16 product takes. Left and right of each line of lanes there are zeros, at least
 * as many as the largest dilation that reads the map, so that a convolution needs no bounds along
 * columns; rows outside are skipped. A concatenation of maps is a list of maps: nothing is copied.
 *
 * Every loop over rows is divided among threads in equal parts, and sums over rows are made in
 * double precision in the order of rows or of threads: the bits depend on the number of threads
 * alone.
 *
 * Every function that a layer calls returns DONE or NO_MEMORY.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16 /* of a vector register */
#define BLOCK 12 /* channels of a tile of a convolution */
#define DOT_ROWS 4
#define DOT_COLUMNS 6
#define SCRATCH 150000 /* lanes a thread: what was fastest, of a core's second-level cache */
#elif defined(__aarch64__) || defined(FOUR_LANES) /* the latter to test it elsewhere */
#if defined(__aarch64__)
#include <arm_neon.h>
#endif
#define LANES 4
#define BLOCK 8
#define DOT_ROWS 4
#define DOT_COLUMNS 6
#define SCRATCH 30000
#else
#define LANES 8
#define BLOCK 6
#define DOT_ROWS 2
#define DOT_COLUMNS 5
#define SCRATCH 30000
#endif
/* keeps the compiler from loading a value again instead of holding it in a register */
#if defined(__x86_64__)
#define KEEP(x) __asm__("" : "+v"(x))
#else
#define KEEP(x) (void)(x)
#endif
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vf __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t vu __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
/* two bfloat16 columns a lane, from any column on */
typedef float vh __attribute__((vector_size(4 * LANES), aligned(2), may_alias));

typedef struct {
    uint32_t *data; /* row 0, group 0, column 0 */
    int64_t row;    /* lanes from row to row */
    int64_t group;  /* lanes from group to group */
    int64_t channels;
} Map;

/* Weights of rows and parts of a map, as a sparse matrix by lines: line i has the entries from
 * starts[i] on, up to starts[i + 1]. */
typedef struct {
    int32_t row, part;
    float weight;
} Entry;

typedef struct {
    const int64_t *starts;
    const Entry *entries;
} Table;

enum { DONE, NO_MEMORY };
enum { ADD = 1, RELU = 2 }; /* flags: add to what is there; what is negative becomes 0 */
enum {
    SPLIT = 48,  /* channels of an input whose lines `conv_weights` holds at a time */
    MARGIN = 32, /* a multiple of it is what `conv_weights` reads beside a line: aligned copies */
    TAPS = 7,    /* of the longest filter along columns */
    SIDE = 16,   /* zeros on either side of a line that is filtered */
    POINTS = 4,  /* products of two rows and a column of three taps, in winograd.h */
    WINOGRAD_TAPS = 3 * POINTS
};

/* What library.py reads from here, and what it checks: the sizes of structures. */
typedef struct {
    int32_t constants, map, entry, table; /* bytes */
    int32_t group;                        /* channels of a lane */
    int32_t lanes, margin, taps, add, relu, scratch;
    int32_t winograd, winograd_taps; /* whether it is used, and taps of its weights */
} Constants;

#define NAME(x, y) x##y
#define EXPAND(x, y) NAME(x, y)
#define F(name) EXPAND(name, SUFFIX)

INLINE int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

INLINE int64_t clamped(int64_t i, int64_t count) { return i < 0 ? 0 : i < count ? i : count - 1; }

/* all ones in the first `count` lanes */
INLINE vu first_lanes(int64_t count)
{
    vi index;
    for (int i = 0; i < LANES; i++) index[i] = i;
    return (vu)(index < (vi){} + (int32_t)(count > LANES ? LANES : count));
}

INLINE float lane_sum(vf x)
{
#if LANES == 8
    typedef float half __attribute__((vector_size(16)));
    half parts[2];
    memcpy(parts, &x, sizeof x);
    const half sums = parts[0] + parts[1];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
#else
    float total = 0;
    for (int i = 0; i < LANES; i++) total += x[i];
    return total;
#endif
}

INLINE vf larger(vf a, vf b)
{
    const vu first = (vu)(a > b);
    return (vf)(((vu)a & first) | ((vu)b & ~first));
}

/* lanes of two vectors, which are counted on from the first to the second */
INLINE vf shuffled(vf low, vf high, vi index)
{
#if defined(__clang__)
    vf out;
    UNROLL
    for (int i = 0; i < LANES; i++)
        out[i] = index[i] < LANES ? low[index[i] % LANES] : high[index[i] % LANES];
    return out;
#else
    return __builtin_shuffle(low, high, index);
#endif
}

/* every other lane of two vectors, from lane `odd` on */
INLINE vf every_other(vf low, vf high, int odd)
{
    vi index;
    for (int i = 0; i < LANES; i++) index[i] = 2 * i + odd;
    return shuffled(low, high, index);
}

/* half `high` of the lanes of two vectors in turn */
INLINE vf interleaved(vf even, vf odd, int high)
{
    vi index;
    for (int i = 0; i < LANES; i++) index[i] = i / 2 + (i % 2) * LANES + high * LANES / 2;
    return shuffled(even, odd, index);
}

/* A line of a map of `columns` columns in whole pairs of vectors. */
INLINE int64_t whole_line(int64_t columns) { return round_up(columns, 2 * LANES); }

/* Lanes that `conv_weights` reads on either side of a line, of a filter that reaches `reach`
 * columns to either side. */
INLINE int64_t beside_line(int64_t reach) { return round_up(reach, MARGIN); }

/* Channels of an input, even in number, that `conv_weights` splits at a time. */
INLINE int64_t split_channels(int64_t in_channels)
{
    return in_channels < SPLIT ? in_channels : SPLIT;
}

/* Lanes of scratch that a thread of `conv_weights` needs for one row; in bfloat16, for two. */
int64_t scratch_lanes(int64_t out_channels, int64_t in_channels, int64_t columns, int64_t reach)
{
    const int64_t line = whole_line(columns);
    return round_up(out_channels, 2) * line +
        split_channels(round_up(in_channels, 2)) * (line + 2 * beside_line(reach));
}

/* Lanes of scratch that a thread of `conv_winograd` needs. */
int64_t winograd_lanes(int64_t in_channels, int64_t dilation)
{
    return POINTS * in_channels * (2 * LANES + 2 * round_up(dilation, LANES));
}

/* Tap (t, kx) of the weights that `conv_winograd` reads, from the 3x3 taps of a kernel. */
INLINE float winograd_weight(const float *kernel, int tap, int flip)
{
    const int kx = flip ? 2 - tap % 3 : tap % 3;
    const float first = kernel[(flip ? 6 : 0) + kx], last = kernel[(flip ? 0 : 6) + kx];
    switch (tap / 3) {
    case 0: return first;
    case 1: return (first + kernel[3 + kx] + last) / 2;
    case 2: return (first - kernel[3 + kx] + last) / 2;
    default: return last;
    }
}

#define SUFFIX _float32
#define GROUP 1
#include "layers.h"
#undef SUFFIX
#undef GROUP

#if defined(__AVX512BF16__)
#define SUFFIX _bfloat16
#define GROUP 2
#include "layers.h"
#endif
