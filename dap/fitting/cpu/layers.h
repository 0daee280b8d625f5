/* One precision's layers; kernels.c includes this once for each. GROUP is the channels of a lane. */

/* ---- lanes */

INLINE vf F(load)(const uint32_t *from) { return *(const vf *)from; }

/* acc + the sum over a group's channels of x times w, where w is the same for all columns */
INLINE vf F(madd)(vf acc, vf x, const uint32_t *w)
{
#if GROUP == 2
    __m512i wide = _mm512_set1_epi32((int)*w);
    return (vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)(__m512)x, (__m512bh)wide);
#else
    return acc + x * (vf)((vu){} + *w);
#endif
}

/* channel `k` of a group, as floats */
INLINE vf F(channel)(vf x, int k)
{
#if GROUP == 2
    vu bits = (vu)x;
    return k ? (vf)(bits & 0xffff0000u) : (vf)(bits << 16);
#else
    (void)k;
    return x;
#endif
}

/* the channels of a group, rounded to nearest, as lanes */
INLINE vf F(pack)(vf first, vf second)
{
#if GROUP == 2
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)first));
    __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)second));
    return (vf)_mm512_or_si512(low, _mm512_slli_epi32(high, 16));
#else
    (void)second;
    return first;
#endif
}

/* all ones in the first `count` lanes */
INLINE vu F(first)(int64_t count)
{
    vi index;
    for (int i = 0; i < LANES; i++) index[i] = i;
    return (vu)(index < (vi){} + (int32_t)(count > LANES ? LANES : count));
}

INLINE float F(sum)(vf x)
{
    float total = 0;
    for (int i = 0; i < LANES; i++) total += x[i];
    return total;
}

/* ---- convolution */

/* What a convolution does with its sums. */
enum { F(ADD) = 1, F(RELU) = 2 };

typedef struct {
    const Map *in;
    int maps, tall, wide, dilation, flags;
    int64_t rows, columns, depth; /* depth: groups of all maps */
    const float *bias;
} F(Conv);

/* MR channels by NV vectors of columns of one row, at channel `c` and column `w`. Weights are
 * [tap][group][MR] lanes. */
INLINE void F(tile)(
    const int MR, const int NV, const F(Conv) *conv, const Map *out, float *planar, double *sums,
    const uint32_t *weights, int64_t h, int64_t w, int64_t c)
{
    const int64_t rows = conv->rows, columns = conv->columns;
    vf acc[BLOCK][2];
    const int64_t g = c / GROUP;
#pragma GCC unroll 16
    for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
        for (int v = 0; v < NV; v++) acc[m][v] = (vf){} + (conv->bias ? conv->bias[c + m] : 0.0f);
    if (conv->flags & F(ADD))
#pragma GCC unroll 16
        for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
            for (int v = 0; v < NV; v++)
                acc[m][v] += F(channel)(
                    F(load)(out->data + h * out->row + (g + m / GROUP) * out->group + w + v * LANES),
                    m % GROUP);
    for (int tap = 0; tap < conv->tall * conv->wide; tap++) {
        const int64_t dy = (tap / conv->wide - conv->tall / 2) * conv->dilation;
        const int64_t dx = (tap % conv->wide - conv->wide / 2) * conv->dilation;
        if (h + dy < 0 || h + dy >= rows || w + dx >= columns || w + dx + NV * LANES <= 0) continue;
        const uint32_t *wp = weights + tap * conv->depth * MR;
        for (int i = 0; i < conv->maps; i++) {
            const Map *in = conv->in + i;
            const uint32_t *xp = in->data + (h + dy) * in->row + w + dx;
            const int64_t groups = (in->channels + GROUP - 1) / GROUP, step = in->group;
            for (int64_t k = 0; k < groups; k++) {
                vf x[2];
#pragma GCC unroll 16
                for (int v = 0; v < NV; v++) x[v] = F(load)(xp + v * LANES);
#pragma GCC unroll 16
                for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
                    for (int v = 0; v < NV; v++) acc[m][v] = F(madd)(acc[m][v], x[v], wp + m);
                xp += step;
                wp += MR;
            }
        }
    }
#pragma GCC unroll 16
    for (int v = 0; v < NV; v++) {
        const int64_t left = columns - w - v * LANES;
        const vu mask = F(first)(left);
        if (left <= 0) continue;
#pragma GCC unroll 16
        for (int m = 0; m < MR; m++) {
            vf y = acc[m][v];
            if (conv->flags & F(RELU)) y = (vf)((vu)y & (vu)(y > 0.0f));
            acc[m][v] = (vf)((vu)y & mask);
        }
        if (planar) {
#pragma GCC unroll 16
            for (int m = 0; m < MR; m++)
                if (c + m < out->channels) {
                    const vf line = acc[m][v];
                    float *to = planar + ((c + m) * rows + h) * columns + w + v * LANES;
                    memcpy(to, &line, (left < LANES ? left : LANES) * sizeof(float));
                }
        } else {
            uint32_t *to = out->data + h * out->row + g * out->group + w + v * LANES;
#pragma GCC unroll 16
            for (int m = 0; m < MR; m += GROUP, to += out->group)
                *(vf *)to = F(pack)(acc[m][v], acc[m + GROUP - 1][v]);
        }
    }
    if (sums)
#pragma GCC unroll 16
        for (int m = 0; m < MR; m++) {
            vf one = {}, two = {};
#pragma GCC unroll 16
            for (int v = 0; v < NV; v++) {
                one += acc[m][v];
                two += acc[m][v] * acc[m][v];
            }
            sums[2 * (c + m)] += F(sum)(one);
            sums[2 * (c + m) + 1] += F(sum)(two);
        }
}

