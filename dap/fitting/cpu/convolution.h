/* Convolution, and the weights in the order in which it reads them. */

typedef struct {
    const Map *in;
    int maps, tall, wide, dilation, flags;
    int64_t rows, columns, depth; /* depth: groups of all maps */
    const float *bias;
} F(Conv);

/* The sums of a tile before its products: bias or, with ADD, what is there, too. */
INLINE void F(begin)(
    const int MR, const int NV, vf acc[BLOCK][2], const F(Conv) *conv, const Map *out, int64_t h,
    int64_t w, int64_t c)
{
    const int64_t g = c / GROUP;
    UNROLL
    for (int m = 0; m < MR; m++)
        UNROLL
        for (int v = 0; v < NV; v++) acc[m][v] = (vf){} + (conv->bias ? conv->bias[c + m] : 0.0f);
    if (conv->flags & ADD)
        UNROLL
        for (int m = 0; m < MR; m++)
            UNROLL
            for (int v = 0; v < NV; v++)
                acc[m][v] += F(channel)(
                    F(load)(
                        out->data + h * out->row + (g + m / GROUP) * out->group + w + v * LANES),
                    m % GROUP);
}

/* Adds the products of one tap: of `groups` lines, `step` lanes from each to the next. */
INLINE const uint32_t *F(products)(
    const int MR, const int NV, vf acc[BLOCK][2], const uint32_t *xp, int64_t step, int64_t groups,
    const uint32_t *wp)
{
    for (int64_t k = 0; k < groups; k++) {
        vf x[2];
        UNROLL
        for (int v = 0; v < NV; v++) x[v] = F(load)(xp + v * LANES);
        UNROLL
        for (int m = 0; m < MR; m++)
            UNROLL
            for (int v = 0; v < NV; v++) acc[m][v] = F(madd)(acc[m][v], x[v], wp + m);
        xp += step;
        wp += MR;
    }
    return wp;
}

/* Writes a tile: ReLU if wanted, zeros beyond the last column, and the sums of its row. */
INLINE void F(finish)(
    const int MR, const int NV, vf acc[BLOCK][2], const F(Conv) *conv, const Map *out,
    float *planar, double *sums, int64_t h, int64_t w, int64_t c)
{
    const int64_t rows = conv->rows, columns = conv->columns, g = c / GROUP;
    UNROLL
    for (int v = 0; v < NV; v++) {
        const int64_t left = columns - w - v * LANES;
        const vu mask = first_lanes(left);
        if (left <= 0) continue;
        UNROLL
        for (int m = 0; m < MR; m++) {
            vf y = acc[m][v];
            if (conv->flags & RELU) y = (vf)((vu)y & (vu)(y > 0.0f));
            acc[m][v] = (vf)((vu)y & mask);
        }
        if (planar) {
            UNROLL
            for (int m = 0; m < MR; m++)
                if (c + m < out->channels) {
                    const vf line = acc[m][v];
                    float *to = planar + ((c + m) * rows + h) * columns + w + v * LANES;
                    memcpy(to, &line, (left < LANES ? left : LANES) * sizeof(float));
                }
        } else {
            uint32_t *to = out->data + h * out->row + g * out->group + w + v * LANES;
            UNROLL
            for (int m = 0; m < MR; m += GROUP, to += out->group)
                *(vf *)to = F(pack)(acc[m][v], acc[m + GROUP - 1][v]);
        }
    }
    if (sums)
        UNROLL
        for (int m = 0; m < MR; m++) {
            vf one = {}, two = {};
            UNROLL
            for (int v = 0; v < NV; v++) {
                one += acc[m][v];
                two += acc[m][v] * acc[m][v];
            }
            sums[2 * (c + m)] += lane_sum(one);
            sums[2 * (c + m) + 1] += lane_sum(two);
        }
}

/* MR channels by NV vectors of columns of one row, at channel `c` and column `w`. Weights are
 * [tap][group][MR] lanes. */
INLINE void F(tile)(
    const int MR, const int NV, const F(Conv) *conv, const Map *out, float *planar, double *sums,
    const uint32_t *weights, int64_t h, int64_t w, int64_t c)
{
    vf acc[BLOCK][2];
    F(begin)(MR, NV, acc, conv, out, h, w, c);
    for (int tap = 0; tap < conv->tall * conv->wide; tap++) {
        const int64_t dy = (tap / conv->wide - conv->tall / 2) * conv->dilation;
        const int64_t dx = (tap % conv->wide - conv->wide / 2) * conv->dilation;
        if (h + dy < 0 || h + dy >= conv->rows) continue;
        if (w + dx >= conv->columns || w + dx + NV * LANES <= 0) continue;
        const uint32_t *wp = weights + tap * conv->depth * MR;
        for (int i = 0; i < conv->maps; i++) {
            const Map *in = conv->in + i;
            const int64_t groups = (in->channels + GROUP - 1) / GROUP;
            wp = F(products)(
                MR, NV, acc, in->data + (h + dy) * in->row + w + dx, in->group, groups, wp);
        }
    }
    F(finish)(MR, NV, acc, conv, out, planar, sums, h, w, c);
}

