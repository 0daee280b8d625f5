/* The gradient of a convolution's weights: products of lines, along columns. */

/* One line of lanes as its channels' lines; a line of channel k starts at to + k * step. */
INLINE void F(split)(const uint32_t *from, uint32_t *to, int64_t step, int64_t count)
{
#if GROUP == 2
    uint16_t *line = (uint16_t *)to;
    for (int64_t i = 0; i < count; i += LANES) {
        __m512i x = _mm512_loadu_si512(from + i);
        _mm256_storeu_si256((__m256i *)(line + i), _mm512_cvtepi32_epi16(x));
        _mm256_storeu_si256(
            (__m256i *)(line + step + i), _mm512_cvtepi32_epi16(_mm512_srli_epi32(x, 16)));
    }
#else
    (void)step;
    memcpy(to, from, count * sizeof *to);
#endif
}

/* sums over columns of products of lines: MR channels of dy by NR channels of x. */
INLINE void F(dots)(
    const int MR, const int NR, const char *a, const char *b, int64_t a_step, int64_t b_step,
    int64_t a_row, int64_t b_row, int64_t count, int64_t vectors, float *to, int64_t to_step)
{
    vf acc[DOT_ROWS][DOT_COLUMNS] = {};
    for (int64_t r = 0; r < count; r++)
        for (int64_t v = 0; v < vectors; v++) {
            const char *ap = a + r * a_row + v * 4 * LANES, *bp = b + r * b_row + v * 4 * LANES;
            vf y[DOT_COLUMNS];
            UNROLL
            for (int n = 0; n < NR; n++) {
                y[n] = *(const vh *)(bp + n * b_step);
                KEEP(y[n]);
            }
            UNROLL
            for (int m = 0; m < MR; m++) {
                const vf x = *(const vf *)(ap + m * a_step);
                UNROLL
                for (int n = 0; n < NR; n++)
#if GROUP == 2
                    acc[m][n] = (vf)_mm512_dpbf16_ps(
                        (__m512)acc[m][n], (__m512bh)(__m512)x, (__m512bh)(__m512)y[n]);
#else
                    acc[m][n] += x * y[n];
#endif
            }
        }
    UNROLL
    for (int m = 0; m < MR; m++)
        UNROLL
        for (int n = 0; n < NR; n++) to[m * to_step + n] += lane_sum(acc[m][n]);
}

#define DOTS(MR, NR)                                                                               \
    F(dots)(MR, NR, a, b, a_step, b_step, a_step * gc, b_step * xc, count, vectors, to, in_channels)
#if DOT_ROWS == 4
#define DOT_TILES(MR)                                                                              \
    switch (nr) {                                                                                  \
    case 6: DOTS(MR, 6); break;                                                                    \
    case 4: DOTS(MR, 4); break;                                                                    \
    default: DOTS(MR, 2);                                                                          \
    }
#else
#define DOT_TILES(MR)                                                                              \
    switch (nr) {                                                                                  \
    case 5: DOTS(MR, 5); break;                                                                    \
    case 4: DOTS(MR, 4); break;                                                                    \
    case 3: DOTS(MR, 3); break;                                                                    \
    case 2: DOTS(MR, 2); break;                                                                    \
    default: DOTS(MR, 1);                                                                          \
    }
#endif

/* the rows of dy that are left, from `m` on */
#if DOT_ROWS == 4
#define DOT_BLOCK                                                                                  \
    if (gc - m >= 4)                                                                               \
        DOT_TILES(4)                                                                               \
    else                                                                                           \
        DOT_TILES(2)
#else
#define DOT_BLOCK DOT_TILES(2)
#endif

/* Gradient of a convolution's weights with respect to those that read one of its input maps.
 *
 * gradient: (channels of dy, inputs of all maps, taps) floats, of which the inputs from `offset` on
 *     are those of x; `inputs` is their number over all maps.
 * dw: (threads, taps, even channels of dy, even channels of x) floats of scratch.
 * scratch: (threads, room) lanes; `room` is at least what `scratch_lanes` says. */