#define TILE(MR, NV) F(tile)(MR, NV, &conv, out, planar, sum, wp, h, w, c)
#if LANES == 16
#define TILES(NV)                                                                                  \
    switch (width) {                                                                               \
    case 12: TILE(12, NV); break;                                                                  \
    case 10: TILE(10, NV); break;                                                                  \
    case 8: TILE(8, NV); break;                                                                    \
    case 6: TILE(6, NV); break;                                                                    \
    case 4: TILE(4, NV); break;                                                                    \
    default: TILE(2, NV);                                                                          \
    }
#else
#define TILES(NV)                                                                                  \
    switch (width) {                                                                               \
    case 6: TILE(6, NV); break;                                                                    \
    case 4: TILE(4, NV); break;                                                                    \
    default: TILE(2, NV);                                                                          \
    }
#endif

/* out = sum over taps and maps of weights times in, plus bias or, with ADD, plus out.
 *
 * weights: for every block of BLOCK channels of `out` (the last one may be narrower; all are even),
 *     [tap][group][channel] lanes; tap (i, j) of (tall, wide), both odd, reads row
 *     h + (i - tall / 2) dilation and so on.
 * bias: (channels rounded up to even,) or NULL.
 * planar: if given, the result goes here instead, (channels, rows, columns) float32.
 * sums: if given, (rows, even channels, 2) doubles: sum and sum of squares of each row. */
void F(conv)(
    const Map *in, int maps, const Map *out, const uint32_t *weights, const float *bias,
    double *sums, int64_t rows, int64_t columns, int tall, int wide, int dilation, int threads,
    int flags, float *planar)
{
    F(Conv) conv = {in, maps, tall, wide, dilation, flags, rows, columns, 0, bias};
    for (int i = 0; i < maps; i++) conv.depth += (in[i].channels + GROUP - 1) / GROUP;
    const int64_t channels = (out->channels + 1) / 2 * 2;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++) {
        double *sum = sums ? sums + h * channels * 2 : NULL;
        if (sum) memset(sum, 0, channels * 2 * sizeof(double));
        for (int64_t w = 0; w < columns;) {
            const int two = columns - w > LANES;
            for (int64_t c = 0; c < channels; c += BLOCK) {
                const int64_t width = channels - c < BLOCK ? channels - c : BLOCK;
                const uint32_t *wp = weights + c * tall * wide * conv.depth;
                if (two)
                    TILES(2)
                else
                    TILES(1)
            }
            w += two ? 2 * LANES : LANES;
        }
    }
}

/* ---- gradient of the weights */

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
#pragma GCC unroll 16
            for (int n = 0; n < NR; n++) {
                y[n] = *(const vf *)(bp + n * b_step);
                KEEP(y[n]);
            }
#pragma GCC unroll 16
            for (int m = 0; m < MR; m++) {
                const vf x = *(const vf *)(ap + m * a_step);
#pragma GCC unroll 16
                for (int n = 0; n < NR; n++)
#if GROUP == 2
                    acc[m][n] = (vf)_mm512_dpbf16_ps(
                        (__m512)acc[m][n], (__m512bh)(__m512)x, (__m512bh)(__m512)y[n]);
#else
                    acc[m][n] += x * y[n];
#endif
            }
        }
#pragma GCC unroll 16
    for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
        for (int n = 0; n < NR; n++) to[m * to_step + n] += F(sum)(acc[m][n]);
}

