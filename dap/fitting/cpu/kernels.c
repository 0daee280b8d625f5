/* The layers of the U-Nets, forward and backward, for CPUs.
 *
 * A feature map is stored as rows of groups of lanes, [row][group][column], of 32 bits a lane: one
 * float32 channel, or a pair of bfloat16 channels (the even one in the lower half), which is what the
 * CPU's bfloat16 product takes. Left and right of each line of lanes there are zeros, at least as many
 * as the largest dilation that reads the map, so that a convolution needs no bounds along columns; rows
 * outside are skipped. A concatenation of maps is a list of maps: nothing is copied.
 *
 * Every loop over rows is divided among threads in equal parts, and sums over rows are made in double
 * precision in the order of rows or of threads: the bits depend on the number of threads alone.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
#define BLOCK 12 /* channels of a tile of a convolution */
#define DOT_ROWS 4
#define DOT_COLUMNS 6
#else
#define LANES 8
#define BLOCK 6
#define DOT_ROWS 2
#define DOT_COLUMNS 5
#endif
/* keeps the compiler from loading a value again instead of holding it in a register */
#if defined(__x86_64__)
#define KEEP(x) __asm__("" : "+v"(x))
#else
#define KEEP(x) (void)(x)
#endif
#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t vu __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

typedef struct {
    uint32_t *data; /* row 0, group 0, column 0 */
    int64_t row;    /* lanes from row to row */
    int64_t group;  /* lanes from group to group */
    int64_t channels;
} Map;

/* Weights of rows and parts of a map, as a sparse matrix by lines: entries starts[i] ... are line i's. */
typedef struct {
    int32_t row, part;
    float weight;
} Entry;

typedef struct {
    const int64_t *starts;
    const Entry *entries;
} Table;

#define NAME(x, y) x##y
#define EXPAND(x, y) NAME(x, y)
#define F(name) EXPAND(name, SUFFIX)

#define SUFFIX _float32
#define GROUP 1
#include "layers.h"
#undef SUFFIX
#undef GROUP

#if defined(__AVX512BF16__)
#define SUFFIX _bfloat16
#define GROUP 2
#include "layers.h"
int has_bfloat16(void) { return 1; }
#else
int has_bfloat16(void) { return 0; }
#endif

int lanes(void) { return LANES; }
int block(void) { return BLOCK; }