int F(conv_weights)(
    const Map *dy, const Map *x, float *gradient, int64_t inputs, int64_t offset, float *dw,
    uint32_t *scratch, int64_t room, int64_t rows, int64_t columns, int tall, int wide,
    int dilation, int threads)
{
    const int taps = tall * wide;
    const int64_t gc = round_up(dy->channels, 2), in_channels = round_up(x->channels, 2);
    const int64_t whole = round_up(columns, GROUP * LANES), left = beside_line(wide / 2 * dilation);
    const int64_t size = 4 / GROUP; /* bytes of an element */
    const int64_t a_line = whole, b_line = whole + 2 * left;
    const int64_t a_step = a_line * size, b_step = b_line * size;
    const int64_t part = split_channels(in_channels);
    const int64_t each = (gc * a_step + part * b_step + 3) / 4; /* lanes of scratch for a row */
    const int64_t batch = room / each;
    if (batch < 1) return NO_MEMORY;
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int thread = 0; thread < threads; thread++) {
        const int64_t first = rows * thread / threads, last = rows * (thread + 1) / threads;
        float *products = dw + (int64_t)thread * taps * gc * in_channels;
        memset(products, 0, taps * gc * in_channels * sizeof(float));
        char *as = (char *)(scratch + thread * room), *bs = as + batch * gc * a_step;
        for (int64_t start = first; start < last; start += batch) {
            const int64_t stop = start + batch < last ? start + batch : last;
            for (int64_t h = start; h < stop; h++)
                for (int64_t c = 0; c < gc; c += GROUP)
                    F(split)(
                        dy->data + h * dy->row + c / GROUP * dy->group,
                        (uint32_t *)(as + ((h - start) * gc + c) * a_step), a_line, whole);
            for (int64_t p = 0; p < in_channels; p += part) {
                const int64_t xc = in_channels - p < part ? in_channels - p : part;
                for (int ky = 0; ky < tall; ky++) {
                    const int64_t up = (ky - tall / 2) * dilation;
                    const int64_t from = start + up < 0 ? -up : start;
                    const int64_t to_row = stop + up > rows ? rows - up : stop;
                    const int64_t count = to_row - from;
                    if (count <= 0) continue;
                    for (int64_t h = from; h < to_row; h++)
                        for (int64_t c = 0; c < xc; c += GROUP)
                            F(split)(
                                x->data + (h + up) * x->row + (p + c) / GROUP * x->group - left,
                                (uint32_t *)(bs + ((h - from) * xc + c) * b_step), b_line, b_line);
                    for (int64_t n = 0; n < xc; n += DOT_COLUMNS) {
                        const int64_t nr = xc - n < DOT_COLUMNS ? xc - n : DOT_COLUMNS;
                        for (int64_t m = 0; m < gc; m += DOT_ROWS)
                            for (int kx = 0; kx < wide; kx++) {
                                const int64_t dx = (kx - wide / 2) * dilation;
                                const int64_t vectors = whole * size / (4 * LANES);
                                const char *a = as + (from - start) * gc * a_step + m * a_step;
                                const char *b = bs + n * b_step + (left + dx) * size;
                                float *to = products +
                                    ((ky * wide + kx) * gc + m) * in_channels + p + n;
                                DOT_BLOCK
                            }
                    }
                }
            }
        }
    }
    const int64_t size_one = taps * gc * in_channels;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t o = 0; o < dy->channels; o++)
        for (int64_t c = 0; c < x->channels; c++)
            for (int tap = 0; tap < taps; tap++) {
                float total = 0;
                for (int thread = 0; thread < threads; thread++)
                    total += dw[thread * size_one + (tap * gc + o) * in_channels + c];
                gradient[(o * inputs + offset + c) * taps + tap] = total;
            }
    return DONE;
}