#define DOTS(MR, NR)                                                                               \
    F(dots)(MR, NR, a, b, a_step, b_step, a_step * gc, b_step * xc, count, vectors, to, in_channels)
#if LANES == 16
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

enum { F(PART) = 48 }; /* channels of x that are split at a time */

/* Gradient of a convolution's weights with respect to those that read one of its input maps.
 *
 * gradient: (channels of dy, inputs of all maps, taps) floats, of which the inputs from `offset` on
 *     are those of x; `inputs` is their number over all maps.
 * dw: (threads, taps, even channels of dy, even channels of x) floats of scratch.
 * scratch: (threads, scratch_lanes) lanes. */
void F(conv_weights)(
    const Map *dy, const Map *x, float *gradient, int64_t inputs, int64_t offset, float *dw,
    uint32_t *scratch, int64_t scratch_lanes, int64_t rows, int64_t columns, int tall, int wide,
    int dilation, int threads)
{
    const int taps = tall * wide;
    const int64_t gc = (dy->channels + 1) / 2 * 2, in_channels = (x->channels + 1) / 2 * 2;
    const int64_t halo = wide / 2 * dilation;
    const int64_t whole = (columns + 2 * LANES - 1) / (2 * LANES) * (2 * LANES);
    const int64_t size = 4 / GROUP;                  /* bytes of an element */
    const int64_t left = (halo + 31) / 32 * 32;      /* keeps the lines of x aligned */
    const int64_t a_line = whole, b_line = whole + 2 * left;
    const int64_t a_step = a_line * size, b_step = b_line * size;
    const int64_t part = in_channels < F(PART) ? in_channels : F(PART);
    const int64_t each = (gc * a_step + part * b_step + 3) / 4; /* lanes of scratch for a row */
    int64_t batch = scratch_lanes / each;
    if (batch < 1) batch = 1;
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int thread = 0; thread < threads; thread++) {
        const int64_t first = rows * thread / threads, last = rows * (thread + 1) / threads;
        float *own = dw + (int64_t)thread * taps * gc * in_channels;
        memset(own, 0, taps * gc * in_channels * sizeof(float));
        char *as = (char *)(scratch + thread * scratch_lanes), *bs = as + batch * gc * a_step;
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
                                float *to = own +
                                    ((ky * wide + kx) * gc + m) * in_channels + p + n;
#if LANES == 16
                                if (gc - m >= 4)
                                    DOT_TILES(4)
                                else
                                    DOT_TILES(2)
#else
                                DOT_TILES(2)
#endif
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
}

/* ---- what lies between convolutions */

INLINE void F(store)(uint32_t *to, const vf *channels, int64_t left)
{
    *(vf *)to = (vf)((vu)F(pack)(channels[0], channels[GROUP - 1]) & F(first)(left));
}

/* a = relu((y - mean) / sqrt(variance + 1e-5)), as instance normalisation without affine.
 *
 * sums: of y by `conv`. moments: (even channels, 2) floats: mean and reciprocal deviation. */
void F(norm_relu)(
    const Map *y, const Map *a, const double *sums, float *moments, int64_t rows, int64_t columns,
    int threads)
{
    const int64_t channels = (y->channels + 1) / 2 * 2;
    for (int64_t c = 0; c < channels; c++) {
        double one = 0, two = 0;
        for (int64_t h = 0; h < rows; h++) {
            one += sums[(h * channels + c) * 2];
            two += sums[(h * channels + c) * 2 + 1];
        }
        const double mean = one / (rows * columns), variance = two / (rows * columns) - mean * mean;
        moments[2 * c] = mean;
        moments[2 * c + 1] = 1 / sqrt((variance > 0 ? variance : 0) + 1e-5);
    }
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < y->channels; c += GROUP) {
            const uint32_t *from = y->data + h * y->row + c / GROUP * y->group;
            uint32_t *to = a->data + h * a->row + c / GROUP * a->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf x = F(load)(from + w);
                vf out[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    const vf n = (F(channel)(x, k) - moments[2 * (c + k)]) * moments[2 * (c + k) + 1];
                    out[k] = (vf)((vu)n & (vu)(n > 0.0f));
                }
                F(store)(to + w, out, columns - w);
            }
        }
}

/* g, the gradient with respect to a, becomes the one with respect to y.
 *
 * sums: (rows, even channels, 2) doubles of scratch. */