#if BLOCK == 12
#define LARGE_TILES(TILE, NV)                                                                      \
    case 12: TILE(12, NV); break;                                                                  \
    case 10: TILE(10, NV); break;                                                                  \
    case 8: TILE(8, NV); break;
#elif BLOCK == 8
#define LARGE_TILES(TILE, NV)                                                                      \
    case 8: TILE(8, NV); break;
#else
#define LARGE_TILES(TILE, NV)
#endif
#define TILES(TILE, NV)                                                                            \
    switch (width) {                                                                               \
    LARGE_TILES(TILE, NV)                                                                          \
    case 6: TILE(6, NV); break;                                                                    \
    case 4: TILE(4, NV); break;                                                                    \
    default: TILE(2, NV);                                                                          \
    }
#define TILE(MR, NV) F(tile)(MR, NV, &conv, out, planar, sum, wp, h, w, c)

/* out = sum over taps and maps of weights times in, plus bias or, with ADD, plus out.
 *
 * weights: for every block of BLOCK channels of `out` (the last one may be narrower; all are even),
 *     [tap][group][channel] lanes; tap (i, j) of (tall, wide), both odd, reads row
 *     h + (i - tall / 2) dilation and so on.
 * bias: (channels rounded up to even,) or NULL.
 * planar: if given, the result goes here instead, (channels, rows, columns) float32.
 * sums: if given, (rows, even channels, 2) doubles: sum and sum of squares of each row. */
int F(conv)(
    const Map *in, int maps, const Map *out, const uint32_t *weights, const float *bias,
    double *sums, int64_t rows, int64_t columns, int tall, int wide, int dilation, int threads,
    int flags, float *planar)
{
    F(Conv) conv = {in, maps, tall, wide, dilation, flags, rows, columns, 0, bias};
    for (int i = 0; i < maps; i++) conv.depth += round_up(in[i].channels, GROUP) / GROUP;
    const int64_t channels = round_up(out->channels, 2);
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
                    TILES(TILE, 2)
                else
                    TILES(TILE, 1)
            }
            w += two ? 2 * LANES : LANES;
        }
    }
    return DONE;
}

/* The weights of `conv` for `rows_count` output channels (even) and `columns_count` inputs.
 *
 * Output r and input c take w[rows[r] * row_step + columns[c] * column_step + tap], the taps in
 * reverse order with `flip`; an index of -1 stands for weights of 0. The inputs of every map fill
 * whole groups. With `winograd`, the kernels are 3x3 and the weights 4x3, for `conv_winograd`. */
int F(pack_weights)(
    const float *w, int64_t row_step, int64_t column_step, int taps, int flip, int winograd,
    const int32_t *rows, int64_t rows_count, const int32_t *columns, int64_t columns_count,
    uint32_t *out, int threads)
{
    const int64_t groups = columns_count / GROUP;
    const int points = winograd ? WINOGRAD_TAPS : taps;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t start = 0; start < rows_count; start += BLOCK) {
        const int64_t width = rows_count - start < BLOCK ? rows_count - start : BLOCK;
        uint32_t *to = out + start * points * groups;
        for (int tap = 0; tap < points; tap++)
            for (int64_t g = 0; g < groups; g++)
                for (int64_t m = 0; m < width; m++) {
                    uint32_t lane = 0;
                    for (int k = 0; k < GROUP; k++) {
                        const int32_t r = rows[start + m], c = columns[g * GROUP + k];
                        float value = 0;
                        if (r >= 0 && c >= 0) {
                            const float *kernel = w + r * row_step + c * column_step;
                            value = winograd ? winograd_weight(kernel, tap, flip)
                                             : kernel[flip ? taps - 1 - tap : tap];
                        }
                        uint32_t bits;
                        memcpy(&bits, &value, 4);
#if GROUP == 2
                        /* to nearest, ties to even */
                        bits = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
                        lane |= bits << 16 * k;
#else
                        lane = bits;
#endif
                    }
                    to[(tap * groups + g) * width + m] = lane;
                }
    }
    return DONE;
}