void F(norm_relu_backward)(
    const Map *g, const Map *y, const float *moments, double *sums, int64_t rows, int64_t columns,
    int threads)
{
    const int64_t channels = (y->channels + 1) / 2 * 2;
    float *means = malloc(channels * 2 * sizeof(float));
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < y->channels; c += GROUP) {
            const uint32_t *yp = y->data + h * y->row + c / GROUP * y->group;
            const uint32_t *gp = g->data + h * g->row + c / GROUP * g->group;
            vf one[GROUP] = {}, two[GROUP] = {};
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf x = F(load)(yp + w), d = F(load)(gp + w);
                for (int k = 0; k < GROUP; k++) {
                    const vf n = (F(channel)(x, k) - moments[2 * (c + k)]) * moments[2 * (c + k) + 1];
                    const vf part = (vf)((vu)F(channel)(d, k) & (vu)(n > 0.0f));
                    one[k] += part; /* lanes beyond the last column are 0 in g */
                    two[k] += part * n;
                }
            }
            for (int k = 0; k < GROUP; k++) {
                sums[(h * channels + c + k) * 2] = F(sum)(one[k]);
                sums[(h * channels + c + k) * 2 + 1] = F(sum)(two[k]);
            }
        }
    for (int64_t c = 0; c < y->channels; c++) {
        double one = 0, two = 0;
        for (int64_t h = 0; h < rows; h++) {
            one += sums[(h * channels + c) * 2];
            two += sums[(h * channels + c) * 2 + 1];
        }
        means[2 * c] = one / (rows * columns);
        means[2 * c + 1] = two / (rows * columns);
    }
    if (y->channels < channels) means[2 * y->channels] = means[2 * y->channels + 1] = 0;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < y->channels; c += GROUP) {
            const uint32_t *yp = y->data + h * y->row + c / GROUP * y->group;
            uint32_t *gp = g->data + h * g->row + c / GROUP * g->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf x = F(load)(yp + w), d = F(load)(gp + w);
                vf out[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    const float *moment = moments + 2 * (c + k), *mean = means + 2 * (c + k);
                    const vf n = (F(channel)(x, k) - moment[0]) * moment[1];
                    const vf part = (vf)((vu)F(channel)(d, k) & (vu)(n > 0.0f));
                    out[k] = (part - mean[0] - n * mean[1]) * moment[1];
                }
                F(store)(gp + w, out, columns - w);
            }
        }
    free(means);
}

/* g becomes 0 where a, if given, is not positive; db: (even channels,) sums of g over all pixels.
 *
 * sums: (rows, even channels) doubles of scratch. */
void F(relu_backward)(
    const Map *g, const Map *a, float *db, double *sums, int64_t rows, int64_t columns, int threads)
{
    const int64_t channels = (g->channels + 1) / 2 * 2;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < g->channels; c += GROUP) {
            const uint32_t *ap = a ? a->data + h * a->row + c / GROUP * a->group : NULL;
            uint32_t *gp = g->data + h * g->row + c / GROUP * g->group;
            vf total[GROUP] = {};
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf d = F(load)(gp + w);
                vf out[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    out[k] = F(channel)(d, k);
                    if (a) {
                        const vu positive = (vu)(F(channel)(F(load)(ap + w), k) > 0.0f);
                        out[k] = (vf)((vu)out[k] & positive);
                    }
                    total[k] += out[k];
                }
                if (a) F(store)(gp + w, out, columns - w);
            }
            for (int k = 0; k < GROUP; k++) sums[h * channels + c + k] = F(sum)(total[k]);
        }
    for (int64_t c = 0; c < g->channels; c++) {
        double total = 0;
        for (int64_t h = 0; h < rows; h++) total += sums[h * channels + c];
        db[c] = total;
    }
}

/* every other lane of two vectors, from lane `odd` on */
INLINE vf F(every)(vf low, vf high, int odd)
{
    vi index;
    for (int i = 0; i < LANES; i++) index[i] = 2 * i + odd;
    return __builtin_shuffle(low, high, index);
}

/* half `high` of the lanes of two vectors in turn */
INLINE vf F(mixed)(vf even, vf odd, int high)
{
    vi index;
    for (int i = 0; i < LANES; i++) index[i] = i / 2 + (i % 2) * LANES + high * LANES / 2;
    return __builtin_shuffle(even, odd, index);
}

INLINE vf F(larger)(vf a, vf b)
{
    const vu first = (vu)(a > b);
    return (vf)(((vu)a & first) | ((vu)b & ~first));
}

/* out = the maxima of 2 x 2 pixels of x; rows and columns are those of out. */
void F(max_pool)(const Map *x, const Map *out, int64_t rows, int64_t columns, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < x->channels; c += GROUP) {
            const uint32_t *top = x->data + 2 * h * x->row + c / GROUP * x->group;
            const uint32_t *bottom = top + x->row;
            uint32_t *to = out->data + h * out->row + c / GROUP * out->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf a = F(load)(top + 2 * w), b = F(load)(top + 2 * w + LANES);
                const vf d = F(load)(bottom + 2 * w), e = F(load)(bottom + 2 * w + LANES);
                vf best[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    const vf low = F(larger)(F(channel)(a, k), F(channel)(d, k));
                    const vf high = F(larger)(F(channel)(b, k), F(channel)(e, k));
                    best[k] = F(larger)(F(every)(low, high, 0), F(every)(low, high, 1));
                }
                F(store)(to + w, best, columns - w);
            }
        }
}

/* gx: 0 but for the first maximum of each 2 x 2 pixels of x, which gets g. */
void F(max_pool_backward)(
    const Map *g, const Map *x, const Map *gx, int64_t rows, int64_t columns, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < x->channels; c += GROUP) {
            const uint32_t *top = x->data + 2 * h * x->row + c / GROUP * x->group;
            const uint32_t *bottom = top + x->row;
            const uint32_t *from = g->data + h * g->row + c / GROUP * g->group;
            uint32_t *to = gx->data + 2 * h * gx->row + c / GROUP * gx->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf a = F(load)(top + 2 * w), b = F(load)(top + 2 * w + LANES);
                const vf d = F(load)(bottom + 2 * w), e = F(load)(bottom + 2 * w + LANES);
                const vf gradient = F(load)(from + w);
                vf part[4][GROUP]; /* top left, top right, bottom left, bottom right */
                for (int k = 0; k < GROUP; k++) {
                    const vf low = F(channel)(a, k), high = F(channel)(b, k);
                    const vf low2 = F(channel)(d, k), high2 = F(channel)(e, k);
                    const vf x4[4] = {
                        F(every)(low, high, 0), F(every)(low, high, 1), F(every)(low2, high2, 0),
                        F(every)(low2, high2, 1)};
                    const vf best = F(larger)(F(larger)(x4[0], x4[1]), F(larger)(x4[2], x4[3]));
                    vu taken = {};
                    for (int i = 0; i < 4; i++) {
                        const vu here = (vu)(x4[i] == best) & ~taken;
                        part[i][k] = (vf)((vu)F(channel)(gradient, k) & here);
                        taken |= here;
                    }
                }
                for (int i = 0; i < 2; i++) {
                    const vf *even = part[2 * i], *odd = part[2 * i + 1];
                    for (int half = 0; half < 2; half++) {
                        vf out[GROUP];
                        const int64_t column = 2 * w + half * LANES;
                        if (column >= 2 * columns) continue;
                        for (int k = 0; k < GROUP; k++) out[k] = F(mixed)(even[k], odd[k], half);
                        F(store)(to + i * gx->row + column, out, 2 * columns - column);
                    }
                }
            }
        }
}

/* out = the means of 2 x 2 pixels of x; rows and columns are those of out. */
void F(mean_pool)(const Map *x, const Map *out, int64_t rows, int64_t columns, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < x->channels; c += GROUP) {
            const uint32_t *top = x->data + 2 * h * x->row + c / GROUP * x->group;
            const uint32_t *bottom = top + x->row;
            uint32_t *to = out->data + h * out->row + c / GROUP * out->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf a = F(load)(top + 2 * w), b = F(load)(top + 2 * w + LANES);
                const vf d = F(load)(bottom + 2 * w), e = F(load)(bottom + 2 * w + LANES);
                vf mean[GROUP];
                for (int k = 0; k < GROUP; k++) {
                    const vf low = F(channel)(a, k) + F(channel)(d, k);
                    const vf high = F(channel)(b, k) + F(channel)(e, k);
                    mean[k] = 0.25f * (F(every)(low, high, 0) + F(every)(low, high, 1));
                }
                F(store)(to + w, mean, columns - w);
            }
        }
}

/* The adjoint of `mean_pool`: gx from g, or with ADD gx plus it. */
void F(mean_pool_backward)(
    const Map *g, const Map *gx, int64_t rows, int64_t columns, int threads, int flags)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < 2 * rows; h++)
        for (int64_t c = 0; c < g->channels; c += GROUP) {
            const uint32_t *from = g->data + h / 2 * g->row + c / GROUP * g->group;
            uint32_t *to = gx->data + h * gx->row + c / GROUP * gx->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf gradient = F(load)(from + w);
                for (int half = 0; half < 2; half++) {
                    vf out[GROUP];
                    const int64_t column = 2 * w + half * LANES;
                    if (column >= 2 * columns) continue;
                    const vf before = F(load)(to + column);
                    for (int k = 0; k < GROUP; k++) {
                        const vf part = 0.25f * F(channel)(gradient, k);
                        out[k] = F(mixed)(part, part, half);
                        if (flags & F(ADD)) out[k] += F(channel)(before, k);
                    }
                    F(store)(to + column, out, 2 * columns - column);
                }
            }
        }
}

/* The lines of a group as floats, a sum of rows: line of channel k at to + k * step, from lane 1 on,
 * the first and last column repeated once beyond the ends. */
INLINE void F(blend)(
    const Map *x, int64_t g, const int64_t *at, const float *weight, int count, float *to,
    int64_t step, int64_t columns)
{
    for (int64_t w = 0; w < columns; w += LANES)
        for (int k = 0; k < GROUP; k++) {
            vf total = {};
            for (int i = 0; i < count; i++)
                total += weight[i] *
                    F(channel)(F(load)(x->data + at[i] * x->row + g * x->group + w), k);
            *(vf *)(to + k * step + 1 + w) = total;
        }
    for (int k = 0; k < GROUP; k++) {
        to[k * step] = to[k * step + 1];
        to[k * step + columns + 1] = to[k * step + columns];
    }
}

INLINE int64_t F(inside)(int64_t i, int64_t count) { return i < 0 ? 0 : i < count ? i : count - 1; }

/* out = x, bilinearly interpolated to twice its rows and columns (centres of pixels aligned); rows
 * and columns are those of x. */
void F(upsample)(const Map *x, const Map *out, int64_t rows, int64_t columns, int threads)
{
    const int64_t step = columns + 4 * LANES;
#pragma omp parallel num_threads(threads)
    {
        float *line = malloc(step * GROUP * sizeof(float));
#pragma omp for schedule(static)
        for (int64_t h = 0; h < 2 * rows; h++)
            for (int64_t g = 0; g * GROUP < x->channels; g++) {
                const int64_t at[2] = {h / 2, F(inside)(h % 2 ? h / 2 + 1 : h / 2 - 1, rows)};
                const float weight[2] = {0.75f, 0.25f};
                F(blend)(x, g, at, weight, 2, line, step, columns);
                uint32_t *to = out->data + h * out->row + g * out->group;
                for (int64_t w = 0; w < columns; w += LANES) {
                    vf even[GROUP], odd[GROUP], mixed[GROUP];
                    for (int k = 0; k < GROUP; k++) {
                        const float *b = line + k * step + w;
                        even[k] = 0.25f * *(const vf *)b + 0.75f * *(const vf *)(b + 1);
                        odd[k] = 0.75f * *(const vf *)(b + 1) + 0.25f * *(const vf *)(b + 2);
                    }
                    for (int half = 0; half < 2; half++) {
                        const int64_t column = 2 * w + half * LANES;
                        if (column >= 2 * columns) continue;
                        for (int k = 0; k < GROUP; k++) mixed[k] = F(mixed)(even[k], odd[k], half);
                        F(store)(to + column, mixed, 2 * columns - column);
                    }
                }
            }
        free(line);
    }
}

/* The adjoint of `upsample`: gx from g; rows and columns are those of gx. */
void F(upsample_backward)(const Map *g, const Map *gx, int64_t rows, int64_t columns, int threads)
{
    const int64_t step = 2 * columns + 8 * LANES;
#pragma omp parallel num_threads(threads)
    {
        float *line = calloc(step * GROUP, sizeof(float));
#pragma omp for schedule(static)
        for (int64_t h = 0; h < rows; h++)
            for (int64_t group = 0; group * GROUP < gx->channels; group++) {
                const int64_t at[4] = {
                    F(inside)(2 * h - 1, 2 * rows), 2 * h, 2 * h + 1,
                    F(inside)(2 * h + 2, 2 * rows)};
                const float weight[4] = {0.25f, 0.75f, 0.75f, 0.25f};
                F(blend)(g, group, at, weight, 4, line, step, 2 * columns);
                uint32_t *to = gx->data + h * gx->row + group * gx->group;
                for (int64_t w = 0; w < columns; w += LANES) {
                    vf out[GROUP];
                    for (int k = 0; k < GROUP; k++) {
                        const float *b = line + k * step + 2 * w;
                        const vf one = *(const vf *)b, two = *(const vf *)(b + LANES);
                        const vf three = *(const vf *)(b + 2), four = *(const vf *)(b + 2 + LANES);
                        out[k] = 0.25f * (F(every)(one, two, 0) + F(every)(three, four, 1)) +
                            0.75f * (F(every)(one, two, 1) + F(every)(three, four, 0));
                    }
                    F(store)(to + w, out, columns - w);
                }
            }
        free(line);
    }
}

/* ---- sampling of rows, for harmonic convolution */

/* the longest filter, and zeros on either side of a line of floats: at least half of that */
enum { F(TAPS) = 7, F(SIDE) = 16 };

/* Lines of one group of `part`, the weighted sum of the rows that the table names for output line
 * `at`: channel k at to + k * step, from lane SIDE on. */
INLINE void F(gather)(
    const Map *x, const Table *table, int64_t at, int64_t g, int64_t part_groups, float *to,
    int64_t step, int64_t columns)
{
    const Entry *from = table->entries + table->starts[at];
    const Entry *last = table->entries + table->starts[at + 1];
    for (int64_t w = 0; w < columns; w += LANES) {
        vf total[GROUP] = {};
        for (const Entry *e = from; e < last; e++) {
            const vf line = F(load)(
                x->data + e->row * x->row + (e->part * part_groups + g) * x->group + w);
            for (int k = 0; k < GROUP; k++) total[k] += e->weight * F(channel)(line, k);
        }
        for (int k = 0; k < GROUP; k++) *(vf *)(to + k * step + F(SIDE) + w) = total[k];
    }
}

/* out = for each row and each part of it, the sum of rows and parts of x that the table names, then
 * filtered along columns.
 *
 * A part is `channels` channels, rounded up to even; parts follow each other.
 * table: lines are (row of out, part of out).
 * filter: (channels, length) floats, length at most TAPS, or NULL. */
void F(sample)(
    const Map *x, const Map *out, const Table *table, const float *filter, int length,
    int64_t channels, int64_t rows, int64_t columns, int threads)
{
    const int64_t groups = (channels + 1) / 2 * 2 / GROUP, parts = out->channels / GROUP / groups;
    const int64_t step = (columns + LANES - 1) / LANES * LANES + 2 * F(SIDE);
#pragma omp parallel num_threads(threads)
    {
        float *line = calloc(step * GROUP, sizeof(float));
#pragma omp for schedule(dynamic, 4)
        for (int64_t h = 0; h < rows; h++)
            for (int64_t n = 0; n < parts; n++)
                for (int64_t g = 0; g < groups; g++) {
                    uint32_t *to = out->data + h * out->row + (n * groups + g) * out->group;
                    F(gather)(x, table, h * parts + n, g, groups, line, step, columns);
                    for (int64_t w = 0; w < columns; w += LANES) {
                        vf y[GROUP] = {};
                        for (int k = 0; k < GROUP; k++) {
                            const float *from = line + k * step + F(SIDE) + w;
                            const int64_t c = g * GROUP + k;
                            if (!filter)
                                y[k] = *(const vf *)from;
                            else if (c < channels)
                                for (int s = 0; s < length; s++)
                                    y[k] += filter[c * length + s] *
                                        *(const vf *)(from + s - length / 2);
                        }
                        F(store)(to + w, y, columns - w);
                    }
                }
        free(line);
    }
}

/* The gradient of `sample`: gx from g, and of the filter.
 *
 * table: the transposed one; lines are (row of x, part of x).
 * dfilter: (channels, length) floats.
 * sums: (rows, even channels, length) doubles of scratch. */
void F(sample_backward)(
    const Map *g, const Map *x, const Map *gx, const Table *table, const float *filter,
    float *dfilter, double *sums, int length, int64_t channels, int64_t rows, int64_t columns,
    int threads)
{
    const int64_t even = (channels + 1) / 2 * 2;
    const int64_t groups = even / GROUP, parts = x->channels / GROUP / groups;
    const int64_t step = (columns + LANES - 1) / LANES * LANES + 2 * F(SIDE);
#pragma omp parallel num_threads(threads)
    {
        float *line = calloc(step * GROUP, sizeof(float));
#pragma omp for schedule(dynamic, 4)
        for (int64_t h = 0; h < rows; h++) {
            double *sum = sums + h * even * length;
            if (filter) memset(sum, 0, even * length * sizeof(double));
            for (int64_t n = 0; n < parts; n++)
                for (int64_t group = 0; group < groups; group++) {
                    const int64_t lane = (n * groups + group);
                    const uint32_t *xp = x->data + h * x->row + lane * x->group;
                    uint32_t *to = gx->data + h * gx->row + lane * gx->group;
                    F(gather)(g, table, h * parts + n, group, groups, line, step, columns);
                    for (int64_t w = 0; w < columns && !filter; w += LANES) {
                        vf y[GROUP];
                        for (int k = 0; k < GROUP; k++)
                            y[k] = *(const vf *)(line + k * step + F(SIDE) + w);
                        F(store)(to + w, y, columns - w);
                    }
                    if (!filter) continue;
                    vf total[GROUP][F(TAPS)] = {};
                    for (int64_t w = 0; w < columns; w += LANES) {
                        const vf value = F(load)(xp + w);
                        vf y[GROUP] = {};
                        for (int k = 0; k < GROUP; k++) {
                            const int64_t c = group * GROUP + k;
                            if (c >= channels) continue;
                            const float *from = line + k * step + F(SIDE) + w + length / 2;
#pragma GCC unroll 8
                            for (int s = 0; s < F(TAPS); s++) {
                                if (s >= length) break;
                                const vf d = *(const vf *)(from - s);
                                y[k] += filter[c * length + s] * d;
                                total[k][s] += d * F(channel)(value, k);
                            }
                        }
                        F(store)(to + w, y, columns - w);
                    }
                    for (int k = 0; k < GROUP; k++)
                        for (int s = 0; s < length; s++)
                            sum[(group * GROUP + k) * length + s] += F(sum)(total[k][s]);
                }
        }
        free(line);
    }
    for (int64_t i = 0; filter && i < channels * length; i++) {
        double total = 0;
        for (int64_t h = 0; h < rows; h++) total += sums[h * even * length + i];
        dfilter[i] = total;
    }
}

/* ---- in and out */

/* out = planes, (channels, rows, columns) float32. */
void F(import_planes)(
    const float *planes, const Map *out, int64_t rows, int64_t columns, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t h = 0; h < rows; h++)
        for (int64_t c = 0; c < out->channels; c += GROUP) {
            uint32_t *to = out->data + h * out->row + c / GROUP * out->group;
            for (int64_t w = 0; w < columns; w += LANES) {
                vf x[GROUP] = {};
                for (int k = 0; k < GROUP && c + k < out->channels; k++) {
                    const float *from = planes + ((c + k) * rows + h) * columns + w;
                    for (int64_t i = 0; i < LANES && w + i < columns; i++) x[k][i] = from[i];
                }
                F(store)(to + w, x, columns - w);
            }
        }
}

/* planes, (channels, rows, columns) float32, = x. */
void F(export_planes)(const Map *x, float *planes, int64_t rows, int64_t columns)
{
    for (int64_t c = 0; c < x->channels; c++)
        for (int64_t h = 0; h < rows; h++)
            for (int64_t w = 0; w < columns; w += LANES) {
                const vf line = F(channel)(
                    F(load)(x->data + h * x->row + c / GROUP * x->group + w), c % GROUP);
                float *to = planes + (c * rows + h) * columns + w;
                for (int64_t i = 0; i < LANES && w + i < columns; i++) to[i] = line[i];
            }
}

/* The weights of `conv` for `rows_count` output channels (even) and `columns_count` inputs.
 *
 * Output r and input c take w[rows[r] * row_step + columns[c] * column_step + tap], the taps in
 * reverse order with `flip`; an index of -1 stands for weights of 0. The inputs of every map fill
 * whole groups. */
void F(pack_weights)(
    const float *w, int64_t row_step, int64_t column_step, int taps, int flip, const int32_t *rows,
    int64_t rows_count, const int32_t *columns, int64_t columns_count, uint32_t *out, int threads)
{
    const int64_t groups = columns_count / GROUP;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t start = 0; start < rows_count; start += BLOCK) {
        const int64_t width = rows_count - start < BLOCK ? rows_count - start : BLOCK;
        uint32_t *to = out + start * taps * groups;
        for (int tap = 0; tap < taps; tap++)
            for (int64_t g = 0; g < groups; g++)
                for (int64_t m = 0; m < width; m++) {
                    uint32_t lane = 0;
                    for (int k = 0; k < GROUP; k++) {
                        const int32_t r = rows[start + m], c = columns[g * GROUP + k];
                        float value = 0;
                        if (r >= 0 && c >= 0)
                            value = w[r * row_step + c * column_step + (flip ? taps - 1 - tap : tap)];
                        uint32_t bits;
                        memcpy(&bits, &value, 4);
#if GROUP == 2
                        bits = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16; /* nearest, ties to even */
                        lane |= bits << 16 * k;
#else
                        lane = bits;
#endif
                    }
                    to[(tap * groups + g) * width + m] = lane;
                }
    }
}
